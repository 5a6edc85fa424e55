import Foundation
import Shared
import Testing

import Trainer

@Suite("Pages")
struct PageTests {
  private static let hostile = [
    "</script><script>alert(1)</script>", "<!-- <script>", "<img src=x onerror=alert(1)>",
    "\u{2028}", "\"'&<>", "javascript:alert(1)", "\u{600}</script><\u{338}img>",
  ]

  private func page(_ text: String) -> Page {
    Page(
      title: text, kind: text, name: text, facts: [text], links: [.init(text, to: text)],
      sections: [
        PageSection(
          text, id: "s", note: text,
          blocks: [
            PageBlock.cards([PageCard(text, text, text)]),
            PageBlock.pairs([(text, text, text)]), PageBlock.notes([text]),
            PageBlock.table(id: "t", [PageColumn(text)], rows: [[.string(text)]]),
            PageBlock.charts(
              [
                PageChart.points(
                  text, x: PageAxis(text), y: PageAxis(text),
                  [(text, [.init(text, x: 1, y: 2, link: text)])])
              ].compactMap(\.self)),
          ])
      ], data: ["more": .string(text)])
  }

  @Test("Text of names, tokens and settings cannot become markup or script", arguments: hostile)
  func injection(text: String) throws {
    let html = page(text).html
    // One element of data and one script, each with its end; the rest is the title.
    #expect(html.components(separatedBy: "<script").count == 3)
    #expect(html.components(separatedBy: "</script").count == 3)
    #expect(!html.contains("<img") && !html.contains("<!--"))
    #expect(html.contains("<title>\(HTML.escaped(text))</title>"))
    let data = try #require(
      html.components(separatedBy: "id=\"data\">").last?.components(separatedBy: "</script>").first)
    let json = try JSON(parsing: Array(data.utf8))
    #expect(json["name"] == .string(text))
    let block = json["sections"]?.array?[0]["blocks"]?.array?[0]
    #expect(block?["cards"]?.array?[0]["note"] == .string(text))
  }

  @Test("Only the page's own script may run, by its digest, and nothing is loaded from elsewhere")
  func policy() throws {
    let html = page("x").html
    let script = try #require(
      html.components(separatedBy: "<script>").last?.components(separatedBy: "</script>").first)
    let digits = Array(Digest.of(script).utf8)
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
    }
    #expect(
      html.contains(
        "default-src 'none'; style-src 'unsafe-inline'; "
          + "script-src 'sha256-\(Data(bytes).base64EncodedString())' 'self' file:\""))
    for mark in ["https:", "src=", "@import", "<link", "innerHTML", "outerHTML", "insertAdjacent"] {
      #expect(!html.contains(mark), "\(mark)")
    }
    // The one address names the language of drawings.
    #expect(html.components(separatedBy: "http:").count == 2)
    #expect(html.contains("createElementNS(\"http://www.w3.org/2000/svg\""))
  }

  @Test("Sections and blocks without content are left out")
  func empty() throws {
    let page = Page(
      title: "t", kind: "k", name: "n", facts: [],
      sections: [
        PageSection(
          "a", id: "a", blocks: [PageBlock.cards([]), PageBlock.charts([]), PageBlock.notes([])])
      ])
    #expect(page.sections[0].blocks.isEmpty)
    #expect(page.html.contains("\"sections\":[]"))
    #expect(PageBlock.table(id: "t", [PageColumn("a")], rows: []) == nil)
    #expect(PageChart.lines("l", x: PageAxis("x"), y: PageAxis("y"), [ChartSeries("s", [])]) == nil)
    #expect(
      PageChart.bars("b", x: PageAxis("x"), unit: "u", (edges: [], counts: [])) == nil)
  }

  @Test("A chart is described by its series and axes, thinned to what a screen can show")
  func chart() throws {
    let points = (0..<10_000).map { ChartPoint(Double($0), 1.23456789) }
    let json = try #require(
      PageChart.lines(
        "L", note: "n", x: PageAxis("step", isWhole: true),
        y: PageAxis("loss", .logarithmic, includesZero: true, floor: 0), id: "i",
        [ChartSeries("a", points)])
    ).json
    #expect(json["kind"] == "lines")
    #expect(json["x"] == ["name": "step", "whole": true, "zero": false])
    #expect(
      json["y"] == ["name": "loss", "whole": false, "zero": true, "log": true, "floor": .number(0)])
    let series = try #require(json["series"]?.array?[0])
    #expect(series["x"]?.array?.count == 3000)
    #expect(series["x"]?.array?.last == .number(9999))
    #expect(series["y"]?.array?.first == .number(1.2345679))
    let bars = try #require(
      PageChart.bars(
        "B", x: PageAxis("x"), unit: "latents", (edges: [0, 1], counts: [5]),
        aside: ("never", "never active", 0))
    ).json
    #expect(bars["aside"] == nil)
    #expect(bars["y"]?["log"] == false)
  }
}
