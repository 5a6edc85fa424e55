import Foundation
import Shared
import Testing

import Trainer

@Suite("The report")
struct ReportTests {
  private let html = SampleRun.report.html

  @Test("Text from tokens, names and settings cannot become markup")
  func injection() {
    #expect(!html.contains("<script"))
    #expect(!html.contains("<i>none"))
    #expect(!html.contains("a<b"))
    #expect(html.contains("&lt;/q&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"))
    #expect(html.contains("<th>&lt;i&gt;none</th>"))
    #expect(html.contains("<h1>demo &amp; friends</h1>"))
    #expect(html.contains("content=\"script-src 'none'; img-src 'none'; "))
  }

  @Test("Nothing is loaded from elsewhere")
  func selfContained() {
    for mark in ["http:", "https:", "src=", "url(", "@import", "<link"] {
      #expect(!html.contains(mark), "\(mark)")
    }
  }

  @Test("The header names model, hook point, architecture and widths")
  func header() {
    #expect(
      html.contains(
        "<span>tiny</span><span>blocks.1.hook_resid_post</span><span>topk</span>"
          + "<span>d_in 64</span><span>d_sae 4</span><span>k 2</span>"))
  }

  @Test("The final figures stand on cards, and where they come from below")
  func figures() {
    #expect(
      html.contains("<div class=\"card\"><p>Explained variance</p><strong>0.9412</strong>"))
    #expect(html.contains("<p>Dead in training</p><strong>3</strong><small>silent for 1000 steps"))
    #expect(html.contains("<p>Alive</p><strong>75.0 %</strong><small>1 never active in these rows"))
    #expect(
      html.contains(
        "<p>Loss recovered</p><strong>0.9915</strong>"
          + "<small>CE 3.210 → 3.250 (ablated 7.900)</small>"))
    #expect(
      html.contains(
        "Final figures over 1.0 k held-out rows; the loss of the model as it is → with x̂ in the "
          + "place of x (or zeros) over 20.1 k held-out rows."))
  }

  @Test("There is a chart of every figure that was logged, and none of the others")
  func charts() {
    for title in ["Loss", "Explained variance", "L0", "Dead latents", "Learning rate"] {
      #expect(html.contains("aria-label=\"\(title) over steps\""), "\(title)")
    }
    #expect(html.contains("</i>auxiliary</span>"))
    #expect(!html.contains("</i>L1</span>"))
    let bare = Report(
      name: "x", sae: .object([:]), settings: .object([:]), log: [],
      evaluation: SampleRun.evaluation,
      files: [])
    #expect(!bare.html.contains("over steps\""))
  }

  @Test("Every loss that was logged has its line, members of a family each their own")
  func losses() {
    let entries = (1...3).map { step in
      RunLog.Entry(
        step: step,
        values: [
          .inner(width: 512): 1, .inner(width: 64): 2, .preAct: 3, .ghost: 4, .l0Loss: 5, .mse: 6,
          .overall: 7, .l0Coefficient: 0.5, .topkThreshold: 0.25,
        ])
    }
    let page = Report(
      name: "x", sae: .object([:]), settings: .object([:]), log: entries,
      evaluation: SampleRun.evaluation, files: []
    ).html
    #expect(
      page.contains(
        "<figure><figcaption>Loss<small>overall and its parts</small></figcaption>"
          + "<div class=\"legend\"><span><i class=\"s0\"></i>overall</span>"
          + "<span><i class=\"s1\"></i>MSE</span><span><i class=\"s2\"></i>L0</span>"
          + "<span><i class=\"s3\"></i>ghost</span><span><i class=\"s4\"></i>pre-activation</span>"
          + "<span><i class=\"s5\"></i>inner 64</span><span><i class=\"s6\"></i>inner 512</span></div>"
      ))
    #expect(page.contains("<title>step 3: L0 coefficient 0.5000</title>"))
    #expect(page.contains("<title>step 3: threshold 0.2500</title>"))
    #expect(!html.contains("Sparsity coefficient over steps"))
  }

  @Test("The activating token is marked, the others are shaded by their activation")
  func contexts() {
    #expect(
      html.contains(
        "<q>The<span style=\"--a:0.12\" title=\"0.5000\"> sky↵</span>"
          + "<span style=\"--a:0.25\" title=\"1.000\">"))
    #expect(html.contains("<mark style=\"--a:1.00\"> blue</mark></q>"))
    #expect(html.contains("<small>sequence 7 · token 3</small>"))
    #expect(html.contains("<h3>#2<span class=\"label\">color</span>"))
    #expect(html.contains("One word of color is skipped."))
  }

  @Test("Settings are dotted keys; what is not set is left out")
  func settings() {
    #expect(html.contains("<tr><th>logger.log_to_wandb</th><td>false</td></tr>"))
    #expect(html.contains("<tr><th>lr</th><td>0.0003</td></tr>"))
    #expect(!html.contains("lr_end"))
  }

  @Test("The page is made from the files of the run's folder alone")
  func fromFolder() throws {
    let root = NSTemporaryDirectory() + "/report-" + UUID().uuidString
    let folder = root + "/demo-0123456789abcdef"
    try System.createDirectories(folder)
    defer { try? System.removeTree(root) }
    try AtomicFile.replace(folder + "/cfg.json", with: SampleRun.sae.pretty)
    try AtomicFile.replace(folder + "/runner_cfg.json", with: SampleRun.settings.pretty)
    var log = try RunLog.open(folder + "/metrics.jsonl")
    for entry in SampleRun.log { try log.append(entry) }
    try SampleRun.evaluation.write(run: folder)
    let path = try Report.write(run: folder)
    #expect(path == folder + "/report.html")
    let page = String(decoding: try MappedFile.contents(path), as: UTF8.self)
    #expect(page.contains("<h1>demo</h1>"))
    #expect(page.contains("<tr><th>evaluation.json</th>"))
    // Writing it again changes nothing.
    try Report.write(run: folder)
    #expect(String(decoding: try MappedFile.contents(path), as: UTF8.self) == page)
  }

  @Test("A file that is missing or broken is named")
  func failures() throws {
    let error = ReportError.unreadable(path: "runs/x/cfg.json")
    #expect(error.sentence == "runs/x/cfg.json is not what a finished run leaves.")
    #expect(
      error.hint == "Remove the file and run saeline-train with the same pipeline file again.")
    #expect(throws: SystemError.self) { try Report.read(run: "/nonexistent") }
  }
}
