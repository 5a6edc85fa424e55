import Foundation
import Shared
import Support
import Testing

import Trainer

/// Looks at the latents of the tiny store's six one-hot words.
struct TinyLook {
  let store: TinyStore
  let report: LatentReport
  let folder: String
  let evaluation: Evaluation

  init(
    _ store: TinyStore, settings: EvaluateSettings, corpus: Bool = true, lens: LensPlace,
    filter: RowFilter = RowFilter(heldOut: HeldOut(fraction: 0))
  ) throws {
    self.store = store
    folder = store.path + "/run"
    try System.createDirectories(folder)
    let terminal = RecordedTerminal(isInteractive: false).terminal
    let progress = Progress(stage: "measure", total: 480, mode: .quiet, terminal: terminal)
    let text =
      corpus ? try CorpusText.open(store: Store(store.path), fingerprint: store.fingerprint) : nil
    var encoder = HalvingEncoder()
    var codes = KeptCodes(latentCount: 8, contextSize: TinyStore.contextSize)
    evaluation = try Evaluating(
      PairedShards(shards: store.shards, dIn: TinyStore.words.count), filter: filter,
      latentCount: 8, settings: settings, corpus: text
    ).run(&encoder, deadInTraining: nil, deadFeatureWindow: 1, progress: progress) {
      codes.add($0, $1, $2)
    }
    var parameters = Parameters(dIn: 6, dSae: 8)
    for index in 0..<48 {
      parameters.decoder.buffer[index] = Float(Random(seed: 3, stream: "d").normal(index))
      parameters.encoder.buffer[index] = 2 * parameters.decoder.buffer[index]
    }
    report = try LatentCollecting(settings, corpus: text, lens: lens, progress: progress).run(
      codes, evaluation, parameters, run: folder)
  }

  static var settings: EvaluateSettings {
    var settings = EvaluateSettings()
    settings.reportLatents = 6
    settings.contextsPerLatent = 3
    return settings
  }

  static func look() throws -> TinyLook {
    try TinyLook(TinyStore(), settings: settings, lens: .none(reason: "no model"))
  }
}

@Suite("What is known of every latent")
struct LatentsTests {
  @Test("Contexts are those of the highest activations, one a sequence, with the latent's shades")
  func contexts() throws {
    let look = try TinyLook.look()
    let store = look.store
    let red = try #require(look.report.details.first { $0.latent == 0 })
    // Later sequences are more active: the last three that contain the word, at its first place.
    let last = store.tokens.indices.filter { store.tokens[$0].contains(0) }.suffix(3).reversed()
    #expect(red.highest.map(\.sequence) == last.map { UInt32($0) })
    for context in red.highest {
      let sequence = store.tokens[Int(context.sequence)]
      #expect(Int(context.position) == sequence.firstIndex(of: 0))
      #expect(context.first == 0)
      #expect(context.tokens == sequence)
      #expect(
        context.activations
          == sequence.enumerated().map { position, token in
            TinyStore.activation(token, context.sequence, UInt32(position))[0]
          })
    }
  }

  @Test("Each quarter of the activations has contexts within its bounds that are not shown before")
  func quarters() throws {
    let look = try TinyLook.look()
    let red = try #require(look.report.details.first { $0.latent == 0 })
    let values = look.store.tokens.enumerated().flatMap { sequence, tokens in
      tokens.enumerated().filter { $1 == 0 }.map {
        TinyStore.activation(0, UInt32(sequence), UInt32($0.offset))[0]
      }
    }.sorted(by: >)
    #expect(red.quarters.count == 4)
    #expect(red.bounds == (0...4).map { values[min(values.count - 1, values.count * $0 / 4)] })
    let shown = Set(red.highest.map { [$0.sequence, $0.position] })
    for (index, quarter) in red.quarters.enumerated() {
      #expect(quarter.count <= 2)
      for context in quarter {
        #expect(context.value <= red.bounds[index] && context.value >= red.bounds[index + 1])
        #expect(!shown.contains([context.sequence, context.position]))
      }
    }
    #expect(red.histogram.reduce(0, +) == values.count)
  }

  @Test("The columns of the table are sums, extremes and cosines as their formulas have them")
  func columns() throws {
    let look = try TinyLook.look()
    let columns = look.report.columns
    #expect(columns.fires == look.evaluation.fires)
    for word in 0..<6 {
      let values = look.store.tokens.enumerated().flatMap { sequence, tokens in
        tokens.enumerated().filter { Int($1) == word }.map {
          Double(TinyStore.activation(UInt32(word), UInt32(sequence), UInt32($0.offset))[word])
        }
      }
      #expect(abs(columns.means[word] - values.reduce(0, +) / Double(values.count)) < 1e-9)
      #expect(columns.highest[word] == values.max())
      #expect(columns.tokens[word] == UInt32(word))
    }
    #expect(columns.tokens[6] == nil && columns.means[7] == 0)
    #expect(columns.cosines.allSatisfy { abs($0 - 1) < 1e-5 })
    #expect(look.report.rowsByL0 == [1: 480])
    #expect(look.report.keptRows == 480 && look.report.rows == 480)
    #expect(look.report.remarks == ["Which tokens latents promote is not known: no model."])
    #expect(look.report.texts[2] == " dog")
  }

  @Test("Every latent names its best category, as the evaluation does for the best of each")
  func categories() throws {
    let store = try TinyStore()
    var settings = TinyLook.settings
    settings.categories = store.path + "/categories.json"
    try AtomicFile.replace(
      store.path + "/categories.json",
      with: "{\"red\": [\"red\"], \"animal\": [\"dog\", \"cat\"]}")
    let look = try TinyLook(store, settings: settings, lens: .none(reason: ""))
    let columns = look.report.columns
    #expect(look.report.categories == ["animal", "red"])
    #expect(look.report.words == [["dog", "cat"], ["red"]])
    #expect(columns.categories[0] == .init(category: 1, f1: 1))
    #expect(columns.categories[1] == nil)
    for (index, category) in look.evaluation.categories.enumerated() {
      let best = try #require(category.best)
      #expect(columns.categories[best.latent] == .init(category: index, f1: best.f1))
    }
    #expect(look.report.details[0].latent == 0)
    #expect(look.report.details[0].reasons.first == "the best latent of the category red")
  }

  @Test("The folder holds the details of all latents, and the text that they are shown with")
  func folder() throws {
    let look = try TinyLook.look()
    #expect(try System.list(look.folder + "/latents").sorted() == ["000.js", "text.js"])
    let details = try #require(try LatentFolder.read(run: look.folder, number: 0).array)
    #expect(details.map { $0["latent"]?.integer } == Array(0..<8))
    let inside = try #require(look.report.details.first { $0.latent == 3 })
    let without = LatentDetail(
      latent: 3, histogram: inside.histogram, highest: inside.highest, quarters: inside.quarters,
      bounds: inside.bounds, neighbors: inside.neighbors)
    #expect(details[3].canonical == without.json(.beside).canonical)
    let text = try LatentFolder.readText(run: look.folder)
    #expect(text["sequences"]?.object?.count == 60)
    #expect(
      text["sequences"]?["7"] == .array(look.store.tokens[7].map { .integer(Int($0)) }))
    #expect(text["texts"]?["5"] == .string("\n"))
    try AtomicFile.replace(look.folder + "/latents/000.js", with: "alert(1)")
    #expect(throws: EvaluationError.unreadable(path: look.folder + "/latents/000.js")) {
      try LatentFolder.read(run: look.folder, number: 0)
    }
  }

  @Test("Without text there are numbers and nearest latents, and no contexts")
  func withoutCorpus() throws {
    let look = try TinyLook(
      TinyStore(), settings: TinyLook.settings, corpus: false, lens: .none(reason: "x"))
    #expect(look.report.details.allSatisfy { $0.highest.isEmpty && $0.neighbors.count == 5 })
    #expect(look.report.texts.isEmpty)
  }

  @Test("With report_latents 0 no latent is shown, inside or beside")
  func none() throws {
    var settings = TinyLook.settings
    settings.reportLatents = 0
    let look = try TinyLook(TinyStore(), settings: settings, lens: .none(reason: "x"))
    #expect(look.report.details.isEmpty && look.report.chunk == nil)
    #expect(!System.exists(look.folder + "/latents"))
  }

  @Test("The bytes do not depend on the number of threads")
  func threads() throws {
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    var texts: [[String]] = []
    for count in [1, 4] {
      Parallel.threadCount = count
      let look = try TinyLook.look()
      texts.append(
        try ["000.js", "text.js"].map {
          String(decoding: try MappedFile.contents(look.folder + "/latents/" + $0), as: UTF8.self)
        } + [look.report.json.canonical])
    }
    #expect(texts[0] == texts[1])
  }

  @Test("Named latents come first, others spread over the densities, then extremes, with reasons")
  func choosing() {
    // Latent 0 is dense, latents 1 … 20 fire less and less, latent 21 never.
    let fires = [900] + (1...20).map { 101 - 5 * $0 } + [0]
    let columns = LatentColumns(
      fires: fires, means: fires.map { _ in 1 }, highest: fires.map { Double($0) },
      norms: fires.map { _ in 1 })
    let chosen = ReportedLatents.choose(
      6, columns, rows: 1000, contexts: 1, named: [(7, "a"), (9, "b"), (7, "c")])
    #expect(Set(chosen.map(\.latent)).count == chosen.count)
    #expect(
      chosen[0]
        == ReportedLatent(
          7, because: ["the best latent of the category a", "the best latent of the category c"]))
    #expect(chosen.map(\.latent) == [7, 9, 3, 8, 14, 18, 0, 1])
    #expect(chosen[2].reasons.first == "number 1 of 4 spread over the densities")
    #expect(chosen[6].reasons.contains("among the densest"))
    #expect(ReportedLatents.choose(0, columns, rows: 1, contexts: 1, named: [(1, "a")]).isEmpty)
  }

  @Test("Tokens without text are left away at the ends of a context and are no context themselves")
  func special() {
    let context = LatentContext(
      .init(sequence: 1, position: 4), value: 2, in: [0, 0, 0, 5, 6, 7, 0, 0], special: [0]
    ) { _ in 0 }
    #expect(context.first == 3)
    #expect(context.tokens == [5, 6, 7])
    #expect(context.activations == [0, 2, 0])
    let between = LatentContext(
      .init(sequence: 1, position: 3), value: 2, in: [4, 0, 5, 6], special: [0]
    ) { _ in 0 }
    #expect(between.tokens == [4, 0, 5, 6])
    let own = LatentContext(
      .init(sequence: 1, position: 0), value: 2, in: [0, 0], special: [0]
    ) { _ in 0 }
    #expect(own.tokens == [0])
  }

  /// The logits of two directions of 16 columns; none where the model has no unembedding.
  private static func logits(_ folder: String, _ directions: [Float]) throws -> [[Float]] {
    guard let opened = try Unembedding.open(folder, rows: 3) else { return [] }
    return logits(of: opened, directions)
  }

  private static func logits(
    of unembedding: consuming Unembedding, _ directions: [Float]
  ) -> [[Float]] {
    unembedding.read(directions.span, rows: 2)
    return (0..<2).map { row in (0..<31).map { unembedding.logits[row, $0] } }
  }

  @Test("A promoted token is one whose logit the direction raises, as the formula has it")
  func lens() throws {
    let folder = try SyntheticModel.write()
    defer { try? System.removeTree(folder) }
    let random = Random(seed: 9, stream: "directions")
    let directions = (0..<32).map { Float(random.normal($0)) }
    let logits = try Self.logits(folder, directions)
    #expect(logits.count == 2)
    // ln_f.weight and wte.weight as the model's maker draws them.
    func drawn(_ name: String, _ index: Int, _ count: Int) -> [Double] {
      let random = Random(seed: 7, stream: name, index: index)
      return (0..<count).map { Double(Float(random.normal($0)) * 0.4) }
    }
    let gain = drawn("ln_f.weight", 14, 16)
    let table = drawn("wte.weight", 0, 31 * 16)
    for row in 0..<2 {
      let direction = directions[row * 16..<(row + 1) * 16].map { Double($0) }
      let mean = direction.reduce(0, +) / 16
      for token in 0..<31 {
        let twin = (0..<16).reduce(0.0) { sum, column in
          sum + (direction[column] - mean) * gain[column] * table[token * 16 + column]
        }
        #expect(abs(Double(logits[row][token]) - twin) < 1e-4)
      }
    }
  }
}
