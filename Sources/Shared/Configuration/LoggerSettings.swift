// The section `logger`: what a run tells about itself while it goes on.

/// Where the figures of a run go; SAELens's LoggingConfig.
package struct LoggerSettings: Sendable, Equatable {
  package var logFrequency = 10
  package var logToWandb = false
  package var logWeightsToWandb = true
  package var logOptimizerStateToWandb = false
  package var wandbProject = "sae_lens_training"
  package var wandbEntity: String?
  package var wandbId: String?
  package var runName: String?
  package var logToTensorboard = false
  package var evalEveryNWandbLogs = 100
  package var nEvalBatches = 10
  package var evalBatchSizePrompts: Int?

  package init() {}
}

extension LoggerSettings: Section {
  package static let sectionName = "logger"
  package static let summary = "Where the figures of a run go"

  package static let settings: [Setting<LoggerSettings>] = [
    Setting(
      "log_frequency", \.logFrequency, "Steps between two lines of metrics.jsonl.", .atLeast(1),
      aliases: ["wandb_log_frequency"], effect: .none),
    Setting(
      "log_to_wandb", \.logToWandb, "Send figures, files and weights to Weights & Biases.",
      effect: .none),
    Setting(
      "log_weights_to_wandb", \.logWeightsToWandb,
      "Whether W&B's artifacts hold the weights; false: the configuration alone.", effect: .none),
    Setting(
      "log_optimizer_state_to_wandb", \.logOptimizerStateToWandb,
      "Whether artifacts of checkpoints hold the optimizer's state as well.", effect: .none),
    Setting(
      "wandb_project", \.wandbProject, "W&B's project; WANDB_PROJECT in place of the default.",
      effect: .none),
    Setting(
      "wandb_entity", \.wandbEntity, "W&B's user or team; null: WANDB_ENTITY, or the key's own.",
      effect: .none),
    Setting(
      "wandb_id", \.wandbId, "W&B's id of the run; null: WANDB_RUN_ID, or a new one.",
      effect: .none),
    Setting(
      "run_name", \.runName,
      "W&B's name of the run; null: WANDB_NAME, or architecture, width, rate and tokens.",
      effect: .none),
    Setting(
      "log_to_tensorboard", \.logToTensorboard,
      "Write an event file for TensorBoard into the run's folder tensorboard.", effect: .none),
    Setting(
      "eval_every_n_wandb_logs", \.evalEveryNWandbLogs,
      "Lines of metrics.jsonl between two evaluations while training.", .atLeast(1), effect: .none),
    Setting(
      "n_eval_batches", \.nEvalBatches, "Batches of sequences that such an evaluation takes.",
      .atLeast(1), effect: .none),
    Setting(
      "eval_batch_size_prompts", \.evalBatchSizePrompts,
      "Sequences of such a batch; null: cache.model_batch_size.", .atLeast(1), effect: .none),
  ]

  package static let inertSettings: [InertSetting] = [
    InertSetting("log_activations_store_to_wandb", "The cache is its own stage.")
  ]
}
