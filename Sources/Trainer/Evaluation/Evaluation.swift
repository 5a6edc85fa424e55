// The evaluation of a trained SAE. Comes in: the final figures and what goes with them. Leaves:
// `evaluation.json` with SAELens's groups and names, and what the report shows.

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

/// Why an evaluation cannot be read.
package enum EvaluationError: Failure, Equatable {
  case unreadable(path: String)

  package var sentence: String {
    switch self {
    case .unreadable(let path): "\(path) is not what a finished run leaves."
    }
  }

  package var hint: String? {
    switch self {
    case .unreadable: "Remove the file and run saeline-train with the same pipeline file again."
    }
  }
}

/// All that is known about a trained SAE; what `evaluation.json` holds.
package struct Evaluation: Sendable, Equatable {
  package private(set) var figures: Figures
  package let source: EvaluatedRows
  /// Where the tokens come from on which the language model's loss was measured; nil where it was not.
  package private(set) var lossSource: EvaluatedRows?
  /// The rows on which each latent is active.
  package let fires: [Int]
  package private(set) var categories: [CategoryResult]
  /// SHA-256 of the file of categories.
  package private(set) var categoriesDigest: String?
  /// Why there are no contexts, no categories or no loss.
  package var remarks: [String]
  /// What should be changed in a further run, each in a sentence.
  package var advice: [String]

  package init(
    figures: Figures, source: EvaluatedRows, lossSource: EvaluatedRows? = nil, fires: [Int],
    categories: [CategoryResult] = [], categoriesDigest: String? = nil,
    remarks: [String] = [], advice: [String] = []
  ) {
    self.figures = figures
    self.source = source
    self.lossSource = lossSource
    self.fires = fires
    self.categories = categories
    self.categoriesDigest = categoriesDigest
    self.remarks = remarks
    self.advice = advice
  }

  /// Takes up what the language model loses with the SAE in it.
  package mutating func add(_ loss: LossRecovered) {
    figures.merge(loss.figures)
    lossSource = loss.source
  }

  /// Takes up the figures and categories of an earlier measurement of the same SAE that this one did not
  /// take, since it was not asked to or the model was not at hand.
  package mutating func keep(_ earlier: Evaluation) {
    if lossSource == nil, let source = earlier.lossSource {
      for (figure, value) in earlier.figures where figure.sample == .tokens {
        figures[figure] = value
      }
      lossSource = source
      remarks.removeAll { $0.hasPrefix(LossObstacle.remarkStart) }
    }
    guard categories.isEmpty else { return }
    categories = earlier.categories
    categoriesDigest = earlier.categoriesDigest
  }

  /// The share of the rows on which each latent is active.
  package var densities: [Double] {
    fires.map { Double($0) / max(1, figures[.evaluatedRows] ?? 0) }
  }

  /// How large a sample was and where it comes from; nil where it was not taken.
  package func words(_ sample: Figure.Sample) -> String? {
    let origin =
      switch sample {
      case .rows: Optional(source)
      case .tokens: lossSource
      }
    return origin.map { "\(figures.text(sample.size)) \($0.words)" }
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
      throw EvaluationError.unreadable(path: path)
    }
    return evaluation
  }
}

extension Evaluation {
  package var json: JSON {
    var groups: [String: [String: JSON]] = [:]
    for figure in Figure.evaluation where figures.expects(figure) {
      groups[figure.group, default: [:]][figure.key] = figure.json(figures[figure])
    }
    groups["token_stats", default: [:]]["rows_from"] = .string(source.rawValue)
    groups["token_stats", default: [:]]["loss_rows_from"] = lossSource.map {
      .string($0.rawValue)
    }
    let others: [String: JSON] = [
      "active_rows": .array(fires.map { .integer($0) }),
      "categories": .array(categories.map(\.json)),
      "categories_sha256": categoriesDigest.map { .string($0) } ?? .null,
      "remarks": .array(remarks.map { .string($0) }),
      "advice": .array(advice.map { .string($0) }),
    ]
    return .object(groups.mapValues { .object($0) }.merging(others) { _, other in other })
  }

  /// The figures of a place in a file by their keys; what `--json` prints has the same keys whatever
  /// was measured.
  package func members(_ place: FigurePlace.Kind) -> [String: JSON] {
    var members: [String: JSON] = [:]
    for figure in Figure.shown(place) where place == .result || figures.expects(figure) {
      members[figure.place(place)?.title ?? figure.key] = figure.json(figures[figure])
    }
    return members
  }

  package init?(_ json: JSON) {
    func source(_ key: String) -> EvaluatedRows? {
      json["token_stats"]?[key]?.string.flatMap(EvaluatedRows.init)
    }
    var figures = Figures()
    for figure in Figure.evaluation {
      figures[figure] = json[figure.group]?[figure.key]?.double
    }
    if figures[.evaluatedRows] == nil {
      // The older names of the two counts, one of which is the newer name of the other.
      figures[.evaluatedRows] = figures[.lossTokens]
      figures[.lossTokens] = json[Figure.lossTokens.group]?["total_tokens_eval_loss"]?.double
    }
    guard figures[.evaluatedRows] != nil, let origin = source("rows_from"),
      let fires = json["active_rows"]?.array
    else { return nil }
    self.init(
      figures: figures, source: origin, lossSource: source("loss_rows_from"),
      fires: fires.compactMap(\.integer),
      categories: json["categories"]?.array?.compactMap { CategoryResult($0) } ?? [],
      categoriesDigest: json["categories_sha256"]?.string,
      remarks: json["remarks"]?.array?.compactMap(\.string) ?? [],
      advice: json["advice"]?.array?.compactMap(\.string) ?? [])
  }
}
