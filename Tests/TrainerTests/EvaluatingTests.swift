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
    settings.contextsPerLatent = 3
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

  @Test("Contexts are those of the highest activations, with their text and shades")
  func contexts() throws {
    let store = try TinyStore()
    let evaluation = try evaluate(store, settings: settings)
    #expect(evaluation.remarks.isEmpty)
    #expect(Set(evaluation.latents.map(\.latent)) == [0, 1, 2, 3, 4, 5])
    let red = try #require(evaluation.latents.first { $0.latent == 0 })
    // Later sequences are more active: the last three that contain the word, at its first place.
    let last = store.tokens.indices.filter { store.tokens[$0].contains(0) }.suffix(3).reversed()
    #expect(red.contexts.map(\.row.sequence) == last.map { UInt32($0) })
    for context in red.contexts {
      let sequence = store.tokens[Int(context.row.sequence)]
      #expect(context.focus == sequence.firstIndex(of: 0))
      #expect(context.tokens == sequence.map { TinyStore.words[Int($0)] })
      #expect(
        context.activations
          == sequence.enumerated().map { position, token in
            Double(TinyStore.activation(token, context.row.sequence, UInt32(position))[0])
          })
    }
    #expect(red.maximum == red.contexts[0].value)
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
    // The best latents of categories open the list.
    #expect(evaluation.latents[0].latent == 0)
    #expect(evaluation.latents[0].category == "red")
    #expect(evaluation.latents[1].category == "animal")
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
    #expect(evaluation.latents.isEmpty)
    #expect(
      evaluation.remarks == [
        "The store lacks the tokens that these activations were made from: no contexts."
      ])
    #expect(try CorpusText.open(store: Store(store.path), fingerprint: "none") == nil)
  }
}
