import Foundation
import Shared
import Support
import Testing

import Trainer

@Suite("Measuring a trained SAE")
struct EvaluatingTests {
  private func evaluate(
    _ store: TinyStore, settings: EvaluateSettings,
    filter: RowFilter = RowFilter(heldOut: HeldOut(fraction: 0)),
    withCorpus: Bool = true
  ) throws -> Evaluation {
    let record = RecordedTerminal(isInteractive: false)
    let corpus =
      withCorpus
      ? try CorpusText.open(store: Store(store.path), fingerprint: store.fingerprint) : nil
    var encoder = HalvingEncoder()
    let evaluating = try Evaluating(
      PairedShards(shards: store.shards, dIn: TinyStore.words.count),
      filter: filter, latentCount: 8, settings: settings, corpus: corpus)
    let progress = Progress(
      stage: "evaluate", total: 480, mode: .quiet, terminal: record.terminal)
    return try evaluating.run(
      &encoder, deadInTraining: 2, deadFeatureWindow: 100, progress: progress)
  }

  private var settings: EvaluateSettings {
    var settings = EvaluateSettings()
    settings.reportLatents = 6
    return settings
  }

  @Test("All rows are measured where nothing was held out")
  func wholeCache() throws {
    let store = try TinyStore()
    let evaluation = try evaluate(store, settings: settings)
    let rows = store.tokens.enumerated().flatMap { sequence, tokens in
      tokens.enumerated().map { position, token in
        TinyStore.activation(token, UInt32(sequence), UInt32(position))
      }
    }
    let halves = rows.map { $0.map { $0 / 2 } }
    let figures = evaluation.figures
    #expect(evaluation.source == .cache)
    #expect(figures[.evaluatedRows] == 480)
    #expect(figures[.finalL0] == 1)
    #expect(abs(try #require(figures[.l2Ratio]) - 0.5) < 1e-12)
    let twin = NaiveFigures.explainedVariance(rows, halves)
    #expect(abs(try #require(figures[.finalExplainedVariance]) - twin) < 1e-9)
    for word in UInt32(0)..<6 {
      #expect(evaluation.fires[Int(word)] == store.tokens.joined().count { $0 == word })
    }
    #expect(figures[.neverActive] == 2)
    #expect(figures[.deadInTraining] == 2)
  }

  @Test("Held-out sequences alone are measured where there are any, up to the limit")
  func heldOut() throws {
    let store = try TinyStore()
    let heldOut = HeldOut(fraction: 0.4)
    let filter = RowFilter(heldOut: heldOut)
    let evaluation = try evaluate(store, settings: settings, filter: filter)
    #expect(evaluation.source == .heldOut)
    let held = 8 * (0..<UInt32(60)).count { heldOut.contains(sequence: $0) }
    #expect(evaluation.figures[.evaluatedRows] == Double(held))
    var few = settings
    few.evalTokens = 50
    #expect(try evaluate(store, settings: few, filter: filter).figures[.evaluatedRows] == 50)
  }

  @Test("Where the limit lies within a shard, its first sequences are measured whole")
  func wholeSequences() throws {
    let store = try TinyStore()
    var few = settings
    few.evalTokens = 44
    var seen: [RowPosition] = []
    var encoder = HalvingEncoder()
    let evaluating = try Evaluating(
      PairedShards(shards: store.shards, dIn: TinyStore.words.count),
      filter: RowFilter(heldOut: HeldOut(fraction: 0)), latentCount: 8, settings: few, corpus: nil)
    let evaluation = try evaluating.run(
      &encoder, deadInTraining: nil, deadFeatureWindow: 1,
      progress: Progress(
        stage: "measure", total: 44, mode: .quiet,
        terminal: RecordedTerminal(isInteractive: false).terminal)
    ) { row, latents, values in
      seen.append(row.place)
      #expect(latents.count == 1 && values.count == 1)
    }
    #expect(evaluation.figures[.evaluatedRows] == 44)
    let counts = Dictionary(grouping: seen, by: \.sequence).mapValues(\.count)
    #expect(counts.sorted { $0.key < $1.key }.map(\.value) == [8, 8, 8, 8, 8, 4])
    #expect(counts.keys.max() == 5)
  }

  @Test("An earlier measurement's loss and categories stay where this one took none")
  func keeping() {
    var again = SampleRun.withoutLoss
    again.remarks.append(LossObstacle.modelNotHere(name: "m").remark)
    again.keep(SampleRun.evaluation)
    #expect(again.figures == SampleRun.evaluation.figures)
    #expect(again.lossSource == .heldOut)
    #expect(again.remarks == SampleRun.evaluation.remarks)
    var without = Evaluation(figures: SampleRun.figures, source: .heldOut, fires: [1])
    without.keep(SampleRun.evaluation)
    #expect(without.categories == SampleRun.evaluation.categories)
    #expect(without.categoriesDigest == "abc")
    var newer = SampleRun.evaluation
    newer.keep(
      Evaluation(figures: [.lossWithSAE: 9], source: .cache, lossSource: .cache, fires: []))
    #expect(newer == SampleRun.evaluation)
  }

  @Test("Categories name their best latent, and skipped words are named")
  func categories() throws {
    let store = try TinyStore()
    var settings = settings
    settings.categories = store.path + "/categories.json"
    try AtomicFile.replace(
      store.path + "/categories.json",
      with: "{\"red\": [\"red\"], \"animal\": [\"dog\", \"cat\", \"ostrich\"]}")
    let evaluation = try evaluate(store, settings: settings)
    let results = evaluation.categories
    #expect(results.map(\.name) == ["animal", "red"])
    #expect(results[1].best == CategoryScore(latent: 0, precision: 1, recall: 1))
    #expect(results[1].words == ["red"])
    let dogs = store.tokens.joined().count { $0 == 2 }
    let cats = store.tokens.joined().count { $0 == 3 }
    #expect(results[0].rows == dogs + cats)
    #expect(results[0].best?.latent == (dogs >= cats ? 2 : 3))
    #expect(evaluation.categoriesDigest == (try Digest.ofFile(store.path + "/categories.json")))
    #expect(
      evaluation.remarks == [
        "1 of the categories' words are no single token and were skipped: ostrich"
      ])
  }

  /// Halves rows, and cuts their shard short once it has seen some.
  private struct CuttingEncoder: RowEncoder {
    let path: String
    let batchRows = 100

    func encode(
      _ batch: Span<Float>, rows: Int,
      _ body: (Span<Int32>, Span<Int32>, Span<Float>, Span<Float>) throws -> Void
    ) throws {
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.truncate(atOffset: 3_000_000)
      try file.close()
      let offsets = [Int32](repeating: 0, count: rows + 1)
      try body(offsets.span, [Int32]().span, [Float]().span, batch)
    }
  }

  @Test("A shard that is cut short while it is measured ends in a sentence")
  func truncated() throws {
    let cache = try SyntheticCache(shards: 1, sequencesPerShard: 200, dIn: 512, rows: .numbered)
    let source = try cache.source
    let path = source.shards[0].path
    let whole = try System.status(path).byteCount
    var encoder = CuttingEncoder(path: path)
    let evaluating = try Evaluating(
      PairedShards(source), filter: RowFilter(heldOut: HeldOut(fraction: 0)), latentCount: 1,
      settings: EvaluateSettings(), corpus: nil)
    let error = #expect(throws: ShardError.self) {
      try evaluating.run(
        &encoder, deadInTraining: 0, deadFeatureWindow: 1,
        progress: Progress(
          stage: "measure", total: 1, mode: .quiet,
          terminal: RecordedTerminal(isInteractive: false).terminal))
    }
    #expect(
      error?.sentence
        == "\(path) was cut short while it was read: it ends at byte 3000000 instead of \(whole).")
  }

  @Test("Without the token stage there are figures but no contexts")
  func withoutCorpus() throws {
    let store = try TinyStore()
    let evaluation = try evaluate(store, settings: settings, withCorpus: false)
    #expect(evaluation.figures[.evaluatedRows] == 480)
    #expect(
      evaluation.remarks == [
        "The store lacks the tokens that these activations were made from: no contexts."
      ])
    #expect(try CorpusText.open(store: Store(store.path), fingerprint: "none") == nil)
  }
}
