// The page about a run: `report.html`, one file that needs nothing else. Comes in: the JSON files
// of the run's folder. Leaves: HTML with inline styles and charts, without any script.

import Foundation
package import Shared

/// Why a report cannot be made.
package enum ReportError: Failure, Equatable {
  case unreadable(path: String)

  /// What is said of any file of a finished run.
  private var cause: EvaluationError {
    switch self {
    case .unreadable(let path): .unreadable(path: path)
    }
  }

  package var sentence: String { cause.sentence }

  package var hint: String? { cause.hint }
}

/// All that the page shows.
package struct Report: Sendable {
  /// The run's name.
  package let name: String
  /// cfg.json: the SAE as SAELens describes it.
  package let sae: JSON
  /// runner_cfg.json: the settings of the run.
  package let settings: JSON
  package let log: [RunLog.Entry]
  package let evaluation: Evaluation
  /// Files of the run and their sizes.
  package let files: [(name: String, byteCount: Int)]

  package init(
    name: String, sae: JSON, settings: JSON, log: [RunLog.Entry], evaluation: Evaluation,
    files: [(name: String, byteCount: Int)]
  ) {
    self.name = name
    self.sae = sae
    self.settings = settings
    self.log = log
    self.evaluation = evaluation
    self.files = files
  }

  package static let fileName = "report.html"

  /// Reads what a run left in its folder.
  package static func read(run folder: String) throws -> Report {
    Report(
      name: runName(folder), sae: try json(folder + "/cfg.json"),
      settings: try json(folder + "/runner_cfg.json"),
      log: try RunLog.read(folder + "/metrics.jsonl"),
      evaluation: try Evaluation.read(run: folder), files: try listing(folder))
  }

  /// Writes `report.html` into the folder of a run.
  ///
  /// - Returns: the path of the page.
  @discardableResult package static func write(run folder: String) throws -> String {
    let path = folder + "/" + fileName
    try AtomicFile.replace(path, with: try read(run: folder).html)
    return path
  }

  private static func json(_ path: String) throws -> JSON {
    let bytes = try MappedFile.contents(path)
    guard let json = try? JSON(parsing: bytes) else { throw ReportError.unreadable(path: path) }
    return json
  }

  /// The folder's name without the fingerprint that ends it.
  static func runName(_ folder: String) -> String {
    let last = folder.split(separator: "/").last.map(String.init) ?? folder
    guard let dash = last.lastIndex(of: "-"), last.distance(from: dash, to: last.endIndex) == 17
    else { return last }
    return String(last[..<dash])
  }

  private static func listing(_ folder: String) throws -> [(name: String, byteCount: Int)] {
    try System.list(folder).compactMap { name in
      // The page cannot know its own size, nor what is written after it.
      guard !name.hasSuffix(".tmp"), !name.hasSuffix(Lease.suffix), name != fileName,
        name != "manifest.json"
      else { return nil }
      let status = try System.status(folder + "/" + name)
      return status.isRegularFile ? (name, status.byteCount) : nil
    }
  }
}

// MARK: - The page

extension Report {
  package var html: String {
    HTML.page(
      title: "\(name) · SAE report",
      body: [header, figures, charts, categories, latents, configuration])
  }

  func fact(_ key: String) -> String? {
    (sae[key] ?? sae["metadata"]?[key]).flatMap(Report.text)
  }

  private var header: String {
    let facts = [
      fact("model_name"), fact("hook_name"), fact("architecture"),
      fact("d_in").map { "d_in \($0)" }, fact("d_sae").map { "d_sae \($0)" },
      fact("k").map { "k \($0)" },
    ]
    return HTML.header(
      kind: "Sparse autoencoder", name: name, facts: facts.compactMap { $0 })
  }

  private var figures: String {
    // The last line may be that of a sampling window, which says nothing of a step.
    let trained = log.last { $0[.trainingSamples] != nil }?.values ?? [:]
    let known = evaluation.figures.meaningful.merging(trained)
    let cards = Figure.shown(.card).filter(known.expects).map { figure in
      let place = figure.place(.card)
      let note = (place?.note ?? figure.note).text(known)
      return "<div class=\"card\"><p>\(HTML.escaped(place?.title ?? figure.title))</p>"
        + "<strong>\(HTML.escaped(known.text(figure)))</strong>"
        + "<small>\(HTML.escaped(note))</small></div>"
    }
    return "<section><div class=\"cards\">\(cards.joined())</div>"
      + "<p class=\"note\">Final figures over \(evaluation.words(.rows) ?? "")\(lossNote).</p>"
      + evaluation.advice.map { "<p>\(HTML.escaped($0))</p>" }.joined() + "</section>"
  }

  private var lossNote: String {
    evaluation.words(.tokens).map {
      "; the loss of the model as it is → with x̂ in the place of x (or zeros) over \($0)"
    } ?? ""
  }

  private static func text(_ json: JSON) -> String? {
    switch json {
    case .string(let value): value
    case .null: nil
    case .bool, .integer, .number, .array, .object: json.canonical
    }
  }
}

// MARK: - Charts

extension Report {
  /// The figures that any step logged.
  var logged: [Figure] {
    log.reduce(into: Figures()) { $0.merge($1.values) }.map(\.figure)
  }

  private var charts: String {
    let logged = logged
    let panels = Figure.panels.map { panel($0, logged) }
    return "<section><h2>Training</h2><div class=\"charts\">"
      + (panels + [densities]).joined() + "</div></section>"
  }

  /// The chart of those figures of the log that belong to a panel; empty where there are none.
  private func panel(_ panel: ChartPanel, _ logged: [Figure]) -> String {
    guard let chart = chart(panel, logged) else { return "" }
    return HTML.figure(
      panel.title, panel.note, chart.legend + chart.svg(label: "\(panel.title) over steps"))
  }

  /// The lines of a panel over the steps; nil where none of them was logged.
  func chart(_ panel: ChartPanel, _ logged: [Figure]) -> Chart? {
    let lines = logged.compactMap { figure in
      figure.place(.chart(panel)).map { series($0.title ?? figure.words, figure) }
    }
    let chart = Chart(
      lines, includesZero: panel.baseline == .zero,
      floor: panel.baseline == .floor ? 0 : -.infinity)
    return chart.series.isEmpty ? nil : chart
  }

  private func series(_ name: String, _ figure: Figure) -> ChartSeries {
    ChartSeries(
      name, log.compactMap { entry in entry[figure].map { .init(Double(entry.step), $0) } })
  }

  private var densities: String {
    let alive = evaluation.densities.filter { $0 > 0 }.map { log10($0) }
    let histogram = Histogram(alive, perUnit: 8)
    return HTML.figure(
      "Latent densities", "log₁₀ of the share of tokens on which a latent is active",
      histogram.svg(label: "Histogram of log10 latent densities", unit: "latents"))
  }
}

// MARK: - Tables and contexts

extension Report {
  private var categories: String {
    guard !evaluation.categories.isEmpty else { return "" }
    let rows = evaluation.categories.map { category -> String in
      let cells: [String]
      if let best = category.best {
        cells = [
          "#\(best.latent)", Readable.fixed(best.f1, decimals: 3),
          Readable.fixed(best.precision, decimals: 3), Readable.fixed(best.recall, decimals: 3),
        ]
      } else {
        cells = ["–", "–", "–", "–"]
      }
      let share = category.best?.f1 ?? 0
      return "<tr><th>\(HTML.escaped(category.name))</th>"
        + "<td><span class=\"track\"><i style=\"width:\(Readable.fixed(100 * share, decimals: 1))%\">"
        + "</i></span></td>"
        + (cells + ["\(category.rows)"]).map { "<td class=\"n\">\($0)</td>" }.joined() + "</tr>"
    }
    let headings = ["latent", "F1", "precision", "recall", "tokens seen"]
    return "<section><h2>Categories</h2><p class=\"note\">The latent whose activity best agrees "
      + "with a category of tokens.</p><div class=\"scroll\"><table><thead><tr><th>category</th>"
      + "<th></th>" + headings.map { "<th class=\"n\">\($0)</th>" }.joined()
      + "</tr></thead><tbody>"
      + rows.joined() + "</tbody></table></div></section>"
  }

  private var latents: String {
    let remarks = evaluation.remarks.map { "<p class=\"note\">\(HTML.escaped($0))</p>" }.joined()
    guard !evaluation.latents.isEmpty else {
      return remarks.isEmpty ? "" : "<section><h2>Latents</h2>\(remarks)</section>"
    }
    return "<section><h2>Latents</h2><p class=\"note\">Where latents fire most: "
      + "one context per sequence. The marked token is the one with the activation given; "
      + "shading shows how active the latent is on each token.</p>\(remarks)"
      + evaluation.latents.map(Report.latent).joined() + "</section>"
  }

  private static func latent(_ latent: ReportedLatent) -> String {
    let label = latent.category.map { "<span class=\"label\">\(HTML.escaped($0))</span>" } ?? ""
    return "<article><h3>#\(latent.latent)\(label)<small>active on "
      + "\(HTML.escaped(density(latent.density))) of tokens, at most "
      + "\(Readable.figure(latent.maximum))</small></h3>"
      + "<ol>" + latent.contexts.map { context($0, maximum: latent.maximum) }.joined()
      + "</ol></article>"
  }

  private static func density(_ share: Double) -> String {
    share < 0.001
      ? "\(Readable.fixed(share * 1e6, decimals: 0)) per million" : Readable.percent(share)
  }

  private static func context(_ context: LatentContext, maximum: Double) -> String {
    let tokens = context.tokens.indices.map { index -> String in
      let text = HTML.token(context.tokens[index])
      let share = maximum > 0 ? min(1, max(0, context.activations[index] / maximum)) : 0
      if index == context.focus {
        return "<mark style=\"--a:\(Readable.fixed(share, decimals: 2))\">\(text)</mark>"
      }
      guard share >= 0.005 else { return text }
      return "<span style=\"--a:\(Readable.fixed(share, decimals: 2))\" "
        + "title=\"\(Readable.figure(context.activations[index]))\">\(text)</span>"
    }
    return "<li><b>\(Readable.figure(context.value))</b><q>\(tokens.joined())</q>"
      + "<small>sequence \(context.row.sequence) · token \(context.row.position)</small></li>"
  }

  private var configuration: String {
    let settings = Report.flattened(settings, prefix: "")
    let rows = settings.map { key, value in
      "<tr><th>\(HTML.escaped(key))</th><td>\(HTML.escaped(value))</td></tr>"
    }
    let files = files.map { file in
      "<tr><th>\(HTML.escaped(file.name))</th><td class=\"n\">\(Readable.bytes(file.byteCount))</td></tr>"
    }
    return "<section class=\"two\"><div><h2>Configuration</h2><table class=\"plain\"><tbody>"
      + rows.joined()
      + "</tbody></table></div><div><h2>Files</h2><p class=\"note\">Beside this page. "
      + "The folder opens with <code>SAE.load_from_disk</code>.</p><table class=\"plain\"><tbody>"
      + files.joined() + "</tbody></table></div></section>"
  }

  /// Settings as dotted keys, sorted; what is not set is left out.
  private static func flattened(_ json: JSON, prefix: String) -> [(String, String)] {
    guard let members = json.object else {
      return text(json).map { [(prefix, $0)] } ?? []
    }
    return members.keys.sorted().flatMap { key in
      flattened(members[key] ?? .null, prefix: prefix.isEmpty ? key : prefix + "." + key)
    }
  }
}
