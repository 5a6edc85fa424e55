import Foundation
import Shared
import Testing

import Trainer

@Suite("The page about a sweep")
struct SweepPageTests {
  private func page(_ comparison: SweepComparison) -> Page {
    SweepPage(comparison, in: "store/runs/sweep-demo").page
  }

  private func section(_ id: String, of page: Page) throws -> PageSection {
    try #require(page.sections.first { $0.id == id })
  }

  @Test("The header names the sweep, what it is about and its options")
  func header() {
    let page = page(SampleSweep.comparison())
    #expect(page.name == "demo & friends" && page.kind == "SAE sweep")
    #expect(
      page.facts == [
        "tiny", "blocks.0.hook_mlp_out", "4 runs", "expansion_factor", "l1_coefficient",
      ])
    #expect(page.html.contains("<title>demo &amp; friends · SAE sweep</title>"))
  }

  @Test("The plot names every run, marks those that none beats and leads to their reports")
  func plot() throws {
    let blocks = try section("trade-offs", of: page(SampleSweep.comparison())).blocks
    let chart = try #require(blocks[0]["charts"]?.array?.first)
    #expect(chart["title"] == "Explained variance against L0")
    let series = try #require(chart["series"]?.array?.first)
    #expect(series["labels"] == .array(["8 · 1", "8 · 5", "16 · 1"]))
    #expect(series["front"] == .array([true, true, false]))
    #expect(
      series["links"]
        == .array([
          "../demo-1/report.html", "../demo-2/report.html", "../demo-3/report.html",
        ]))
  }

  @Test("The table has the options, the state and the figures, and marks the best")
  func table() throws {
    let table = try section("runs", of: page(SampleSweep.comparison())).blocks[0]
    #expect(
      table["columns"]?.array?.compactMap { $0["title"]?.string } == [
        "run", "state", "expansion_factor", "l1_coefficient", "L0", "Explained variance", "MSE",
        "Dead latents",
      ])
    let rows = try #require(table["rows"]?.array?.map { $0.array ?? [] })
    #expect(
      rows[0][0] == [
        "value": "8 · 1", "text": "8 · 1", "link": "../demo-1/report.html", "best": true,
      ])
    #expect(rows.map { $0[1] } == ["finished", "finished", "finished", "failed"])
    #expect(rows[1][4] == ["value": .number(10), "text": "10.00", "best": true])
    #expect(rows[3][4] == ["value": .null, "text": "–", "best": false])
    #expect(rows[3][0]["link"] == nil)
  }

  @Test("A second plot appears where the loss was measured")
  func lossRecovered() throws {
    let page = page(SampleSweep.comparison(lossRecovered: 0.875))
    let charts = try section("trade-offs", of: page).blocks[0]["charts"]?.array ?? []
    #expect(charts.count == 2 && charts[1]["title"] == "Loss recovered against L0")
  }

  @Test("No text becomes markup, and nothing is loaded from elsewhere")
  func selfContained() {
    let hostile = SweepPage(
      SweepComparison(
        name: "<script>", options: ["<b>"], models: ["<i>"], hooks: ["\"x"],
        rows: [
          .init(
            values: ["</script><script>alert(1)</script>"], folder: "a/<u>",
            figures: [.finalL0: 1, .finalExplainedVariance: -2, .finalMSE: 1, .deadInTraining: 0])
        ]), in: "a/sweep"
    ).html
    for mark in ["<b>", "<i>", "<u>", "alert(1)</script>", "https:", "src=", "url(h", "<link"] {
      #expect(!hostile.contains(mark), "\(mark)")
    }
    #expect(hostile.components(separatedBy: "<script").count == 3)
    #expect(hostile.contains("../%3Cu%3E/report.html"))
  }

  @Test("Without a finished run there is a table and no plot")
  func allFailed() throws {
    let page = page(
      SweepComparison(
        name: "x", options: ["k"], models: [], hooks: [],
        rows: [.init(values: ["1"], folder: "r", figures: nil)]))
    #expect(try section("trade-offs", of: page).blocks.isEmpty)
    let table = try section("runs", of: page).blocks[0]
    #expect(table["rows"]?.array?.first?.array?[1] == "failed")
  }
}
