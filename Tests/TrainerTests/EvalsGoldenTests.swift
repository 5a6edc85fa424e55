import Shared
import Support
import Testing

import Trainer

/// All that SAELens's run_evals says of an SAE; see make_evals.py.
@Suite("Figures of SAELens's run_evals")
struct EvalsGoldenTests {
  private static let folder = ProjectFiles.root + "/Tests/Fixtures/sae"
  private static let contextSize = 16
  static let cases = [
    "standard", "standard-ignoring", "layer-norm", "topk", "topk-heads", "topk-heads-ignoring",
    "head", "gated", "gated-ignoring", "jumprelu", "jumprelu-ignoring", "batchtopk",
    "batchtopk-ignoring", "transcoder",
  ]

  private func close(_ found: Double?, _ expected: Double?, _ margin: Double = 0) -> Bool {
    switch (found, expected) {
    // What SAELens divides by zero.
    case (let found?, nil): found.isNaN
    case (let found?, let expected?): abs(found - expected) <= 1e-3 * abs(expected) + margin
    case (nil, _): false
    }
  }

  private func sequences(_ json: JSON) throws -> [[UInt32]] {
    let tokens = try #require(json["tokens"]?.array).compactMap(\.integer).map { UInt32($0) }
    return stride(from: 0, to: tokens.count, by: Self.contextSize).map {
      Array(tokens[$0..<$0 + Self.contextSize])
    }
  }

  private func plan(_ golden: JSON, excluded: Set<UInt32>) throws -> SplicePlan {
    let folder = ModelFixtures.folder("gpt2")
    let model = try ModelDescription.open(folder: folder)
    let hook = try HookPoint.find(try #require(golden["hook"]?.string), in: model)
    return SplicePlan(
      folder: folder, model: model,
      hookPoint: try hook.taking(head: golden["head"]?.integer, in: model),
      target: try golden["target"]?.string.map { try HookPoint.find($0, in: model) },
      contextSize: Self.contextSize, rows: SplicedRows(excluded: excluded))
  }

  @Test("Scalars and lists are SAELens's, with and without special tokens", arguments: cases)
  func golden(name: String) throws {
    let json = try JSON(parsing: MappedFile.contents(Self.folder + "/evals.json"))
    let golden = try #require(json["cases"]?[name])
    let ignored = golden["ignore"]?.array?.compactMap(\.integer).map { UInt32($0) } ?? []
    var sae = try MeasuredSAE.open(Self.folder + "/" + (try #require(golden["folder"]?.string)))
    let sequences = try sequences(json)
    let progress = Shared.Progress(
      stage: "loss", total: 96, mode: .quiet,
      terminal: RecordedTerminal(isInteractive: false).terminal)
    var sums: SplicedSums? = SplicedSums(sae.configuration)
    let loss = try Splicing(plan(golden, excluded: Set(ignored)), sequences: sequences).run(
      &sae, adding: &sums, source: .cache, progress: progress)
    var features = FeatureFigures(sae)
    features.merge(try #require(sums).features)
    let figures = loss.figures.merging(try #require(sums).figures)
    for (group, members) in try #require(golden["metrics"]?.object) {
      for (key, expected) in try #require(members.object) {
        let found = figures[.named("\(group)/\(key)")]
        guard group != "token_stats" else {
          // SAELens also counts the tokens that it leaves out.
          let left = sequences.joined().count { !ignored.contains($0) }
          #expect(found == Double(left))
          #expect(expected.integer == 96)
          continue
        }
        // Scores are small differences of losses that SAELens sums in float32.
        let margin = key.hasSuffix("_score") ? 1e-4 : 0
        #expect(close(found, expected.double, margin), "\(key) \(found ?? .nan) \(expected)")
      }
    }
    let lists = try #require(golden["feature_metrics"]?.object)
    for figure in FeatureFigure.all {
      #expect((features[figure] == nil) == (lists[figure.name] == nil), "\(figure.name)")
      guard let expected = lists[figure.name]?.array, let found = features[figure] else { continue }
      #expect(found.count == expected.count)
      for (value, twin) in zip(found, expected) {
        #expect(close(value, twin.double, 1e-6), "\(figure.name) \(value) \(twin)")
      }
    }
  }
}
