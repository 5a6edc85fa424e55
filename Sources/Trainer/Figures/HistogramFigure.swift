// What is logged as a histogram, by SAELens's names. Comes in: one declaration each. Leaves: the names
// in the log and the words of the charts.

/// A figure of which there are many at once, one a latent.
package struct HistogramFigure: Sendable {
  /// SAELens's name: "weights/W_dec_norms".
  package let name: String
  /// A heading: "Decoder norms".
  package let title: String
  /// What it is, in a phrase.
  package let note: String

  /// All that are declared.
  package static let all = [featureDensity, decoderNorms, encoderBias, gateBias, magnitudeBias]

  /// Of a full sampling window.
  package static let featureDensity = HistogramFigure(
    name: "plots/feature_density_line_chart", title: "Feature density",
    note: "log₁₀ of the share of tokens on which a latent is active")
  package static let decoderNorms = HistogramFigure(
    name: "weights/W_dec_norms", title: "Decoder norms", note: "norm of each latent's direction")
  package static let encoderBias = HistogramFigure(
    name: "weights/b_e", title: "Encoder bias", note: "one a latent")
  package static let gateBias = HistogramFigure(
    name: "weights/b_gate", title: "Gate bias", note: "one a latent")
  package static let magnitudeBias = HistogramFigure(
    name: "weights/b_mag", title: "Magnitude bias", note: "one a latent")

  /// The one of a name, which another version may have written.
  package static func named(_ name: String) -> HistogramFigure {
    all.first { $0.name == name } ?? HistogramFigure(name: name, title: name, note: "")
  }
}

extension HistogramFigure: Hashable {
  package static func == (first: HistogramFigure, second: HistogramFigure) -> Bool {
    first.name == second.name
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
