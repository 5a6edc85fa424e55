import Shared
import Support
import Testing

import Trainer

@Suite("The final table")
struct FinalTableTests {
  @Test("It names figures, categories, speeds and files, to the letter")
  func everything() {
    let record = RecordedTerminal(isInteractive: false)
    FinalTable(
      name: "demo", evaluation: SampleRun.evaluation,
      stages: [
        .init("pretokenize", Timing(tokens: 2_000_000, seconds: 1.6)), .init("cache", nil),
        .init("train", Timing(tokens: 4_000_000, seconds: 80)),
      ], run: "store/runs/demo-0123456789abcdef"
    ).print(to: record.terminal)
    #expect(
      record.writes.joined() == """

        Best latent per category
          category  latent     F1  precision  recall
          color         #2  0.924      0.900   0.950
          <i>none        –      –          –       –

        Speed
          stage        tokens        time  tokens/s
          pretokenize   2.0 M       1.6 s     1.2 M
          train         4.0 M  1 min 20 s    50.0 k

        note: One word of color is skipped.

        Files
          SAE      store/runs/demo-0123456789abcdef
          report   store/runs/demo-0123456789abcdef/report.html
          figures  store/runs/demo-0123456789abcdef/evaluation.json

        Result of demo
          explained variance  0.9412  over 1.0 k held-out rows
          L0                   17.50  active latents per token
          MSE                  2.250  mean ‖x − x̂‖² per token
          loss recovered      0.9915  CE 3.210 → 3.250 (ablated 7.900), over 20.1 k held-out rows
          dead latents             3  of 4; silent in the last 1000 steps of training
          alive latents       75.0 %  1 never active in the evaluated rows

        """)
  }

  @Test("Without categories and timings their tables are left out")
  func bare() {
    let evaluation = Evaluation(
      figures: SampleRun.figures, source: .cache, fires: SampleRun.evaluation.fires)
    let tables = FinalTable(
      name: "x", evaluation: evaluation, stages: [.init("train", folder: "/nonexistent")], run: "r"
    ).tables
    #expect(tables.map(\.title) == ["Files", "Result of x"])
    #expect(tables[1].rows[0][2] == "over 1.0 k rows of the cache (nothing was held out)")
  }

  @Test("Of many categories the best eight are printed, equals in their order")
  func manyCategories() {
    let categories = (0..<11).map { index in
      let precision = Double(index / 2 + 1) / 10
      return CategoryResult(
        name: "c\(index)", words: [], tokenCount: 1, skippedWords: [], rows: 1,
        best: index == 3
          ? nil : CategoryScore(latent: index, precision: precision, recall: precision))
    }
    let evaluation = Evaluation(
      figures: SampleRun.figures, source: .cache, fires: [], categories: categories)
    let table = FinalTable(name: "x", evaluation: evaluation, stages: [], run: "r").tables[0]
    #expect(table.title == "Best latent of the 8 best categories, 3 more in the report")
    #expect(table.rows.map { $0[0] } == ["c10", "c8", "c9", "c6", "c7", "c4", "c5", "c2"])
  }

  @Test("A run that was finished before is told by where it is and its figures")
  func headline() {
    let record = RecordedTerminal(isInteractive: false)
    FinalTable(
      name: "demo", evaluation: SampleRun.evaluation,
      stages: [.init("train", Timing(tokens: 4_000_000, seconds: 80))], run: "r"
    ).print(.headline, to: record.terminal)
    #expect(record.writes.map { $0.split(separator: "\n")[0] } == ["Files", "Result of demo"])
  }
}
