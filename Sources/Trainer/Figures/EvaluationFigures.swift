// The figures of a trained SAE, by SAELens's groups and keys in `evaluation.json`; those that SAELens
// does not have are in the groups `latents` and `token_stats`.

extension Figure {
  /// The figures of the evaluation.
  package static let evaluation = [
    finalExplainedVariance, finalL0, finalMSE, lossScore, lossWithoutSAE, lossWithSAE,
    lossWithAblation, deadInTraining, deadFeatureWindow, aliveShare, neverActive, latentCount,
    finalExplainedVarianceOfRows, cosineSimilarity, l2Ratio, l2NormIn, l2NormOut,
    reconstructionBias, finalL1, divergenceScore, divergenceWithSAE, divergenceWithAblation,
    evaluatedRows, lossTokens,
  ]

  package static let finalExplainedVariance = Figure(
    "reconstruction_quality/explained_variance", "Explained variance", "share of the variance",
    better: .higher, of: .rows,
    shown: [
      .table(note: ""), .card(at: 1), .sweep(at: 2), .plot(at: 1), .manifest(), .result(),
    ])
  package static let finalExplainedVarianceOfRows = Figure(
    "reconstruction_quality/explained_variance_legacy", "Explained variance of tokens",
    "1 − ‖x − x̂‖² / ‖x − x̄‖² with the mean of each batch, mean over tokens", better: .higher,
    of: .rows)
  package static let finalMSE = Figure(
    "reconstruction_quality/mse", "MSE", "mean ‖x − x̂‖² per token", better: .lower, of: .rows,
    shown: [.table(), .card(at: 3), .sweep(at: 4), .manifest(), .result()])
  package static let cosineSimilarity = Figure(
    "reconstruction_quality/cossim", "Cosine similarity", "between x and x̂", better: .higher,
    of: .rows, shown: [.card("Cosine", at: 7)])

  package static let l2NormIn = Figure("shrinkage/l2_norm_in", "L2 norm", "of x", of: .rows)
  package static let l2NormOut = Figure(
    "shrinkage/l2_norm_out", "L2 norm of x̂", "of the reconstruction", of: .rows)
  package static let l2Ratio = Figure(
    "shrinkage/l2_ratio", "L2 ratio", "‖x̂‖ / ‖x‖", of: .rows, shown: [.card(at: 8)])
  package static let reconstructionBias = Figure(
    "shrinkage/relative_reconstruction_bias", "Relative reconstruction bias",
    "mean ‖x̂‖² / mean x·x̂; below 1 where reconstructions are too short", of: .rows)

  package static let finalL0 = Figure(
    "sparsity/l0", "L0", "active latents per token", unit: "latents", better: .lower, of: .rows,
    shown: [.table(), .card(at: 2), .sweep(at: 1), .manifest(), .result()])
  package static let finalL1 = Figure(
    "sparsity/l1", "L1", "sum of the activations per token", better: .lower, of: .rows)

  package static let latentCount = Figure(
    "latents/d_sae", "Latents", "of the SAE", unit: "latents", format: .whole)
  package static let neverActive = Figure(
    "latents/never_active_in_evaluation", "Never active", "on no evaluated row", unit: "latents",
    better: .lower, format: .whole, of: .rows)
  package static let aliveShare = Figure(
    "latents/alive_share", "Alive latents", "\(.neverActive) never active in the evaluated rows",
    better: .higher, format: .share, of: .rows,
    shown: [
      .table(), .card("Alive", note: "\(.neverActive) never active in these rows", at: 5),
      .result(),
    ])
  package static let deadInTraining = Figure(
    "latents/dead_in_training", "Dead latents",
    "of \(.latentCount); silent in the last \(.deadFeatureWindow) steps of training",
    unit: "latents", better: .lower, format: .whole,
    shown: [
      .table(), .card("Dead in training", note: "silent for \(.deadFeatureWindow) steps", at: 6),
      .sweep(at: 5), .result("dead_latents"),
    ])
  package static let deadFeatureWindow = Figure(
    "latents/dead_feature_window", "Dead-feature window", "steps without a latent's activity",
    unit: "steps", format: .whole)

  package static let evaluatedRows = Figure(
    "token_stats/total_tokens_eval_sparsity_variance", "Evaluated rows",
    "tokens whose rows were reconstructed",
    unit: "tokens", format: .count)
}

extension Figure {
  package static let lossScore = Figure(
    "model_performance_preservation/ce_loss_score", "Loss recovered",
    "CE \(.lossWithoutSAE) → \(.lossWithSAE) (ablated \(.lossWithAblation))", better: .higher,
    of: .tokens,
    shown: [.table(), .card(at: 4), .sweep(at: 3), .plot(at: 2), .manifest(), .result()])
  package static let lossWithoutSAE = Figure(
    "model_performance_preservation/ce_loss_without_sae", "Loss of the model",
    "mean cross-entropy of the next token", unit: "nats", better: .lower, of: .tokens,
    shown: [.manifest(), .result()])
  package static let lossWithSAE = Figure(
    "model_performance_preservation/ce_loss_with_sae", "Loss with the SAE",
    "with the reconstructions in the place of activations", unit: "nats", better: .lower,
    of: .tokens, shown: [.manifest(), .result()])
  package static let lossWithAblation = Figure(
    "model_performance_preservation/ce_loss_with_ablation", "Loss with ablation",
    "with zeros in the place of activations", unit: "nats", of: .tokens,
    shown: [.manifest(), .result()])

  package static let divergenceScore = Figure(
    "model_behavior_preservation/kl_div_score", "Divergence recovered",
    "KL \(.divergenceWithSAE) (ablated \(.divergenceWithAblation))", better: .higher, of: .tokens)
  package static let divergenceWithSAE = Figure(
    "model_behavior_preservation/kl_div_with_sae", "Divergence with the SAE",
    "mean divergence of the predictions from those of the model as it is", unit: "nats",
    better: .lower, of: .tokens)
  package static let divergenceWithAblation = Figure(
    "model_behavior_preservation/kl_div_with_ablation", "Divergence with ablation",
    "the same with zeros in the place of activations", unit: "nats", of: .tokens)

  package static let lossTokens = Figure(
    "token_stats/total_tokens_eval_reconstruction", "Tokens of the loss",
    "tokens whose predictions were compared", unit: "tokens", format: .count, of: .tokens)
}
