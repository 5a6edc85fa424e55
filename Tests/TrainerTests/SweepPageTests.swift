import Foundation
import Testing

import Trainer

@Suite("The page about a sweep")
struct SweepPageTests {
  private let html = SweepPage(SampleSweep.comparison()).html

  @Test("The header names the sweep, what it is about and its options")
  func header() {
    #expect(html.contains("<title>demo &amp; friends · SAE sweep</title>"))
    #expect(
      html.contains(
        "<h1>demo &amp; friends</h1><p class=\"facts\"><span>tiny</span>"
          + "<span>blocks.0.hook_mlp_out</span><span>4 runs</span><span>expansion_factor</span>"
          + "<span>l1_coefficient</span></p>"))
  }

  @Test("The plot names every run and marks those that none beats")
  func plot() {
    #expect(html.contains("aria-label=\"Explained variance against L0\""))
    for name in ["8 · 1", "8 · 5", "16 · 1"] { #expect(html.contains(">\(name)</text>")) }
    #expect(!html.contains(">16 · 5</text>"))
    #expect(html.components(separatedBy: "<circle class=\"point front\"").count == 3)
    #expect(html.contains("<title>16 · 1: L0 20.00, explained variance 0.7500</title>"))
    #expect(!html.contains("drawn at 0"))
  }

  @Test("The table links to the reports by paths within the store")
  func table() {
    #expect(
      html.contains(
        "<tr><th><span class=\"label\">8</span></th><th><span class=\"label\">1</span></th>"
          + "<td class=\"n\">20.00</td><td class=\"n\">1.000</td><td class=\"n\">0.5000</td>"
          + "<td class=\"n\">0</td><td><a href=\"../demo-1/report.html\">demo-1</a></td></tr>"))
    #expect(
      html.contains(
        "<tr><th>16</th><th>5</th><td class=\"n\">–</td><td class=\"n\">–</td>"
          + "<td class=\"n\">–</td><td class=\"n\">–</td><td>failed</td></tr>"))
    #expect(!html.contains("store/runs"))
  }

  @Test("A second plot appears where the loss was measured")
  func lossRecovered() {
    #expect(!html.contains("Loss recovered"))
    let page = SweepPage(SampleSweep.comparison(lossRecovered: 0.875)).html
    #expect(page.contains("aria-label=\"Loss recovered against L0\""))
    #expect(page.contains("<th class=\"n\">loss recovered</th>"))
  }

  @Test("Nothing runs, nothing is loaded, and no text becomes markup")
  func selfContained() {
    let hostile = SweepPage(
      SweepComparison(
        name: "<script>", options: ["<b>"], models: ["<i>"], hooks: ["\"x"],
        rows: [
          .init(
            values: ["<script>alert(1)</script>"], folder: "a/<u>",
            figures: [.finalL0: 1, .finalExplainedVariance: -2, .finalMSE: 1, .deadInTraining: 0])
        ])
    ).html
    for mark in ["<script", "<b>", "<i>", "<u>", "http:", "https:", "src=", "url(", "<link"] {
      #expect(!hostile.contains(mark), "\(mark)")
    }
    #expect(hostile.contains("content=\"script-src 'none'; "))
    #expect(hostile.contains("<span>1 run</span>"))
    #expect(hostile.contains("values below 0 are drawn at 0"))
  }

  @Test("Without a finished run there is a table and no plot")
  func allFailed() {
    let page = SweepPage(
      SweepComparison(
        name: "x", options: ["k"], models: [], hooks: [],
        rows: [.init(values: ["1"], folder: "r", figures: nil)])
    ).html
    #expect(!page.contains("<figure"))
    #expect(page.contains("<td>failed</td>"))
  }
}
