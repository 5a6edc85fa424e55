import Shared
import Support
import Testing

@Suite struct TransformerTests {
  @Test(arguments: ModelFixtures.hooked)
  func everyHookPointEqualsThatOfTransformerLens(name: String) throws {
    let golden = try ModelFixtures.golden(name)
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    // TransformerLens has no hook behind the cap of logits.
    let points = HookPoint.all(in: model).filter { $0.site != .cappedLogits }
    #expect(Set(points.map(\.name)) == Set(golden.hooks.keys))
    let results = try ModelFixtures.run(
      name, points, tokens: golden.tokens, contextSize: golden.contextSize)
    for (point, rows) in zip(points, results) {
      let expected = try #require(golden.hooks[point.name])
      let width = point.width(in: model, contextSize: golden.contextSize)
      #expect(rows.count == golden.tokens.count * width, "\(point.name)")
      #expect(worst(rows, golden.rows, width, expected) < 3e-4, "\(point.name)")
    }
  }

  @Test(arguments: ModelFixtures.names)
  func logitsEqualThoseOfTransformers(name: String) throws {
    let golden = try ModelFixtures.golden(name)
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let site = model.changesLogits ? HookSite.cappedLogits : .logits
    let logits = try ModelFixtures.run(
      name, [HookPoint(site)], tokens: golden.tokens, contextSize: golden.contextSize)[0]
    let width = golden.logits.count / golden.rows.count
    #expect(worst(logits, golden.rows, width, golden.logits) < 3e-4)
  }

  /// Modules whose rows are not those of any step here.
  private static let others = ["attention.query_key_value", "rotary_emb", "mlp.gate_up_proj"]

  /// A module of queries and gates writes both.
  private func isOther(_ module: String, in model: ModelDescription) -> Bool {
    Self.others.contains { module.hasSuffix($0) }
      || model.tensors.queryHasGate && module.hasSuffix("q_proj")
  }

  @Test(arguments: ModelFixtures.withModules)
  func everyModuleEqualsThatOfTransformers(name: String) throws {
    let golden = try ModelFixtures.golden(name)
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let modules = try ModelFixtures.rows(name, "modules").filter { !isOther($0.key, in: model) }
    let points = try modules.keys.sorted().map { try HookPoint.find($0, in: model) }
    #expect(Set(HookPoint.modules(in: model).map(\.name)).isSuperset(of: modules.keys))
    let results = try ModelFixtures.run(
      name, points, tokens: golden.tokens, contextSize: golden.contextSize)
    for (point, rows) in zip(points, results) {
      let width = point.width(in: model, contextSize: golden.contextSize)
      let expected = try #require(modules[point.name])
      #expect(worst(rows, ModelFixtures.shown, width, expected) < 3e-4, "\(point.name)")
    }
  }

  @Test(arguments: ModelFixtures.processed.indices)
  func processedRowsEqualThoseOfTransformerLens(index: Int) throws {
    let (name, file, processing) = ModelFixtures.processed[index]
    let golden = try ModelFixtures.golden(name)
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let hooks = try ModelFixtures.rows(name, file)
    let points = try hooks.keys.sorted().map { try HookPoint.find($0, in: model) }
    // The least of them has neither norms nor MLPs.
    #expect(points.count > 12)
    let results = try ModelFixtures.run(
      name, points, tokens: golden.tokens, contextSize: golden.contextSize,
      processing: processing)
    for (point, rows) in zip(points, results) {
      let width = point.width(in: model, contextSize: golden.contextSize)
      let expected = try #require(hooks[point.name])
      #expect(
        worst(rows, ModelFixtures.shown, width, expected) < 3e-4, "\(name) \(point.name)")
    }
  }

  /// As in transformers, a file with two tables that differ keeps both, whatever its configuration says.
  @Test(arguments: ["model.embed_tokens", "lm_head"])
  func aTiedUnembeddingKeepsItsBias(holder: String) throws {
    let folder = try TemporaryFolder()
    let golden = try ModelFixtures.golden("phi")
    try ModelFixtures.copy(
      "phi", to: folder.file("tied"),
      configuration: {
        $0.replacing("\"tie_word_embeddings\": false", with: "\"tie_word_embeddings\": true")
      },
      weights: { bytes, _ in
        guard holder != "lm_head" else { return }
        let name = Array("\"lm_head.weight\"".utf8)
        if let place = bytes.firstRange(of: name) {
          bytes.replaceSubrange(place, with: Array("\"lm_head.unused\"".utf8))
        }
      })
    let results = try ModelFixtures.run(
      folder.file("tied"), [HookPoint(.unembedInput), HookPoint(.logits)], tokens: golden.tokens,
      contextSize: golden.contextSize)
    let file = try SafetensorsFile.open(folder.file("tied/model.safetensors"))
    func floats(_ name: String) throws -> [Float] {
      let entry = try #require(file.header.tensors[name])
      var values = [Float](repeating: 0, count: entry.count)
      var span = values.mutableSpan
      file.readFloats(entry, into: &span)
      return values
    }
    let (table, bias) = (try floats(holder + ".weight"), try floats("lm_head.bias"))
    for token in golden.tokens.indices {
      for output in 0..<53 {
        var sum = bias[output]
        for column in 0..<24 {
          sum += results[0][token * 24 + column] * table[output * 24 + column]
        }
        #expect(abs(sum - results[1][token * 53 + output]) < 1e-3)
      }
    }
    let model = try ModelDescription.open(folder: folder.file("tied"))
    #expect(HookPoint.modules(in: model).last?.name == "lm_head")
  }

  @Test func onlyWideRowsCutAPassFurther() throws {
    func sequences(vocabulary: Int, _ sites: HookSite...) throws -> Int {
      let model = try ModelDescription.read(
        text: """
          {"model_type": "gpt2", "vocab_size": \(vocabulary), "n_positions": 128, "n_embd": 64,
           "n_layer": 1, "n_head": 4}
          """, path: "config.json")
      let points = sites.map { HookPoint($0, layer: $0 == .logits ? nil : 0) }
      return ForwardPass.sequences(
        model, contextSize: 128, hookPoints: points, atMost: 1 << 20)
    }
    // 801 columns: three of 80 and a scale, 208 + 80 + 272; 512 MiB hold 1,309 sequences of them.
    #expect(try sequences(vocabulary: 50_000, .residualAfter) == 1309)
    #expect(try sequences(vocabulary: 50_000, .pattern, .result, .mlpAfter) == 1309)
    #expect(try sequences(vocabulary: 3000, .logits) == 1309)
    // 50,801 columns: 2 GiB hold 82 sequences.
    #expect(try sequences(vocabulary: 50_000, .logits, .residualAfter) == 82)
  }

  @Test func aHeadIsItsColumnsOfAllHeads() throws {
    let golden = try ModelFixtures.golden("grouped")
    let model = try ModelDescription.open(folder: ModelFixtures.folder("grouped"))
    for site in [HookSite.query, .rotatedKey, .pattern, .mixed, .result] {
      let whole = HookPoint(site, layer: 1)
      let point = try whole.taking(head: 1, in: model)
      let width = point.width(in: model, contextSize: 16)
      let all = whole.width(in: model, contextSize: 16)
      let results = try ModelFixtures.run(
        "grouped", [whole, point], tokens: golden.tokens, contextSize: 16)
      let columns = (0..<32).flatMap { row -> ArraySlice<Float> in
        results[0][row * all + width..<row * all + 2 * width]
      }
      #expect(columns == results[1], "\(point.name)")
    }
  }

  /// The largest difference between the kept rows and what is expected; equal infinities are 0.
  private func worst(_ rows: [Float], _ kept: [Int], _ width: Int, _ expected: [Float]) -> Float {
    guard expected.count == kept.count * width, !rows.isEmpty else { return .infinity }
    var worst: Float = 0
    for (index, row) in kept.enumerated() {
      for column in 0..<width {
        let (x, y) = (rows[row * width + column], expected[index * width + column])
        let difference = x == y ? 0 : abs(x - y)
        if !(difference <= worst) { worst = difference.isNaN ? .infinity : difference }
      }
    }
    return worst
  }

  @Test(arguments: ModelFixtures.names)
  func aHookPointHasTheSameBitsAloneInOtherCompanyAndInOtherBatches(
    name: String
  ) throws {
    let golden = try ModelFixtures.golden(name)
    let (tokens, context) = (golden.tokens, golden.contextSize)
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let points = HookPoint.all(in: model)
    let together = try ModelFixtures.run(name, points, tokens: tokens, contextSize: context)
    for (point, rows) in zip(points, together) {
      let alone = try ModelFixtures.run(name, [point], tokens: tokens, contextSize: context)[0]
      let isSame = alone == rows
      #expect(isSame, "\(point.name)")
    }
    let roomy = try ModelFixtures.run(
      name, points, tokens: tokens, contextSize: context, sequenceLimit: 7)
    let isSame = roomy == together
    #expect(isSame)
  }

  @Test func aNormThatTwoReadIsReplacedForBoth() throws {
    let model = try ModelDescription.open(folder: ModelFixtures.folder("phi"))
    let names = [
      "model.layers.0.input_layernorm", "blocks.0.hook_attn_out", "blocks.0.hook_mlp_out",
    ]
    let points = try names.map { try HookPoint.find($0, in: model) }
    let transformer = try Transformer.open(ModelFixtures.folder("phi"), for: points)
    var pass = ForwardPass(transformer, sequenceLimit: 1, contextSize: 16, hookPoints: points)
    let tokens = TokenStageFixture.tokens(16, vocabulary: 53)
    var varies = [false, false, false]
    try pass.visit(transformer, tokens: tokens.span) { index, values, rows in
      for row in 1..<rows.count {
        for column in 0..<rows.width where index > 0 {
          let difference = values[rows.range(row).lowerBound + column] - values[column]
          if abs(difference) > 1e-5 { varies[index] = true }
        }
      }
      if index > 0 { return .seen }
      for row in 0..<rows.count { for place in rows.range(row) { values[place] = 0 } }
      return .replaced
    }
    // Of nothing but biases every token's row is the same.
    #expect(varies == [false, false, false])
  }

  @Test func aTokenNeverSeesThoseAfterIt() throws {
    let golden = try ModelFixtures.golden("grouped")
    let point = HookPoint(.residualAfter, layer: 1)
    var tokens = golden.tokens
    let before = try ModelFixtures.run(
      "grouped", [point], tokens: tokens, contextSize: golden.contextSize)[0]
    for later in 10..<golden.contextSize { tokens[later] = 0 }
    let after = try ModelFixtures.run(
      "grouped", [point], tokens: tokens, contextSize: golden.contextSize)[0]
    let seen = 10 * 24
    let (isSameBefore, isSameAfter) = (
      before[..<seen] == after[..<seen], before[seen...] == after[seen...]
    )
    #expect(isSameBefore && !isSameAfter)
  }

  @Test func onlyTheLayersThatAHookPointNeedsAreRead() throws {
    let folder = ModelFixtures.folder("gpt2")
    let first = try Transformer.open(folder, for: [HookPoint(.residualBefore, layer: 0)])
    let second = try Transformer.open(folder, for: [HookPoint(.residualAfter, layer: 0)])
    let third = try Transformer.open(folder, for: [HookPoint(.residualAfter, layer: 1)])
    let layer = third.weights.mappedByteCount - second.weights.mappedByteCount
    // Two bytes for each of 24·72 + 24·24 + 2·24·96 weights.
    #expect(layer == 2 * 12 * 24 * 24)
    #expect(second.weights.mappedByteCount - first.weights.mappedByteCount == layer)
  }

  @Test func aPassAllocatesNothingPerBatch() throws {
    let golden = try ModelFixtures.golden("gpt2")
    let point = HookPoint(.residualAfter, layer: 1)
    let transformer = try Transformer.open(ModelFixtures.folder("gpt2"), for: [point])
    var pass = ForwardPass(
      transformer, sequenceLimit: 2, contextSize: 16, hookPoints: [point])
    var sum: Float = 0
    let before = allocationCount
    try pass.run(transformer, tokens: golden.tokens.span) { _, values, _ in sum += values[0] }
    // Suites that run at the same time allocate too; one pass alone would allocate in the hundreds.
    #expect(allocationCount - before < 10_000)
    #expect(sum.isFinite)
  }

  @Test func longSequencesAgreeWithShortOnesWhereBlocksOfQueriesMeet() throws {
    let model = try ModelDescription.read(
      text: SyntheticModel.configuration, path: "config.json")
    let folder = try SyntheticModel.write()
    defer { try? System.removeTree(folder) }
    let point = HookPoint(.mixed, layer: 0)
    let tokens = (0..<300).map { UInt32($0 * 7 % model.vocabularySize) }
    let transformer = try Transformer.open(folder, for: [point])
    func rows(_ tokens: [UInt32]) throws -> [Float] {
      var pass = ForwardPass(
        transformer, sequenceLimit: 1, contextSize: tokens.count, hookPoints: [point])
      var result: [Float] = []
      try pass.run(transformer, tokens: tokens.span) { _, values, rows in
        for index in 0..<values.count { result.append(values[index]) }
      }
      return result
    }
    let long = try rows(tokens)
    for length in [1, 127, 128, 129, 256] {
      let short = try rows(Array(tokens.prefix(length)))
      let worst = zip(short, long).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst < 1e-5, "length \(length)")
    }
  }
}
