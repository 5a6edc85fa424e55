import Foundation
import Shared
import Testing
import Trainer

/// Every figure that is declared appears, with no more than a value of it, where its declaration says.
@Suite("The places of figures")
struct FigurePlacesTests {
  /// One of each, a family by one of its members.
  static let all = Figure.all.map { $0.isFamily ? $0.member(64) : $0 }
  static let placed = all.flatMap { figure in figure.places.map { (figure, $0.kind) } }

  /// A value of its own for every figure.
  static func value(_ figure: Figure) -> Double {
    Double(100 + (all.firstIndex(of: figure) ?? 0)) / (figure.format == .share ? 1000 : 1)
  }

  static let evaluation = Evaluation(
    figures: Figure.evaluation.reduce(into: Figures()) { $0[$1] = value($1) }, source: .heldOut,
    lossSource: .cache, fires: [1, 2])

  static let log = [
    RunLog.Entry(step: 10, values: values(Figure.step)),
    RunLog.Entry(step: 20, values: values(Figure.window)),
    RunLog.Entry(step: 20, values: values(Figure.step)),
  ]

  private static func values(_ figures: [Figure]) -> Figures {
    all.filter { figures.contains($0) || $0 == .inner(width: 64) && figures.contains(.innerLoss) }
      .reduce(into: Figures()) { $0[$1] = value($1) }
  }

  private let page = Report(
    name: "x", sae: .object([:]), settings: .object([:]), curves: Report.curves(Self.log),
    evaluation: Self.evaluation, files: [],
    origin: ReportOrigin(tokens: Int(value(.trainingSamples)), entries: [])
  ).page
  private let comparison = SweepComparison(
    name: "x", options: ["k"], models: [], hooks: [],
    rows: [.init(values: ["1"], folder: "r", figures: Self.evaluation.figures)])

  private func appears(_ figure: Figure, in kind: FigurePlace.Kind) -> Bool {
    let place = figure.place(kind)
    let text = figure.text(Self.value(figure))
    switch kind {
    case .table:
      let table = FinalTable(name: "x", evaluation: Self.evaluation, stages: [], run: "r").tables
        .last
      return table?.rows.contains { $0[0] == figure.words && $0[1] == text } == true
    case .card:
      return page.blocks("figures", "cards").contains {
        $0["title"] == .string(place?.title ?? figure.title) && $0["value"] == .string(text)
      }
    case .chart(let panel):
      let chart = page.blocks("training", "charts").first { $0["title"] == .string(panel.title) }
      let line = chart?["series"]?.array?.first {
        $0["name"] == .string(place?.title ?? figure.words)
      }
      return line?["y"]?.array?.last?.double == Self.value(figure)
    case .sweep:
      let table = comparison.table
      return table.columns.firstIndex { $0.heading == figure.words }
        .map { table.rows[0][$0] } == text
    case .plot:
      let page = SweepPage(comparison, in: "sweep", .figures).page
      let charts = page.sections.flatMap(\.blocks).flatMap { $0["charts"]?.array ?? [] }
      let plot = charts.first { $0["title"] == .string("\(figure.title) against L0") }
      return plot?["y"]?["name"] == .string(figure.words)
        && plot?["series"]?.array?[0]["y"] == .array([.number(Self.value(figure))])
    case .manifest, .result:
      return Self.evaluation.members(kind)[place?.title ?? figure.key]
        == figure.json(Self.value(figure))
    }
  }

  @Test("A value of a figure appears in every place of it", arguments: placed.indices)
  func places(index: Int) {
    let (figure, kind) = Self.placed[index]
    #expect(appears(figure, in: kind), "\(figure.name) in \(kind)")
  }

  @Test("Every figure of the evaluation is in evaluation.json, and is read back")
  func file() throws {
    let json = Self.evaluation.json
    for figure in Figure.evaluation {
      #expect(json[figure.group]?[figure.key] == figure.json(Self.value(figure)))
    }
    #expect(Evaluation(try JSON(parsing: Array(json.pretty.utf8))) == Self.evaluation)
  }

  @Test("Every figure of a step and of a window is in the log, and is read back")
  func logged() throws {
    let path = NSTemporaryDirectory() + "/places-" + UUID().uuidString + ".jsonl"
    defer { try? System.removeTree(path) }
    var log = try RunLog.open(path)
    for entry in Self.log { try log.append(entry) }
    let read = try RunLog.read(path)
    for (entry, original) in zip(read, Self.log) {
      #expect(entry.values.map(\.figure) == original.values.map(\.figure).filter(\.isLogged))
      for (figure, value) in entry.values { #expect(value == Self.value(figure)) }
    }
  }

  @Test("The order of a place is that of its positions, then that of the declarations")
  func order() {
    #expect(
      Figure.shown(.sweep) == [
        .finalL0, .finalExplainedVariance, .lossScore, .finalMSE, .deadInTraining,
      ])
    #expect(
      Figure.panels.map(\.title) == [
        "Loss", "Explained variance", "L0", "Dead latents", "Learning rate",
        "Sparsity coefficient", "Threshold",
      ])
  }

  @Test("What was not measured has no place, but its key in the result")
  func unmeasured() {
    let evaluation = SampleRun.withoutLoss
    #expect(evaluation.members(.manifest).keys.sorted() == ["explained_variance", "l0", "mse"])
    #expect(
      evaluation.members(.result) == [
        "explained_variance": .number(0.9412), "l0": .number(17.5), "mse": .number(2.25),
        "alive_share": .number(0.75), "dead_latents": .integer(3), "ce_loss_score": .null,
        "ce_loss_with_ablation": .null, "ce_loss_with_sae": .null, "ce_loss_without_sae": .null,
      ])
    #expect(evaluation.words(.tokens) == nil)
    #expect(evaluation.words(.rows) == "1.0 k held-out rows")
  }

  @Test("A run of an earlier version, without a figure of this one, is still read")
  func earlier() throws {
    var members = try #require(SampleRun.evaluation.json.object)
    members["shrinkage"] = nil
    let evaluation = try #require(Evaluation(.object(members)))
    #expect(evaluation.figures[.l2Ratio] == nil)
    #expect(evaluation.figures.text(.l2Ratio) == "–")
    #expect(evaluation.figures[.finalMSE] == 2.25)
  }
}

extension Page {
  /// What the blocks of a kind hold in a section.
  func blocks(_ section: String, _ kind: String) -> [JSON] {
    sections.filter { $0.id == section }.flatMap(\.blocks).flatMap { $0[kind]?.array ?? [] }
  }
}
