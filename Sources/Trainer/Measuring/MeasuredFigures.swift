// What was measured of an SAE. Comes in: figures and lists of latents. Leaves: a table, and the JSON that the
// command line of SAELens's evals writes.

package import Shared

/// The figures of an SAE, with where they come from.
package struct MeasuredFigures: Sendable {
  let folder: String
  package let figures: Figures
  package var features: FeatureFigures
  package let source: EvaluatedRows
  let contextSize: Int

  private static let groups: Set = [
    "model_behavior_preservation", "model_performance_preservation", "reconstruction_quality",
    "shrinkage", "sparsity", "token_stats",
  ]

  private var shown: [(figure: Figure, value: Double)] {
    figures.filter { MeasuredFigures.groups.contains($0.figure.group) }
  }

  private var name: String {
    folder.split(separator: "/").last.map { String($0) } ?? folder
  }

  /// The layout of SAELens's `all_eval_results.json`, for one SAE.
  package var json: JSON {
    var metrics = Figures()
    for (figure, value) in shown { metrics[figure] = value }
    let configuration =
      (try? MappedFile.contents(folder + "/cfg.json")).flatMap { try? JSON(parsing: $0) }
    return [
      "unique_id": .string(name), "sae_set": .string(name), "sae_id": .string(name),
      "eval_cfg": [
        "context_size": .integer(contextSize),
        "library_version": .string("\(Product.name) \(Product.version)"),
        "rows_from": .string(source.rawValue),
      ],
      "metrics": .object(metrics.nested), "feature_metrics": features.json,
      "sae_cfg": configuration ?? .null,
    ]
  }

  package var table: Table {
    var table = Table(
      title: "\(name) on \(source.words)", columns: [.init(""), .init("", .right), .init("")])
    for (figure, value) in shown {
      table.add([figure.title, figure.text(value), figure.note.text(figures)])
    }
    return table
  }
}
