// Whose name an option has. SAELens 6's is the rule; the exceptions are listed here.

/// The project that an option's name and meaning come from.
package enum OptionOrigin: String {
  case saeLens
  /// SAELens 3 to 5; version 6 has no such option.
  case earlierSAELens
  case transformerLens
  case dictionaryLearning
  case own

  var words: String {
    switch self {
    case .saeLens: "SAELens's"
    case .earlierSAELens: "that of SAELens 3 to 5"
    case .transformerLens: "TransformerLens's"
    case .dictionaryLearning: "dictionary_learning's"
    case .own: "Saeline's own"
    }
  }

  /// Whose the name of a setting is.
  package static func of(_ name: String, in section: String) -> OptionOrigin {
    exceptions.first { $0.sections.contains(section) && $0.names.contains(name) }?.origin
      ?? .saeLens
  }

  package static let exceptions: [(origin: OptionOrigin, sections: [String], names: [String])] = [
    (.own, [""], ["name", "store"]),
    (
      .own, ["pretokenize"],
      ["text_documents", "document_megabytes", "skip_invalid", "shard_megabytes"]
    ),
    (.own, ["cache"], ["model_revision", "hook_names", "max_disk_gb", "threads"]),
    (.earlierSAELens, ["cache", "train"], ["hook_layer"]),
    (
      .transformerLens, ["cache"],
      ["fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases"]
    ),
    (
      .earlierSAELens, ["train"],
      [
        "expansion_factor", "activation_fn", "activation_fn_kwargs",
        "scale_sparsity_penalty_by_decoder_norm",
        "mse_loss_normalization", "use_ghost_grads", "noise_scale", "normalize_sae_decoder",
        "b_dec_init_method", "decoder_heuristic_init", "decoder_orthogonal_init",
        "init_encoder_as_decoder_transpose", "finetuning_tokens", "finetuning_method", "resume",
      ]
    ),
    (
      .dictionaryLearning, ["train"],
      [
        "sparsity_function", "p_start", "p_end", "anneal_start", "anneal_end", "n_sparsity_updates",
        "sparsity_queue_length",
      ]
    ),
    (
      .own, ["train"],
      [
        "defaults", "max_grad_norm", "decoder_projection", "decoder_init_draw",
        "jumprelu_log_threshold", "eval_fraction",
        "max_norm_multiple",
        "checkpoint_minutes", "keep_checkpoints", "threads", "sweep", "sweep_mode",
      ]
    ),
    (.own, ["logger"], ["log_frequency", "log_to_tensorboard"]),
    (
      .own, ["evaluate"],
      [
        "report_latents", "contexts_per_latent", "eval_tokens", "categories", "loss_recovered",
        "loss_tokens",
      ]
    ),
    (
      .own, ["launch"],
      [
        "workers", "partition", "account", "qos", "constraint", "time", "mem", "cpus_per_task",
        "save_seconds", "retries", "sbatch_options", "setup",
      ]
    ),
  ]
}
