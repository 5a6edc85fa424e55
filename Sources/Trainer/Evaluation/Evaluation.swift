// The final figures of a trained SAE. Comes in: rows, their reconstructions and active latents.
// Leaves: `evaluation.json` with SAELens's groups and names, and what the report shows.

import Foundation
package import Shared

/// Where the evaluated rows come from.
package enum EvaluatedRows: String, Sendable {
  /// Sequences that training never saw.
  case heldOut = "held_out"
  /// Rows that training may have seen, where nothing was held out.
  case cache = "cache"

  package var words: String {
    switch self {
    case .heldOut: "held-out rows"
    case .cache: "rows of the cache (nothing was held out)"
    }
  }
}

/// Sums over evaluated rows, in float64.
package struct EvaluationSums: Sendable {
  private let dIn: Int
  package private(set) var rows = 0
  /// The rows on which each latent is active.
  package private(set) var fires: [Int]
  private var columnSums: [Double]
  private var squaredNorms = 0.0
  private var squaredErrors = 0.0
  private var norms = 0.0
  private var reconstructedNorms = 0.0
  private var ratios = 0.0
  private var cosines = 0.0
  private var active = 0
  private var activation = 0.0

  package init(dIn: Int, latentCount: Int) {
    self.dIn = dIn
    fires = Array(repeating: 0, count: latentCount)
    columnSums = Array(repeating: 0, count: dIn)
  }

  /// Bytes that the sums take for so many columns and latents.
  static func byteCount(dIn: Int, latentCount: Int) -> Int { 8 * (dIn + latentCount) }

  /// Adds one row, its reconstruction, both `[dIn]`, and its active latents with their values.
  package mutating func add(
    row: Span<Float>, reconstruction: Span<Float>, latents: Span<Int32>, values: Span<Float>
  ) {
    precondition(row.count == dIn && reconstruction.count == dIn, "rows are dIn wide")
    precondition(latents.count == values.count, "a value for every latent")
    var squared = 0.0
    var squaredOut = 0.0
    var product = 0.0
    var error = 0.0
    for column in 0..<dIn {
      let x = Double(row[column])
      let y = Double(reconstruction[column])
      columnSums[column] += x
      squared += x * x
      squaredOut += y * y
      product += x * y
      error += (x - y) * (x - y)
    }
    rows += 1
    squaredNorms += squared
    squaredErrors += error
    let norm = squared.squareRoot()
    let normOut = squaredOut.squareRoot()
    norms += norm
    reconstructedNorms += normOut
    ratios += normOut / (norm < 1e-4 ? 1 : norm)
    cosines += norm * normOut > 0 ? product / (norm * normOut) : 0
    active += latents.count
    for index in latents.indices {
      fires[Int(latents[index])] += 1
      activation += abs(Double(values[index]))
    }
  }

  /// The means over all rows.
  ///
  /// Explained variance is 1 − Σ‖x−x̂‖² / (Σ‖x‖² − N‖x̄‖²), and 1 or 0 where the rows do not vary.
  package var figures: EvaluationFigures {
    let count = Double(max(1, rows))
    let squaredMean = columnSums.reduce(0) { $0 + ($1 / count) * ($1 / count) }
    let variance = squaredNorms / count - squaredMean
    let mse = squaredErrors / count
    let explained = variance < 1e-10 ? (mse < 1e-10 ? 1 : 0) : 1 - mse / variance
    return EvaluationFigures(
      rows: rows, explainedVariance: explained, mse: mse, cosineSimilarity: cosines / count,
      l2NormIn: norms / count, l2NormOut: reconstructedNorms / count, l2Ratio: ratios / count,
      l0: Double(active) / count, l1: activation / count, fires: fires)
  }
}

/// Means over the evaluated rows.
package struct EvaluationFigures: Sendable, Equatable {
  package let rows: Int
  package let explainedVariance: Double
  /// Mean over rows of ‖x−x̂‖², in units of the cached activations.
  package let mse: Double
  package let cosineSimilarity: Double
  package let l2NormIn: Double
  package let l2NormOut: Double
  package let l2Ratio: Double
  package let l0: Double
  package let l1: Double
  /// The rows on which each latent is active.
  package let fires: [Int]

  package init(
    rows: Int, explainedVariance: Double, mse: Double, cosineSimilarity: Double, l2NormIn: Double,
    l2NormOut: Double, l2Ratio: Double, l0: Double, l1: Double, fires: [Int]
  ) {
    self.rows = rows
    self.explainedVariance = explainedVariance
    self.mse = mse
    self.cosineSimilarity = cosineSimilarity
    self.l2NormIn = l2NormIn
    self.l2NormOut = l2NormOut
    self.l2Ratio = l2Ratio
    self.l0 = l0
    self.l1 = l1
    self.fires = fires
  }

  package var latentCount: Int { fires.count }
  /// Latents that are active on no evaluated row.
  package var neverActive: Int { fires.count { $0 == 0 } }
  package var aliveShare: Double {
    fires.isEmpty ? 0 : 1 - Double(neverActive) / Double(fires.count)
  }
  /// The share of the rows on which each latent is active.
  package var densities: [Double] { fires.map { Double($0) / Double(max(1, rows)) } }
}

/// All that is known about a trained SAE; what `evaluation.json` holds.
package struct Evaluation: Sendable, Equatable {
  package let figures: EvaluationFigures
  package let source: EvaluatedRows
  /// Latents that fired in none of the last `dead_feature_window` training steps.
  package let deadInTraining: Int
  package let deadFeatureWindow: Int
  package let categories: [CategoryResult]
  /// SHA-256 of the file of categories.
  package let categoriesDigest: String?
  package let latents: [ReportedLatent]
  /// Why there are no contexts, no categories or no loss.
  package var remarks: [String]
  /// The loss of the language model with the SAE in it, where that was measured.
  package var loss: LossRecovered?

  package init(
    figures: EvaluationFigures, source: EvaluatedRows, deadInTraining: Int,
    deadFeatureWindow: Int, categories: [CategoryResult] = [], categoriesDigest: String? = nil,
    latents: [ReportedLatent] = [], remarks: [String] = [], loss: LossRecovered? = nil
  ) {
    self.figures = figures
    self.source = source
    self.deadInTraining = deadInTraining
    self.deadFeatureWindow = deadFeatureWindow
    self.categories = categories
    self.categoriesDigest = categoriesDigest
    self.latents = latents
    self.remarks = remarks
    self.loss = loss
  }

  package static let fileName = "evaluation.json"

  /// Writes `evaluation.json` into a run's folder.
  package func write(run folder: String) throws(SystemError) {
    try AtomicFile.replace(folder + "/" + Evaluation.fileName, with: json.pretty)
  }

  /// Reads the evaluation of a run's folder.
  package static func read(run folder: String) throws -> Evaluation {
    let path = folder + "/" + Evaluation.fileName
    let bytes = try MappedFile.contents(path)
    guard let json = try? JSON(parsing: bytes), let evaluation = Evaluation(json) else {
      throw ReportError.unreadable(path: path)
    }
    return evaluation
  }
}

// MARK: - JSON

extension Evaluation {
  package var json: JSON {
    var members = plainMembers
    if let loss {
      members["model_performance_preservation"] = .object(loss.lossMembers)
      members["model_behavior_preservation"] = .object(loss.divergenceMembers)
    }
    return .object(members)
  }

  private var plainMembers: [String: JSON] {
    let tokens: [String: JSON] = [
      "total_tokens_eval_reconstruction": .integer(figures.rows),
      "rows_from": .string(source.rawValue),
    ]
    return [
      "reconstruction_quality": .object([
        "explained_variance": .number(figures.explainedVariance), "mse": .number(figures.mse),
        "cossim": .number(figures.cosineSimilarity),
      ]),
      "shrinkage": .object([
        "l2_norm_in": .number(figures.l2NormIn), "l2_norm_out": .number(figures.l2NormOut),
        "l2_ratio": .number(figures.l2Ratio),
      ]),
      "sparsity": .object(["l0": .number(figures.l0), "l1": .number(figures.l1)]),
      "token_stats": .object(tokens.merging(loss?.tokenMembers ?? [:]) { first, _ in first }),
      "latents": .object([
        "d_sae": .integer(figures.latentCount),
        "never_active_in_evaluation": .integer(figures.neverActive),
        "alive_share": .number(figures.aliveShare),
        "dead_in_training": .integer(deadInTraining),
        "dead_feature_window": .integer(deadFeatureWindow),
      ]),
      "active_rows": .array(figures.fires.map { .integer($0) }),
      "categories": .array(categories.map(\.json)),
      "categories_sha256": categoriesDigest.map { .string($0) } ?? .null,
      "reported_latents": .array(latents.map(\.json)),
      "remarks": .array(remarks.map { .string($0) }),
    ]
  }

  package init?(_ json: JSON) {
    func number(_ group: String, _ key: String) -> Double? { json[group]?[key]?.double }
    guard let rows = json["token_stats"]?["total_tokens_eval_reconstruction"]?.integer,
      let source = json["token_stats"]?["rows_from"]?.string.flatMap(EvaluatedRows.init),
      let explained = number("reconstruction_quality", "explained_variance"),
      let mse = number("reconstruction_quality", "mse"),
      let cosine = number("reconstruction_quality", "cossim"),
      let normIn = number("shrinkage", "l2_norm_in"),
      let normOut = number("shrinkage", "l2_norm_out"),
      let ratio = number("shrinkage", "l2_ratio"), let l0 = number("sparsity", "l0"),
      let l1 = number("sparsity", "l1"), let fires = json["active_rows"]?.array,
      let dead = json["latents"]?["dead_in_training"]?.integer,
      let window = json["latents"]?["dead_feature_window"]?.integer
    else { return nil }
    self.init(
      figures: EvaluationFigures(
        rows: rows, explainedVariance: explained, mse: mse, cosineSimilarity: cosine,
        l2NormIn: normIn, l2NormOut: normOut, l2Ratio: ratio, l0: l0, l1: l1,
        fires: fires.compactMap(\.integer)),
      source: source, deadInTraining: dead, deadFeatureWindow: window,
      categories: json["categories"]?.array?.compactMap { CategoryResult($0) } ?? [],
      categoriesDigest: json["categories_sha256"]?.string,
      latents: json["reported_latents"]?.array?.compactMap { ReportedLatent($0) } ?? [],
      remarks: json["remarks"]?.array?.compactMap(\.string) ?? [], loss: LossRecovered(json))
  }
}
