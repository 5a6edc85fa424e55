// All that the page about a run shows, kept as `report.json`. Comes in: the files of the run's folder, and what was
// seen of the latents. Leaves: report.json and report.html, which is made of it alone.

import Foundation
package import Shared

/// Why a report cannot be made.
package enum ReportError: Failure, Equatable {
  case unreadable(path: String)
  case noData(path: String)

  package var sentence: String {
    switch self {
    case .unreadable(let path): EvaluationError.unreadable(path: path).sentence
    case .noData(let path):
      "\(path) is not there: the report was not kept, or another version wrote it."
    }
  }

  package var hint: String? {
    switch self {
    case .unreadable(let path): EvaluationError.unreadable(path: path).hint
    case .noData: "Run saeline-train report with the run's pipeline file, which measures it again."
    }
  }
}

/// All that the page shows.
package struct Report: Sendable {
  /// A figure over the steps of training.
  package struct Curve: Sendable, Equatable {
    package let figure: Figure
    package let points: [ChartPoint]
  }

  /// The run's name.
  package let name: String
  /// cfg.json: the SAE as SAELens describes it.
  package let sae: JSON
  /// runner_cfg.json: the settings of the run.
  package let settings: JSON
  /// The figures that any step logged, each thinned to what a screen can show.
  package let curves: [Curve]
  package let evaluation: Evaluation
  /// Files of the run and their sizes.
  package let files: [(name: String, byteCount: Int)]
  /// Of the process that finished the run.
  package let timing: Timing?
  package let origin: ReportOrigin?
  /// As `LatentReport` writes it.
  package let latents: JSON?
  /// Pages that show the run among others.
  package var links: [Page.Link]

  package init(
    name: String, sae: JSON, settings: JSON, curves: [Curve], evaluation: Evaluation,
    files: [(name: String, byteCount: Int)], timing: Timing? = nil, origin: ReportOrigin? = nil,
    latents: JSON? = nil, links: [Page.Link] = []
  ) {
    self.name = name
    self.sae = sae
    self.settings = settings
    self.curves = curves
    self.evaluation = evaluation
    self.files = files
    self.timing = timing
    self.origin = origin
    self.latents = latents
    self.links = links
  }

  package static let fileName = "report.html"
  package static let dataName = "report.json"

  /// Thins the figures of a log.
  package static func curves(_ log: [RunLog.Entry]) -> [Curve] {
    let logged = log.reduce(into: Figures()) { $0.merge($1.values) }
    return logged.map(\.figure).filter { $0 != .trainingSamples }.map { figure in
      let points = log.compactMap { entry in
        entry[figure].map { ChartPoint(Double(entry.step), PageChart.short($0)) }
      }
      return Curve(
        figure: figure, points: ChartSeries(figure.name, points).thinned(to: PageChart.pointLimit))
    }
  }
}

// MARK: - Files

extension Report {
  /// Writes `report.json` and `report.html` into the folder of a run, from the files there.
  ///
  /// What was seen of the latents before stays where nothing else is given.
  ///
  /// - Returns: the path of the page.
  @discardableResult package static func write(
    run folder: String, latents: LatentReport? = nil, origin: ReportOrigin? = nil
  ) throws -> String {
    var earlier: Report?
    // What is not there or cannot be understood is made anew.
    do { earlier = try data(run: folder) } catch is ReportError {}
    return try write(
      read(
        run: folder, latents: latents?.json ?? earlier?.latents, origin: origin ?? earlier?.origin,
        links: earlier?.links ?? []), to: folder)
  }

  private static func write(_ report: Report, to folder: String) throws -> String {
    let path = folder + "/" + fileName
    try AtomicFile.replace(folder + "/" + dataName, with: report.json.canonical + "\n")
    try AtomicFile.replace(path, with: report.html)
    return path
  }

  /// Writes the page of a run again, from `report.json` alone.
  ///
  /// - Returns: the path of the page.
  @discardableResult package static func remake(run folder: String) throws -> String {
    let path = folder + "/" + fileName
    try AtomicFile.replace(path, with: try data(run: folder).html)
    return path
  }

  /// Adds a link to the top of a run's page, if it has none of that address.
  package static func add(_ link: Page.Link, run folder: String) throws {
    var report = try data(run: folder)
    guard !report.links.contains(link) else { return }
    report.links.removeAll { $0.address == link.address }
    report.links.append(link)
    _ = try write(report, to: folder)
  }

  /// Reads `report.json` of a run.
  package static func data(run folder: String) throws -> Report {
    let path = folder + "/" + dataName
    guard try System.isThere(path) else { throw ReportError.noData(path: path) }
    guard let report = Report(try json(path)) else { throw ReportError.unreadable(path: path) }
    return report
  }

  /// Reads what a run left in its folder.
  package static func read(
    run folder: String, latents: JSON? = nil, origin: ReportOrigin? = nil, links: [Page.Link] = []
  ) throws -> Report {
    Report(
      name: runName(folder), sae: try json(folder + "/cfg.json"),
      settings: try json(folder + "/runner_cfg.json"),
      curves: curves(try RunLog.read(folder + "/metrics.jsonl")),
      evaluation: try Evaluation.read(run: folder), files: try listing(folder),
      timing: Timing.read(folder: folder), origin: origin, latents: latents, links: links)
  }

  private static func json(_ path: String) throws -> JSON {
    let bytes = try MappedFile.contents(path)
    guard let json = try? JSON(parsing: bytes) else { throw ReportError.unreadable(path: path) }
    return json
  }

  /// The folder's name without the fingerprint that ends it.
  static func runName(_ folder: String) -> String {
    let last = folder.split(separator: "/").last.map(String.init) ?? folder
    let digits = last.suffix(StageKey.shownDigits)
    guard digits.count == StageKey.shownDigits, digits.allSatisfy(\.isHexDigit),
      last.dropLast(StageKey.shownDigits).hasSuffix("-")
    else { return last }
    return String(last.dropLast(StageKey.shownDigits + 1))
  }

  private static func listing(_ folder: String) throws -> [(name: String, byteCount: Int)] {
    try System.list(folder).compactMap { name in
      // The page cannot know its own size, nor what is written after it.
      guard !name.hasSuffix(".tmp"), !name.hasSuffix(Lease.suffix), name != fileName,
        name != dataName, name != "manifest.json", name != RunBeginning.fileName
      else { return nil }
      let path = folder + "/" + name
      let status = try System.status(path)
      if status.isRegularFile { return (name, status.byteCount) }
      guard name == LatentFolder.name else { return nil }
      let sizes = try System.list(path).map { try System.status(path + "/" + $0).byteCount }
      return (name + "/", sizes.reduce(0, +))
    }
  }
}
