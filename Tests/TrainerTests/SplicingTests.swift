import Shared
import Support
import Testing
import Trainer

/// Writes what a closure makes of each row in its place.
private struct RowwiseEncoder: RowEncoder {
  let change: (_ column: Int, _ value: Float) -> Float
  var width: Int
  var seen = 0
  let batchRows = 1000

  mutating func encode(
    _ batch: Span<Float>, rows: Int,
    _ body: (Span<Int32>, Span<Int32>, Span<Float>, Span<Float>) throws -> Void
  ) throws {
    seen += rows
    let result = batch.indices.map { change($0 % width, batch[$0]) }
    try body([Int32]().span, [Int32]().span, [Float]().span, result.span)
  }

  static func identity(_ width: Int) -> RowwiseEncoder {
    RowwiseEncoder(change: { $1 }, width: width)
  }

  static func zero(_ width: Int) -> RowwiseEncoder {
    RowwiseEncoder(change: { _, _ in 0 }, width: width)
  }
}

@Suite("A language model with an SAE in it")
struct SplicingTests {
  private static let contextSize = 16

  private static func plan(
    _ model: String, _ hook: String, target: String? = nil, head: Int? = nil,
    processing: WeightProcessing = WeightProcessing(), factors: FactorPrecision = .float32,
    rows: SplicedRows = SplicedRows(), batchSequences: Int = 4
  ) throws -> SplicePlan {
    let folder = ModelFixtures.folder(model)
    let description = try ModelDescription.open(folder: folder)
    return SplicePlan(
      folder: folder, model: description,
      hookPoint: try HookPoint.find(hook, in: description).taking(head: head, in: description),
      target: try target.map { try HookPoint.find($0, in: description) }, processing: processing,
      factors: factors, contextSize: contextSize, batchSequences: batchSequences, rows: rows)
  }

  private static func measure<Encoder: RowEncoder & ~Copyable>(
    _ plan: SplicePlan, _ tokens: [UInt32], _ encoder: inout Encoder,
    earlier: LossRecovered? = nil
  ) throws -> LossRecovered {
    let sequences = stride(from: 0, to: tokens.count, by: contextSize).map {
      Array(tokens[$0..<$0 + contextSize])
    }
    let progress = Shared.Progress(
      stage: "loss", total: tokens.count, mode: .quiet,
      terminal: RecordedTerminal(isInteractive: false).terminal)
    return try Splicing(plan, sequences: sequences, earlier: earlier).run(
      &encoder, source: .heldOut, progress: progress)
  }

  // MARK: SAELens

  private static let goldenFolder = ProjectFiles.root + "/Tests/Fixtures/sae/spliced"
  static let goldens = [
    "resid", "resid-ignoring", "heads", "heads-processed", "head", "perceptron", "transcoder",
  ]

  @Test("The figures are those of SAELens", arguments: goldens)
  func golden(name: String) throws {
    let json = try JSON(parsing: MappedFile.contents(Self.goldenFolder + ".json"))
    let tokens = try #require(json["tokens"]?.array).compactMap(\.integer).map { UInt32($0) }
    let golden = try #require(json["cases"]?[name])
    let ignored = golden["ignore"]?.array?.compactMap(\.integer).map { UInt32($0) } ?? []
    let every = WeightProcessing(
      foldsNorms: true, centersWriting: true, centersUnembedding: true, foldsValueBiases: true)
    let plan = try Self.plan(
      "gpt2", try #require(golden["hook"]?.string), target: golden["target"]?.string,
      head: golden["head"]?.integer,
      processing: golden["processed"]?.bool == true ? every : WeightProcessing(),
      rows: SplicedRows(excluded: Set(ignored)))
    var sae = try TrainedSAE.open(Self.goldenFolder + "/" + name)
    let loss = try Self.measure(plan, tokens, &sae)
    let figures: [String: Double?] = [
      "ce_loss_without_sae": loss[.lossWithoutSAE], "ce_loss_with_sae": loss[.lossWithSAE],
      "ce_loss_with_ablation": loss[.lossWithAblation], "ce_loss_score": loss[.lossScore],
      "kl_div_with_sae": loss[.divergenceWithSAE],
      "kl_div_with_ablation": loss[.divergenceWithAblation], "kl_div_score": loss[.divergenceScore],
    ]
    for (key, value) in figures {
      let expected = try #require(golden["figures"]?[key]?.double)
      let found = try #require(value)
      #expect(abs(found - expected) <= 1e-4 * abs(expected), "\(key) \(found) \(expected)")
    }
    #expect(loss[.lossTokens] == Double(tokens.count { !ignored.contains($0) }))
  }

  @Test("What zeros did earlier is as if they were measured again")
  func earlier() throws {
    let plan = try Self.plan("gpt2", "blocks.0.hook_resid_post")
    let tokens = (0..<96).map { UInt32($0 * 7 % 50) }
    var (zeros, halves) = (
      RowwiseEncoder.zero(plan.model.width),
      RowwiseEncoder(change: { $1 / 2 }, width: plan.model.width)
    )
    let earlier = try Self.measure(plan, tokens, &zeros)
    let whole = try Self.measure(plan, tokens, &halves)
    #expect(try Self.measure(plan, tokens, &halves, earlier: earlier) == whole)
    #expect(whole.figures[.lossWithSAE] != earlier.figures[.lossWithSAE])
  }

  @Test("Factors in bfloat16 give a loss nearby")
  func autocast() throws {
    let tokens = (0..<96).map { UInt32($0 * 7 % 50) }
    func loss(_ factors: FactorPrecision) throws -> Double {
      let plan = try Self.plan("gpt2", "blocks.0.hook_resid_post", factors: factors)
      var halves = RowwiseEncoder(change: { $1 / 2 }, width: plan.model.width)
      return try #require(try Self.measure(plan, tokens, &halves).figures[.lossWithSAE])
    }
    let (rounded, plain) = (try loss(.bfloat16), try loss(.float32))
    #expect(rounded != plain && abs(rounded - plain) < 1e-2 * plain)
  }

  // MARK: Plain loops

  static let places: [(hook: String, module: String?, head: Int?)] = [
    ("hook_embed", nil, nil), ("hook_pos_embed", nil, nil), ("blocks.1.hook_resid_pre", nil, nil),
    ("blocks.0.ln1.hook_normalized", nil, nil), ("blocks.0.attn.hook_q", nil, nil),
    ("blocks.1.attn.hook_k", nil, 2), ("blocks.1.attn.hook_v", nil, nil),
    ("blocks.1.attn.hook_z", nil, nil), ("blocks.0.attn.hook_z", nil, 1),
    ("blocks.0.attn.hook_pattern", nil, nil), ("blocks.1.attn.hook_pattern", nil, 2),
    ("blocks.0.attn.hook_result", nil, nil), ("blocks.1.attn.hook_result", nil, 1),
    ("blocks.0.hook_attn_out", nil, nil),
    ("blocks.1.hook_attn_out", "transformer.h.1.attn.c_proj", nil),
    ("blocks.0.hook_resid_mid", nil, nil), ("blocks.1.ln2.hook_normalized", nil, nil),
    ("blocks.0.mlp.hook_pre", "transformer.h.0.mlp.c_fc", nil),
    ("blocks.1.mlp.hook_post", nil, nil), ("blocks.0.hook_mlp_out", nil, nil),
    ("blocks.1.hook_mlp_out", "transformer.h.1.mlp", nil),
    ("blocks.0.hook_resid_post", "transformer.h.0", nil), ("ln_final.hook_normalized", nil, nil),
    ("unembed.hook_in", "transformer.ln_f", nil), ("unembed.hook_out", "lm_head", nil),
  ]

  @Test("Plain loops over the model give the same loss", arguments: places.indices)
  func naive(index: Int) throws {
    let place = Self.places[index]
    let plan = try Self.plan("gpt2", place.module ?? place.hook, head: place.head)
    let tokens = TokenStageFixture.tokens(3 * Self.contextSize, vocabulary: 53)
    let width = plan.hookPoint.width(in: plan.model, contextSize: Self.contextSize)
    var encoder = RowwiseEncoder(
      change: { $1 * 0.75 + ($0 % 3 == 0 ? 0.25 : -0.125) }, width: width)
    let loss = try Self.measure(plan, tokens, &encoder)
    let first = (place.head ?? 0) * width
    let model = try NaiveGPT2(ModelFixtures.folder("gpt2"))
    var twin = (clean: [Double](), spliced: [Double](), ablated: [Double]())
    var divergence = (spliced: [Double](), ablated: [Double]())
    for start in stride(from: 0, to: tokens.count, by: Self.contextSize) {
      let sequence = Array(tokens[start..<start + Self.contextSize])
      func logits(_ change: ((Int, Double) -> Double)?) -> [[Double]] {
        model.logits(sequence) { hook, rows in
          guard let change, hook == place.hook else { return }
          for row in rows.indices {
            for column in 0..<width {
              rows[row][first + column] = change(column, rows[row][first + column])
            }
          }
        }
      }
      let clean = logits(nil)
      let spliced = logits { $1 * 0.75 + ($0 % 3 == 0 ? 0.25 : -0.125) }
      let ablated = logits { _, _ in 0 }
      twin.clean += NaiveLoss.crossEntropy(clean, sequence)
      twin.spliced += NaiveLoss.crossEntropy(spliced, sequence)
      twin.ablated += NaiveLoss.crossEntropy(ablated, sequence)
      divergence.spliced += NaiveLoss.divergence(clean, spliced)
      divergence.ablated += NaiveLoss.divergence(clean, ablated)
    }
    func close(_ value: Double, _ values: [Double]) -> Bool {
      let mean = NaiveFigures.mean(values)
      return abs(value - mean) <= 2e-5 * abs(mean) + 1e-7
    }
    #expect(close(loss[.lossWithoutSAE], twin.clean))
    #expect(close(loss[.lossWithSAE], twin.spliced))
    #expect(close(loss[.lossWithAblation], twin.ablated))
    #expect(close(loss[.divergenceWithSAE], divergence.spliced))
    #expect(close(loss[.divergenceWithAblation], divergence.ablated))
    #expect(loss[.lossWithSAE] != loss[.lossWithoutSAE])
    #expect(loss[.lossTokens] == Double(tokens.count))
  }

  // MARK: Every place of every model

  /// Whether nothing after a place depends on its rows: they are kept beside the computation.
  private static func isAside(_ name: String) -> Bool {
    ["hook_scale", "hook_attn_scores", "hook_expert_indices"].contains { name.hasSuffix($0) }
  }

  /// Whether what follows is computed by another formula where the rows are replaced.
  private static func isRecomputed(_ name: String) -> Bool {
    name.hasSuffix("hook_pattern") || name.hasSuffix("hook_result")
  }

  @Test(
    "What is put back as it was changes nothing, and zeros are the ablation, at every place",
    arguments: ModelFixtures.names)
  func everyPlace(model name: String) throws {
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let tokens = TokenStageFixture.tokens(2 * Self.contextSize, vocabulary: 53)
    for point in HookPoint.all(in: model) + HookPoint.modules(in: model) {
      let plan = try Self.plan(name, point.name)
      guard !Self.isAside(point.name) else {
        #expect(throws: LossObstacle.notReplaceable(hook: point.name)) { try plan.check() }
        continue
      }
      try plan.check()
      let width = point.width(in: model, contextSize: Self.contextSize)
      var identity = RowwiseEncoder.identity(width)
      let same = try Self.measure(plan, tokens, &identity)
      let allowed = Self.isRecomputed(point.name) ? 1e-5 : 0
      #expect(abs(same[.lossWithSAE] - same[.lossWithoutSAE]) <= allowed, "\(point.name)")
      #expect(same[.divergenceWithSAE] <= allowed, "\(point.name)")
      #expect(same[.divergenceWithAblation] > 0, "\(point.name)")
      var zero = RowwiseEncoder.zero(width)
      let ablated = try Self.measure(plan, tokens, &zero)
      #expect(ablated[.lossWithSAE] == ablated[.lossWithAblation], "\(point.name)")
      #expect(ablated[.divergenceWithSAE] == ablated[.divergenceWithAblation], "\(point.name)")
      #expect(ablated[.divergenceScore] == 0, "\(point.name)")
    }
  }

  @Test(
    "Rows as of processed weights are put back as such", arguments: ModelFixtures.processed.indices)
  func processed(index: Int) throws {
    let (name, _, processing) = ModelFixtures.processed[index]
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let tokens = TokenStageFixture.tokens(2 * Self.contextSize, vocabulary: 53)
    for point in HookPoint.all(in: model) where !Self.isAside(point.name) {
      let plan = try Self.plan(name, point.name, processing: processing)
      var encoder = RowwiseEncoder.identity(
        point.width(in: model, contextSize: Self.contextSize))
      let loss = try Self.measure(plan, tokens, &encoder)
      #expect(abs(loss[.lossWithSAE] - loss[.lossWithoutSAE]) < 1e-5, "\(point.name)")
      #expect(loss[.divergenceWithSAE] < 1e-5, "\(point.name)")
    }
  }

  // MARK: Rows

  @Test("Tokens and positions that an SAE never sees stay as they are and do not count")
  func leftOut() throws {
    let tokens = TokenStageFixture.tokens(4 * Self.contextSize, vocabulary: 53)
    let ignored = tokens[3]
    let rows = SplicedRows(excluded: [ignored], positions: Array(1..<9))
    let plan = try Self.plan("gpt2", "blocks.0.hook_mlp_out", rows: rows)
    var encoder = RowwiseEncoder.identity(24)
    let loss = try Self.measure(plan, tokens, &encoder)
    let chosen = tokens.indices.filter { (1..<9).contains($0 % 16) && tokens[$0] != ignored }
    #expect(loss[.lossTokens] == Double(chosen.count))
    #expect(encoder.seen == chosen.count)
    #expect(loss[.lossWithSAE] == loss[.lossWithoutSAE])
  }

  @Test("How many sequences are run at once makes no difference")
  func batches() throws {
    let tokens = TokenStageFixture.tokens(5 * Self.contextSize, vocabulary: 53)
    let losses = try [1, 2, 5, 32].map { count in
      var encoder = RowwiseEncoder(change: { $1 / 2 }, width: 24)
      return try Self.measure(
        Self.plan("gpt2", "blocks.0.hook_resid_post", batchSequences: count), tokens, &encoder)
    }
    // The order in which a product is summed, in float32, may change with its number of rows. Of n
    // summands it moves the sum by some √n roundings of its size, and so the logits and the loss;
    // a row that was counted twice or not at all would move the loss by hundreds of times as much.
    let model = try ModelDescription.open(folder: ModelFixtures.folder("gpt2"))
    let widest = try HookPoint.find("blocks.0.mlp.hook_post", in: model)
    let summands = Double(widest.width(in: model, contextSize: Self.contextSize))
    let allowed = summands.squareRoot() * Double(Float.ulpOfOne) * losses[0][.lossWithSAE]
    for loss in losses {
      #expect(abs(loss[.lossWithSAE] - losses[0][.lossWithSAE]) <= allowed)
      #expect(abs(loss[.divergenceWithSAE] - losses[0][.divergenceWithSAE]) <= allowed)
    }
  }

  @Test("A transcoder whose target comes first has no place")
  func wrongOrder() throws {
    let plan = try Self.plan("gpt2", "blocks.1.hook_mlp_out", target: "blocks.0.hook_mlp_out")
    #expect(
      throws: LossObstacle.wrongOrder(
        hook: "blocks.1.hook_mlp_out", target: "blocks.0.hook_mlp_out")
    ) { try plan.check() }
  }

  @Test("Weights that lack what only the predictions need are named")
  func missingWeights() throws {
    let folder = try SyntheticModel.write(dropping: "ln_f.bias")
    defer { try? System.removeTree(folder) }
    let plan = try Self.plan(folder, "blocks.0.hook_mlp_out")
    #expect(
      throws: LossObstacle.unusable(
        sentence: "\(folder)/model.safetensors holds no tensor transformer.ln_f.bias of shape [16]."
      )
    ) { try plan.check() }
  }
}

extension LossRecovered {
  /// A figure, or what compares with nothing.
  fileprivate subscript(figure: Figure) -> Double { figures[figure] ?? .nan }
}
