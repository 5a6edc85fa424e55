// Several runs beside one another: the table, the page and what programs read.

import Shared
import Support
import Testing

import Trainer

@Suite("The comparison of SAEs")
struct ComparisonTests {
  /// A folder of an SAE as SAELens writes it, whose decoder has a direction a latent.
  private func write(
    _ name: String, directions: [[Float]], options: [String: JSON] = [:],
    in folder: borrowing TemporaryFolder
  ) throws -> String {
    let (latents, width) = (directions.count, directions[0].count)
    let path = folder.file(name)
    try System.createDirectories(path)
    let cfg: [String: JSON] = [
      "architecture": "standard", "d_in": .integer(width), "d_sae": .integer(latents),
      "dtype": "float32", "metadata": ["sae_lens_version": "6.54.12", "hook_name": "a.hook"],
    ]
    try folder.write(
      Array(JSON.object(cfg.merging(options) { $1 }).canonical.utf8), to: name + "/cfg.json")
    let values = directions.flatMap(\.self)
    let header = JSON.object([
      "W_dec": [
        "dtype": "F32", "shape": .array([.integer(latents), .integer(width)]),
        "data_offsets": .array([0, .integer(4 * values.count)]),
      ]
    ]).canonical
    let length = UInt64(header.utf8.count)
    var bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header.utf8
    for value in values {
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
    try folder.write(bytes, to: name + "/sae_weights.safetensors")
    return path
  }

  @Test("Latents of SAELens's folders are matched, and options that differ are told")
  func folders() throws {
    let folder = try TemporaryFolder()
    let first = try write(
      "first", directions: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], in: folder)
    let second = try write(
      "second", directions: [[0, 2, 0], [3, 3, 0]], options: ["k": 4], in: folder)
    var comparison = try RunComparison([first, second])
    try comparison.matchLatents()
    #expect(comparison.remarks.isEmpty)
    #expect(
      comparison.table.text() == """
        Comparison
          run                    d_sae  k  latents above 0.7  latents above 0.9
          first (not measured)       3  –
          second (not measured)      2  4             66.7 %             33.3 %
        """)
    let json = comparison.json
    #expect(json["latents"]?.array?[0]["share_above_0.9"]?.double == 1.0 / 3)
    #expect(json["latents"]?.array?[1]["latents_of"] == .string(second))
    #expect(json["latents"]?.array?[1]["share_above_0.7"]?.double == 1)
    let page = comparison.page(in: folder.path).page
    #expect(
      page.sections.filter { !$0.blocks.isEmpty }.map(\.id) == ["runs", "latents", "options"])
    let options = try #require(page.sections.first { $0.id == "options" }?.blocks[0])
    #expect(
      options["rows"]
        == .array([
          .array(["d_sae", "3", "2"]), .array(["k", "–", "4"]),
        ]))
    let matches = try #require(page.sections.first { $0.id == "latents" }?.blocks.last)
    #expect(
      matches["rows"]?.array?[1]
        == .array([
          ["value": 1, "text": "#1"], ["value": 0, "text": "#0"], .number(1),
        ]))
  }

  @Test("What cannot be matched is a remark, and the rest is compared")
  func remarks() throws {
    let folder = try TemporaryFolder()
    let first = try write("first", directions: [[1, 0]], in: folder)
    let wide = try write("wide", directions: [[1, 0, 0]], in: folder)
    let bare = folder.file("bare")
    try System.createDirectories(bare + "/checkpoints")
    var comparison = try RunComparison([first, wide, bare])
    try comparison.matchLatents()
    #expect(comparison.pairs.isEmpty)
    #expect(
      comparison.remarks.first
        == "Latents of first and wide are not matched: The decoders write into spaces of 2 and 3 "
        + "dimensions.")
    #expect(comparison.remarks.count == 2)
    #expect(comparison.runs[2].absence == "stopped")
  }

  @Test("A single SAE is not compared")
  func tooFew() throws {
    #expect(throws: CompareError.tooFew(1)) { try RunComparison(["a"]) }
    #expect(
      CompareError.tooFew(1).sentence == "compare needs at least two SAEs; 1 is named.")
    #expect(
      CompareError.tooFew(1).hint
        == "Name folders, names of runs or a store; saeline-train status lists the runs of a store."
    )
    #expect(CompareError.tooFew(1).exitCode == .wrongInput)
  }

  @Test(
    "Names are as short as they can be told apart",
    arguments: [
      (["s/demo-0123456789abcdef", "s/other-0123456789abcdef"], ["demo", "other"]),
      (
        ["s/demo-0123456789abcdef", "s/demo-1123456789abcdef"], ["demo-012345", "demo-112345"]
      ),
      (["a/sae", "b/sae"], ["a/sae", "b/sae"]),
      (["a/sae", "b/demo-0123456789abcdef"], ["sae", "demo"]),
    ])
  func names(folders: [String], names: [String]) {
    #expect(ComparedRun.names(folders) == names)
  }

  @Test("The curves of runs lie over one another, a chart a figure")
  func curves() throws {
    func run(_ name: String, _ figures: [Figure]) -> ComparedRun {
      var values = Figures()
      for figure in figures { values[figure] = 0.5 }
      return ComparedRun(
        name: name, folder: name, figures: nil,
        curves: Report.curves([0, 9].map { RunLog.Entry(step: $0, values: values) }))
    }
    let page = ComparisonPage(
      kind: "SAE comparison", name: "x", facts: [],
      runs: [
        run("a", [.overall, .mse, .l1, .l0]), run("b", [.overall, .mse, .explainedVariance]),
      ],
      columns: [], in: "."
    ).page
    let charts = try #require(
      page.sections.first { $0.id == "curves" }?.blocks[0]["charts"]?.array)
    let drawn = charts.map { chart in
      [chart["title"]?.string ?? ""]
        + (chart["series"]?.array ?? []).compactMap { $0["name"]?.string }
    }
    #expect(
      drawn == [
        ["Overall loss", "a", "b"], ["MSE", "a", "b"], ["Explained variance", "b"], ["L0", "a"],
      ])
  }

  @Test("Runs of different hook points are no rivals")
  func groups() throws {
    func run(_ name: String, _ hook: String, _ l0: Double, _ explained: Double) -> ComparedRun {
      ComparedRun(
        name: name, folder: name, figures: [.finalL0: l0, .finalExplainedVariance: explained],
        options: ["hook_name": hook])
    }
    let page = ComparisonPage(
      kind: "SAE comparison", name: "x", facts: [],
      runs: [run("a", "h0", 10, 0.9), run("b", "h1", 20, 0.8), run("c", "h1", 30, 0.7)],
      columns: [], in: "."
    ).page
    let chart = try #require(
      page.sections.first { $0.id == "trade-offs" }?.blocks[0]["charts"]?.array?.first)
    let series = try #require(chart["series"]?.array)
    #expect(series.map { $0["name"] } == ["h0", "h1"])
    #expect(series.map { $0["front"] } == [.array([true]), .array([true, false])])
  }
}
