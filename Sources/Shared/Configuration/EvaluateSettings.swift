// The section `evaluate`: what a run tells about itself in the end.

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
