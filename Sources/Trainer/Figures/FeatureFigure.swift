// What is known of every latent, by SAELens's names. Comes in: one declaration each, and values. Leaves:
// lists with a value a latent, in `feature_metrics.json` and in what `evaluate --json` prints.

package import Shared

/// A figure that every latent has.
package struct FeatureFigure: Sendable, Hashable {
  /// SAELens's name: "feature_density".
  package let name: String
  /// A heading: "Density".
  package let title: String
  /// What it is, in a phrase.
  package let note: String

  /// All that are declared.
  package static let all = [density, consistency, encoderBias, encoderNorm, encoderDecoderCosine]

  package static let density = FeatureFigure(
    name: "feature_density", title: "Density",
    note: "share of the evaluated tokens on which it is active")
  package static let consistency = FeatureFigure(
    name: "consistent_activation_heuristic", title: "Consistency",
    note: "tokens on which it is active, per sequence in which it is")
  package static let encoderBias = FeatureFigure(
    name: "encoder_bias", title: "Encoder bias", note: "b_enc")
  package static let encoderNorm = FeatureFigure(
    name: "encoder_norm", title: "Encoder norm", note: "‖w_enc‖")
  package static let encoderDecoderCosine = FeatureFigure(
    name: "encoder_decoder_cosine_sim", title: "Encoder–decoder cosine",
    note: "between w_enc and w_dec")
}

/// Known lists, one value a latent; not a number where there is none.
package struct FeatureFigures: Sendable {
  private var values: [FeatureFigure: [Double]] = [:]

  package init() {}

  /// Nil where it is not known of any latent.
  package subscript(figure: FeatureFigure) -> [Double]? {
    get { values[figure] }
    set { values[figure] = newValue }
  }

  package mutating func merge(_ others: FeatureFigures) {
    values.merge(others.values) { _, other in other }
  }
}

extension FeatureFigures {
  package static let fileName = "feature_metrics.json"

  /// One list a line; null for a latent without a value.
  package var json: JSON {
    .object(
      Dictionary(
        uniqueKeysWithValues: values.map { figure, values in
          (figure.name, JSON.array(values.map { $0.isFinite ? .number($0) : .null }))
        }))
  }

  package init(_ json: JSON) {
    for figure in FeatureFigure.all {
      guard let list = json[figure.name]?.array else { continue }
      values[figure] = list.map { $0.double ?? .nan }
    }
  }

  /// Writes `feature_metrics.json` into a folder.
  package func write(folder: String) throws(SystemError) {
    try AtomicFile.replace(folder + "/" + FeatureFigures.fileName, with: json.pretty)
  }
}
