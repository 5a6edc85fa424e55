// The figures of a training step and of a full sampling window, by SAELens's names, and the panels in
// which the report draws them.

extension ChartPanel {
  static let loss = ChartPanel("Loss", "overall and its parts", .zero)
  static let explainedVariance = ChartPanel(
    "Explained variance", "of the batch; what is below 0 is drawn at 0", .floor)
  static let l0 = ChartPanel("L0", "active latents per token", .zero)
  static let deadLatents = ChartPanel("Dead latents", "silent for the dead-feature window", .zero)
  static let learningRate = ChartPanel("Learning rate", "with warm-up and decay", .zero)
  static let coefficient = ChartPanel(
    "Sparsity coefficient", "the weight of the sparsity loss, with its warm-up", .zero)
  static let threshold = ChartPanel(
    "Threshold", "above which latents are active once trained", .zero)
}

extension Figure {
  /// The figures of a step, from the parameters before its update.
  package static let step = [
    overall, mse, l1, l0Loss, auxiliary, ghost, preAct, innerLoss, explainedVariance,
    explainedVarianceOfRows, explainedVarianceDeviation, l0, deadLatents, learningRate,
    l1Coefficient, l0Coefficient, topkThreshold, meanPassesSinceFired,
    gradientNorm, trainingSamples, tokensPerSecond,
  ]

  package static let overall = Figure(
    "losses/overall_loss", "Overall loss", "what the gradient is taken of", better: .lower,
    shown: [.chart(.loss, "overall")])
  package static let mse = Figure(
    "losses/mse_loss", "MSE", "mean ‖x − x̂‖² per token", better: .lower, shown: [.chart(.loss)])
  package static let l1 = Figure(
    "losses/l1_loss", "L1 loss", "the sparsity loss with its coefficient", better: .lower,
    shown: [.chart(.loss, "L1")])
  package static let l0Loss = Figure(
    "losses/l0_loss", "L0 loss", "the sparsity loss of JumpReLU with its coefficient",
    better: .lower, shown: [.chart(.loss, "L0")])
  package static let auxiliary = Figure(
    "losses/auxiliary_reconstruction_loss", "Auxiliary loss",
    "AuxK's loss with its coefficient, or gated's reconstruction by the gate", better: .lower,
    shown: [.chart(.loss, "auxiliary")])
  package static let ghost = Figure(
    "losses/ghost_grad_loss", "Ghost loss", "what dead latents learn from the residual",
    better: .lower, shown: [.chart(.loss, "ghost")])
  package static let preAct = Figure(
    "losses/pre_act_loss", "Pre-activation loss", "what lifts the pre-activations of dead latents",
    better: .lower, shown: [.chart(.loss, "pre-activation")])
  package static let innerLoss = Figure(
    "losses/inner_mse_loss_", "Inner MSE", "the loss of the latents below a width alone",
    better: .lower, isFamily: true, shown: [.chart(.loss, "inner")])
  package static func inner(width: Int) -> Figure { innerLoss.member(width) }

  package static let explainedVariance = Figure(
    "metrics/explained_variance", "Explained variance", "1 − mean‖x − x̂‖² / mean‖x − x̄‖²",
    better: .higher, shown: [.chart(.explainedVariance)])
  package static let explainedVarianceOfRows = Figure(
    "metrics/explained_variance_legacy", "Explained variance of tokens",
    "1 − ‖x − x̂‖² / ‖x − x̄‖², mean over tokens", better: .higher)
  package static let explainedVarianceDeviation = Figure(
    "metrics/explained_variance_legacy_std", "Its deviation",
    "of the explained variance of tokens, around their mean", better: .lower)
  package static let l0 = Figure(
    "metrics/l0", "L0", "active latents per token", unit: "latents", better: .lower,
    shown: [.chart(.l0)])
  package static let deadLatents = Figure(
    "sparsity/dead_features", "Dead latents", "silent for the dead-feature window",
    unit: "latents", better: .lower, format: .whole, shown: [.chart(.deadLatents)])
  package static let meanPassesSinceFired = Figure(
    "sparsity/mean_passes_since_fired", "Mean passes since fired",
    "steps since a latent was last active, mean over latents", unit: "steps", better: .lower)
  package static let topkThreshold = Figure(
    "metrics/topk_threshold", "Threshold", "running mean of the least latent that batchtopk keeps",
    shown: [.chart(.threshold)])
  package static let gradientNorm = Figure(
    "details/gradient_norm", "Gradient norm", "before clipping", isLogged: false)

  package static let learningRate = Figure(
    "details/current_learning_rate", "Learning rate", "with warm-up and decay",
    shown: [.chart(.learningRate)])
  package static let l1Coefficient = Figure(
    "details/l1_coefficient", "L1 coefficient", "the weight of the sparsity loss",
    shown: [.chart(.coefficient)])
  package static let l0Coefficient = Figure(
    "details/l0_coefficient", "L0 coefficient", "the weight of the sparsity loss",
    shown: [.chart(.coefficient)])
  package static let trainingSamples = Figure(
    "details/n_training_samples", "Training tokens", "tokens that were trained on",
    unit: "tokens", format: .count,
    shown: [.card("Trained on", note: "tokens, \(.tokensPerSecond)/s", at: 9)])
  package static let tokensPerSecond = Figure(
    "details/tokens_per_second", "Speed", "since the step that was logged before",
    unit: "tokens/s", better: .higher, format: .count)
}

extension Figure {
  /// What SAELens says of a full `feature_sampling_window`.
  package static let window = [meanLogSparsity, below1e5, below1e6]

  package static let meanLogSparsity = Figure(
    "metrics/mean_log10_feature_sparsity", "Mean log₁₀ density",
    "log₁₀ of the share of tokens on which a latent is active, mean over latents")
  package static let below1e5 = Figure(
    "sparsity/below_1e-5", "Below 1e-5", "latents active on fewer than 1 token in 100,000",
    unit: "latents", better: .lower, format: .whole)
  package static let below1e6 = Figure(
    "sparsity/below_1e-6", "Below 1e-6", "latents active on fewer than 1 token in 1,000,000",
    unit: "latents", better: .lower, format: .whole)
}
