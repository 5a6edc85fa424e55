// The options of a run as SAELens hands them to wandb: its runner's configuration with every option that it
// has, those that mean nothing here at the values that SAELens has them at.

package import Shared

package enum WandbConfiguration {
  /// `runner` is what `runner_cfg.json` says.
  package static func make(_ runner: JSON, _ pipeline: Pipeline) -> [String: JSON] {
    var config = unused.merging(runner.object ?? [:]) { $1 }
    let logger = pipeline.logger
    config["output_path"] = "output"
    config["logger"] = [
      "log_to_wandb": .bool(logger.logToWandb), "log_activations_store_to_wandb": false,
      "log_optimizer_state_to_wandb": .bool(logger.logOptimizerStateToWandb),
      "log_weights_to_wandb": .bool(logger.logWeightsToWandb),
      "wandb_project": .string(logger.wandbProject),
      "wandb_id": text(logger.wandbId), "wandb_entity": text(logger.wandbEntity),
      "run_name": .string(logger.runName ?? WandbSettings.defaultName(pipeline.train)),
      "wandb_log_frequency": .integer(logger.logFrequency),
      "eval_every_n_wandb_logs": .integer(logger.evalEveryNWandbLogs),
    ]
    config["autocast_lm"] = .bool(pipeline.train.autocastLM)
    config["n_eval_batches"] = .integer(logger.nEvalBatches)
    config["eval_batch_size_prompts"] = logger.evalBatchSizePrompts.map { .integer($0) } ?? .null
    config["sae"] = config["sae"].map(beforeTraining)
    // The official client leaves out what holds nothing.
    return config.filter { $0.value != [:] }
  }

  /// An SAE's options as they are when a run begins, before SAELens notes what it is trained on.
  private static func beforeTraining(_ sae: JSON) -> JSON {
    guard var members = sae.object, let metadata = members["metadata"]?.object else { return sae }
    members["metadata"] = .object(metadata.filter { firstMetadata.contains($0.key) })
    return .object(members)
  }

  private static let firstMetadata: Set<String> = [
    "sae_lens_version", "sae_lens_training_version", "training_architecture",
    "training_architecture_details",
  ]

  private static func text(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }

  /// What SAELens tells of a checkpoint: the options of its trainer alone.
  static func trainer(_ config: [String: JSON]) -> JSON {
    var members = config.filter { trainerOptions.contains($0.key) }
    members["total_training_samples"] = config["training_tokens"]
    members["train_batch_size_samples"] = config["train_batch_size_tokens"]
    return .object(members)
  }

  private static let trainerOptions: Set<String> = [
    "lr", "lr_end", "lr_scheduler_name", "lr_warm_up_steps", "lr_decay_steps", "n_restart_cycles",
    "adam_beta1", "adam_beta2", "device", "autocast", "dead_feature_window",
    "feature_sampling_window", "n_checkpoints", "checkpoint_path", "save_final_checkpoint",
    "logger", "n_batches_for_norm_estimate",
  ]

  /// SAELens 6.54's options without a counterpart, at its defaults.
  private static let unused: [String: JSON] = [
    "hook_eval": "NOT_IN_USE", "dataset_trust_remote_code": true, "streaming": true,
    "use_chat_formatting": false, "cached_activations_path": .null, "from_pretrained_path": .null,
    "n_batches_in_buffer": 20, "activations_mixing_fraction": 0.5, "llm_device": "cpu",
    "act_store_device": "cpu", "prefetch_llm_batches": false, "autocast": false,
    "compile_llm": false, "llm_compilation_mode": .null,
    "compile_sae": false, "sae_compilation_mode": .null, "dead_feature_threshold": 1e-8,
    "checkpoint_path": "checkpoints",
    "save_final_checkpoint": false, "resume_from_checkpoint": .null, "verbose": true,
    "n_batches_for_norm_estimate": 1000,
  ]
}
