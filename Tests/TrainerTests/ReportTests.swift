import Foundation
import Shared
import Testing

import Trainer

@Suite("The report")
struct ReportTests {
  private let page = SampleRun.report.page

  private func cards() -> [String: JSON] {
    Dictionary(
      page.blocks("figures", "cards").map { ($0["title"]?.string ?? "", $0) }
    ) { first, _ in first }
  }

  @Test("The header names model, hook point, architecture and widths, and leads to the sweep")
  func header() {
    #expect(
      page.facts == ["tiny", "blocks.1.hook_resid_post", "topk", "d_in 64", "d_sae 4", "k 2"])
    #expect(page.name == "demo & friends")
    #expect(page.links == [.init("sweep three", to: "../sweep-three/sweep.html")])
  }

  @Test("A transcoder's second hook point and width are named")
  func transcoder() {
    let report = Report(
      name: "t",
      sae: [
        "architecture": "transcoder", "d_in": 64, "d_out": 32,
        "metadata": ["hook_name": "blocks.0.ln2", "hook_name_out": "blocks.0.hook_mlp_out"],
      ], settings: .null, curves: [], evaluation: SampleRun.evaluation, files: [])
    #expect(
      report.page.facts == [
        "blocks.0.ln2", "→ blocks.0.hook_mlp_out", "transcoder", "d_in 64", "d_out 32",
      ])
  }

  @Test("The final figures stand on cards, and where they come from above")
  func figures() {
    let cards = cards()
    #expect(cards["Explained variance"]?["value"] == "0.9412")
    #expect(cards["Dead in training"]?["note"] == "silent for 1000 steps")
    #expect(cards["Alive"]?["note"] == "1 never active in these rows")
    #expect(cards["Loss recovered"]?["note"] == "CE 3.210 → 3.250 (ablated 7.900)")
    let section = page.sections.first { $0.id == "figures" }
    #expect(
      section?.note
        == "Over 1.0 k held-out rows; the loss of the model as it is → with x̂ in the place of x (or "
        + "zeros) over 20.1 k held-out rows.")
    #expect(page.blocks("figures", "notes") == ["One word of color is skipped."])
  }

  @Test("What was trained on and how fast is said of the whole run, not of its last logged line")
  func wholeRun() {
    let card = cards()["Trained on"]
    #expect(card?["value"] == "102 k")
    #expect(card?["note"] == "tokens, 45.0 k/s")
  }

  @Test("Every loss that was logged has its line on a logarithmic axis, also an unknown one")
  func losses() {
    let entries = (1...3).map { step in
      RunLog.Entry(
        step: step,
        values: [
          .inner(width: 512): 1, .inner(width: 64): 2, .preAct: 3, .ghost: 4, .l0Loss: 5, .mse: 6,
          .overall: 7, .l0Coefficient: 0.5, .topkThreshold: 0.25, .named("losses/other_loss"): 8,
          .meanPassesSinceFired: 2,
        ])
    }
    let charts = SampleRun.report(entries).page.blocks("training", "charts")
    let loss = charts.first { $0["title"] == "Loss" }
    #expect(
      loss?["series"]?.array?.map { $0["name"]?.string } == [
        "overall", "MSE", "L0", "ghost", "pre-activation", "inner 64", "inner 512", "other_loss",
      ])
    #expect(loss?["y"]?["log"] == true)
    #expect(loss?["x"]?["name"] == "step")
    #expect(
      charts.map { $0["title"]?.string } == ["Loss", "Sparsity coefficient", "Threshold"])
    #expect(
      SampleRun.report(entries).page.blocks("curves", "charts").map { $0["title"]?.string } == [
        "Mean passes since fired"
      ])
  }

  @Test("The explained variance is drawn from 0, and says so")
  func floor() {
    let chart = page.blocks("training", "charts").first { $0["title"] == "Explained variance" }
    #expect(chart?["note"] == "of the batch; what is below 0 is drawn at 0")
    #expect(chart?["y"]?["floor"] == .number(0))
    #expect(chart?["y"]?["zero"] == true)
  }

  @Test("Latents that were never active have a bar of their own beside the densities")
  func densities() {
    let charts = page.blocks("distributions", "charts")
    let densities = charts.first { $0["title"] == "Latent densities" }
    #expect(
      densities?["aside"] == ["name": "never", "note": "never active in these rows", "value": 1])
    let counts = densities?["series"]?.array?[0]["values"]?.array?.compactMap(\.integer)
    #expect(counts?.reduce(0, +) == 3)
    let l0 = charts.first { $0["title"] == "L0 per token" }?["series"]?.array?[0]
    #expect(l0?["edges"] == .array([16.5, 17.5, 18.5]))
    #expect(l0?["values"] == .array([400, 600]))
    #expect(
      charts.map { $0["title"]?.string } == [
        "Latent densities", "Decoder norms", "L0 per token", "Encoder and decoder",
      ])
  }

  @Test(
    "Counts that no run has are not drawn", arguments: [-1, Int.min, .max, 1 << 41],
    ["values", "rows"])
  func impossibleCounts(count: Int, key: String) throws {
    var json = try #require(SampleRun.report.json.object)
    var latents = try #require(json["latents"]?.object)
    var l0: [String: JSON] = ["values": .array([17, 18]), "rows": .array([400, 600])]
    l0[key] = .array([.integer(count), 18])
    latents["l0"] = .object(l0)
    json["latents"] = .object(latents)
    let charts = try #require(Report(.object(json))).page.blocks("distributions", "charts")
    let titles = charts.map { $0["title"]?.string }
    #expect(titles == ["Latent densities", "Decoder norms", "Encoder and decoder"])
  }

  @Test("A category leads to its latent")
  func categories() {
    let rows = page.blocks("categories", "rows")
    #expect(rows[0].array?[2] == ["value": 2, "text": "#2", "link": "#latent-2"])
    #expect(rows[1].array?[2] == .null)
    #expect(page.data["latents"]?["best"] == .array([2, -1]))
  }

  @Test("Settings are dotted keys; what is not set is left out")
  func settings() {
    let pairs = page.blocks("options", "pairs")
    #expect(pairs.contains(.array(["logger.log_to_wandb", "false", .null])))
    #expect(pairs.contains(.array(["lr", "0.0003", .null])))
    #expect(!pairs.contains { $0.array?[0] == "lr_end" })
    #expect(page.blocks("origin", "pairs") == [.array(["model", "tiny", .null])])
  }

  @Test("Every section has a title of its own, and what was not logged has none")
  func sections() {
    #expect(
      page.sections.filter { !$0.blocks.isEmpty }.map(\.id) == [
        "figures", "training", "distributions", "loss", "categories", "latents", "curves",
        "all-figures", "options", "origin", "files",
      ])
    let bare = Report(
      name: "x", sae: .object([:]), settings: .object([:]), curves: [],
      evaluation: SampleRun.withoutLoss, files: []
    ).page
    #expect(
      bare.sections.filter { !$0.blocks.isEmpty }.map(\.id) == [
        "figures", "distributions", "categories", "all-figures",
      ])
  }
}

@Suite("The file of a report")
struct ReportFileTests {
  private func withRun(_ body: (String) throws -> Void) throws {
    let root = NSTemporaryDirectory() + "/report-" + UUID().uuidString
    let folder = root + "/demo-0123456789abcdef"
    try System.createDirectories(folder)
    defer { try? System.removeTree(root) }
    try AtomicFile.replace(folder + "/cfg.json", with: SampleRun.sae.pretty)
    try AtomicFile.replace(folder + "/runner_cfg.json", with: SampleRun.settings.pretty)
    var log = try RunLog.open(folder + "/metrics.jsonl")
    for entry in SampleRun.log { try log.append(entry) }
    try SampleRun.evaluation.write(run: folder)
    try body(folder)
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try MappedFile.contents(path), as: UTF8.self)
  }

  @Test("It has these members, and the page made of it is the page of the run")
  func schema() throws {
    let json = try JSON(parsing: Array(SampleRun.report.json.canonical.utf8))
    #expect(
      json.object?.keys.sorted() == [
        "curves", "evaluation", "files", "format_version", "latents", "links", "name", "origin",
        "sae", "settings", "timing",
      ])
    #expect(
      json["latents"]?.object?.keys.sorted() == [
        "categories", "category", "chunk", "cosine", "count", "details", "f1", "fires", "kept_rows",
        "l0", "max", "mean", "norm", "remarks", "rows", "special", "texts", "token", "words",
      ])
    #expect(
      json["latents"]?["details"]?.array?[0] == [
        "latent": 2, "why": .array(["the best latent of the category color"]),
        "histogram": .array([3, 0, 1]),
        "highest": .array([
          .array([7, 3, 4, 0, 4, .array([1, 0.5, 2, 1, 3, 4]), .array([0, 1, 2, 3])])
        ]), "promoted": .array([.array([3, 1.5])]), "suppressed": .array([]),
        "nearest": .array([.array([0, 0.75])]),
      ])
    #expect(json["latents"]?["mean"] == .array([1, 0, 2.5, 0.1235]))
    #expect(json["latents"]?["token"] == .array([1, -1, 3, 0]))
    #expect(json["evaluation"]?["active_rows"] == nil)
    let report = try #require(Report(json))
    #expect(report.json.canonical == SampleRun.report.json.canonical)
    #expect(report.html == SampleRun.report.html)
    #expect(report.evaluation == SampleRun.evaluation)
  }

  @Test("The page is made again from it alone, and links are added to it once")
  func remaking() throws {
    try withRun { folder in
      let path = try Report.write(run: folder, latents: SampleRun.latents)
      #expect(path == folder + "/report.html")
      let page = try text(path)
      try Report.write(run: folder)
      #expect(try text(path) == page)
      for name in try System.list(folder) where name != "report.json" {
        try System.remove(folder + "/" + name)
      }
      try Report.remake(run: folder)
      #expect(try text(path) == page)
      let link = Page.Link("sweep a", to: "../sweep-a/sweep.html")
      try Report.add(link, run: folder)
      try Report.add(link, run: folder)
      #expect(try Report.data(run: folder).links == [link])
      #expect(try text(path).contains("../sweep-a/sweep.html"))
    }
  }

  @Test("A file that is missing or broken is named")
  func failures() throws {
    let error = ReportError.unreadable(path: "runs/x/cfg.json")
    #expect(error.sentence == "runs/x/cfg.json is not what a finished run leaves.")
    #expect(
      error.hint == "Remove the file and run saeline-train with the same pipeline file again.")
    #expect(throws: SystemError.self) { try Report.read(run: "/nonexistent") }
    try withRun { folder in
      let missing = #expect(throws: ReportError.self) { try Report.remake(run: folder) }
      #expect(
        missing?.sentence
          == "\(folder)/report.json is not there: the report was not kept, or another version wrote "
          + "it.")
      #expect(
        missing?.hint
          == "Run saeline-train report with the run's pipeline file, which measures it again.")
      for text in ["{", "{\"format_version\": 2}", "[]"] {
        try AtomicFile.replace(folder + "/report.json", with: text)
        #expect(throws: ReportError.unreadable(path: folder + "/report.json")) {
          try Report.data(run: folder)
        }
      }
    }
  }
}
