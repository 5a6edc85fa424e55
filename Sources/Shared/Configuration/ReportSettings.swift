// The sections `logger` and `evaluate`: what a run tells about itself.

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
  ]

  package static let inertSettings: [InertSetting] = [
    InertSetting("log_activations_store_to_wandb", "The cache is its own stage."),
    InertSetting("eval_every_n_wandb_logs", "A run is evaluated once it has ended."),
  ]
}

/// What is measured once training has ended.
package struct EvaluateSettings: Sendable, Equatable {
  package var reportLatents = 20
  package var contextsPerLatent = 8
  package var evalTokens = 200_000
  package var categories: String?
  package var lossRecovered: Bool?
  package var lossTokens = 20_000

  package init() {}
}

extension EvaluateSettings: Section {
  package static let sectionName = "evaluate"
  package static let summary = "What is measured once training has ended"

  package static let settings: [Setting<EvaluateSettings>] = [
    Setting(
      "report_latents", \.reportLatents, "Latents whose top contexts the report shows.",
      .atLeast(0), effect: .none),
    Setting(
      "contexts_per_latent", \.contextsPerLatent, "Contexts shown per latent.", .atLeast(1),
      effect: .none),
    Setting(
      "eval_tokens", \.evalTokens, "Activations over which the final figures are taken.",
      .atLeast(1), effect: .none),
    Setting(
      "categories", \.categories,
      "JSON file of category to words; each word's tokens are that category's ground truth.",
      effect: .none, names: .path),
    Setting(
      "loss_recovered", \.lossRecovered,
      "Run the model with the SAE in it; null: where it is here; true: or do not start.",
      effect: .none),
    Setting(
      "loss_tokens", \.lossTokens, "Tokens that the model reads for it, in whole sequences.",
      .atLeast(1), effect: .none),
  ]
}
