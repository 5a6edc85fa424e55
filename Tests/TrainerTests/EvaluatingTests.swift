import Foundation
import Shared
import Support
import Testing

import Trainer

@Suite("Measuring a trained SAE")
struct EvaluatingTests {
  private func evaluate(
    _ store: TinyStore, settings: EvaluateSettings, heldOut: Bool = false,
    withCorpus: Bool = true
  ) throws -> Evaluation {
    let record = RecordedTerminal(isInteractive: false)
    let corpus =
      withCorpus
      ? try CorpusText.open(store: Store(store.path), fingerprint: store.fingerprint) : nil
    var encoder = HalvingEncoder()
    let isHeldOut: @Sendable (UInt32) -> Bool = { $0 % 3 == 0 }
    let evaluating = try Evaluating(
      shards: store.shards, dIn: TinyStore.words.count, latentCount: 8, settings: settings,
      isHeldOut: heldOut ? isHeldOut : nil, corpus: corpus)
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
    let evaluation = try evaluate(store, settings: settings, heldOut: true)
    #expect(evaluation.source == .heldOut)
    #expect(evaluation.figures[.evaluatedRows] == 160)
    var few = settings
    few.evalTokens = 50
    #expect(try evaluate(store, settings: few, heldOut: true).figures[.evaluatedRows] == 50)
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
