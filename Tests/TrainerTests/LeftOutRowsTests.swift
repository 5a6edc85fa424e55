import Shared
import Support
import Testing
import Trainer

/// Rows that training leaves out are neither in its statistics nor in the final figures.
@Suite("Rows that a filter leaves out")
struct LeftOutRowsTests {
  static let filters: [(name: String, change: @Sendable (inout TrainSettings) -> Void)] = [
    ("exclude_special_tokens", { $0.excludeSpecialTokens = .ids([1]) }),
    (
      "seqpos_slice",
      { $0.seqposSlice = PositionSlice(setting: .array([.integer(1), .null])) ?? .all }
    ),
    ("max_norm_multiple", { $0.maxNormMultiple = 8 }),
    (
      "all together",
      {
        $0.excludeSpecialTokens = .ids([1, 5])
        $0.seqposSlice = PositionSlice(setting: .array([.integer(0), .integer(12)])) ?? .all
        $0.maxNormMultiple = 8
        $0.evalFraction = 0.3
      }
    ),
  ]

  /// A cache whose rows at position 0, those of token 1, are far larger than the others.
  private func cache(
    dIn: Int = 8, _ change: (inout TrainSettings) -> Void
  ) throws -> SyntheticCache {
    let cache = try SyntheticCache(dIn: dIn, rows: .sinks)
    change(&cache.pipeline.train)
    cache.pipeline.evaluate.lossRecovered = false
    return cache
  }

  /// The rows that count, of sequences that are held out or not.
  private func kept(_ cache: SyntheticCache, heldOut: Bool) -> [[Float]] {
    let settings = cache.pipeline.train
    let held = HeldOut(fraction: settings.evalFraction)
    let positions = settings.seqposSlice.positions(contextSize: SyntheticCache.contextSize)
    return (0..<cache.shards * cache.rowsPerShard).filter { number in
      let position = number % SyntheticCache.contextSize
      let token = position + 1
      if case .ids(let ids) = settings.excludeSpecialTokens, ids.contains(token) { return false }
      if settings.maxNormMultiple != nil, position == 0 { return false }
      let sequence = UInt32(number / SyntheticCache.contextSize)
      return positions.contains(position) && held.contains(sequence: sequence) == heldOut
    }.map { cache.row($0, .sinks) }
  }

  private func mean(_ rows: [[Float]]) -> [Double] {
    rows[0].indices.map { column in NaiveFigures.mean(rows.map { Double($0[column]) }) }
  }

  private func expectClose(_ found: [Double], _ expected: [Double], _ tolerance: Double = 1e-5) {
    #expect(found.count == expected.count)
    for (one, other) in zip(found, expected) {
      #expect(abs(one - other) < tolerance * max(1, abs(other)))
    }
  }

  // MARK: Statistics

  @Test("The factor is that of the rows trained on", arguments: filters.indices)
  func factor(index: Int) throws {
    let cache = try cache(Self.filters[index].change)
    cache.pipeline.train.normalizeActivations = .expectedAverageOnlyIn
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    let norm = NaiveFigures.mean(kept(cache, heldOut: false).map(NaiveFigures.norm))
    expectClose([try plan.prepared().rows.normalization.factor], [Double(8).squareRoot() / norm])
  }

  @Test("Without a filter it is that of the manifest, to the last bit")
  func manifest() throws {
    let cache = try cache { _ in }
    for fraction in [0, 0.3] {
      cache.pipeline.train.evalFraction = fraction
      cache.pipeline.train.normalizeActivations = .expectedAverageOnlyIn
      let source = try cache.source
      let plan = try TrainingPlan(cache.pipeline, source: source)
      let rows = try plan.prepared().rows
      #expect(rows.normalization.factor == Double(8).squareRoot() / source.facts.meanNorm)
      #expect(try rows.mean(source, targets: nil) == source.facts.mean)
    }
  }

  @Test("Whitening is of the rows trained on", arguments: filters.indices)
  func whitening(index: Int) throws {
    let cache = try cache(Self.filters[index].change)
    cache.pipeline.train.normalizeActivations = .covarianceWhitening
    let plan = try TrainingPlan(cache.pipeline, source: cache.source)
    let whitening = try #require(try plan.prepared().rows.normalization.whitening)
    // Whole batches of rows; here the cache is smaller than one.
    expectClose(whitening.mean.map { Double($0) }, mean(kept(cache, heldOut: false)))
  }

  @Test("The initial b_dec is a mean of the rows trained on", arguments: filters.indices)
  func decoderBias(index: Int) throws {
    let cache = try cache(Self.filters[index].change)
    cache.pipeline.train.normalizeActivations = .expectedAverageOnlyIn
    cache.pipeline.train.bDecInitMethod = .mean
    cache.pipeline.train.lr = 1e-30
    cache.pipeline.train.trainingTokens = 32
    let run = try Run(cache.pipeline, mode: .quiet)
    _ = try run.run()
    let file = try SafetensorsFile.open(run.folder.path + "/sae_weights.safetensors")
    var bias = [Float](repeating: 0, count: 8)
    var span = bias.mutableSpan
    file.readFloats(try file.require("b_dec", [.float32], shape: [8]), into: &span)
    // Folded, b_dec is in the units of the cache.
    expectClose(bias.map { Double($0) }, mean(kept(cache, heldOut: false)))
  }

  @Test("A transcoder's b_dec is of its targets, beside rows that are trained on")
  func targets() throws {
    let filter = Self.filters[3].change
    let (inputs, outputs) = (try cache(filter), try cache(dIn: 4, filter))
    let plan = try TrainingPlan(
      inputs.pipeline, source: inputs.source, targets: outputs.source)
    let found = try plan.prepared().rows.mean(plan.source, targets: plan.targets)
    expectClose(found, mean(kept(outputs, heldOut: false)))
  }

  // MARK: Figures

  @Test("The final figures are of the rows that count", arguments: filters.indices)
  func figures(index: Int) throws {
    let cache = try cache(Self.filters[index].change)
    cache.pipeline.train.architecture = .topk
    cache.pipeline.train.normalizeActivations = .expectedAverageOnlyIn
    let run = try Run(cache.pipeline, mode: .quiet)
    _ = try run.run()
    let evaluation = try Evaluation.read(run: run.folder.path)
    let isHeldOut = cache.pipeline.train.evalFraction > 0
    #expect(evaluation.source == (isHeldOut ? .heldOut : .cache))
    let rows = kept(cache, heldOut: isHeldOut)
    let (outs, fires) = try reconstructions(run.folder.path, rows)
    let figures = evaluation.figures
    #expect(figures[.evaluatedRows] == Double(rows.count))
    #expect(evaluation.fires == fires)
    expectClose(
      [.finalExplainedVariance, .finalMSE, .cosineSimilarity].map { figures[$0] ?? .nan },
      [
        NaiveFigures.explainedVariance(rows, outs), NaiveFigures.meanSquaredError(rows, outs),
        NaiveFigures.cosine(rows, outs),
      ])
    // Measured again, they are the same.
    try run.measure()
    #expect(try Evaluation.read(run: run.folder.path) == evaluation)
  }

  /// What the SAE in a folder makes of rows, and how often each latent is active on them.
  private func reconstructions(
    _ folder: String, _ rows: [[Float]]
  ) throws -> (outs: [[Float]], fires: [Int]) {
    var sae = try TrainedSAE.open(folder)
    var (outs, fires): ([[Float]], [Int]) = ([], Array(repeating: 0, count: 24))
    for row in rows {
      try sae.encode(row.span, rows: 1) { _, latents, _, reconstruction in
        for index in latents.indices { fires[Int(latents[index])] += 1 }
        outs.append(reconstruction.indices.prefix(row.count).map { reconstruction[$0] })
      }
    }
    return (outs, fires)
  }

  @Test("Contexts, their shades and categories leave out the same rows")
  func contexts() throws {
    let store = try TinyStore()
    var settings = EvaluateSettings()
    settings.reportLatents = 6
    settings.contextsPerLatent = 3
    settings.categories = store.path + "/categories.json"
    try AtomicFile.replace(
      store.path + "/categories.json", with: "{\"animal\": [\"dog\", \"cat\"]}")
    let filter = RowFilter(
      heldOut: HeldOut(fraction: 0), excluded: [2],
      positions: [Bool](repeating: true, count: 6) + [false, false], largestNorm: 50)
    let look = try TinyLook(store, settings: settings, lens: .none(reason: "x"), filter: filter)
    let evaluation = look.evaluation
    func counts(_ sequence: Int, _ position: Int) -> Bool {
      let token = store.tokens[sequence][position]
      let row = TinyStore.activation(token, UInt32(sequence), UInt32(position))
      return token != 2 && position < 6 && NaiveFigures.norm(row) <= 50
    }
    var fires = [Int](repeating: 0, count: 8)
    for (sequence, tokens) in store.tokens.enumerated() {
      for (position, token) in tokens.enumerated() where counts(sequence, position) {
        fires[Int(token)] += 1
      }
    }
    #expect(evaluation.fires == fires)
    #expect(fires[2] == 0)
    #expect(evaluation.categories[0].rows == fires[3])
    #expect(Set(look.report.details.map(\.latent)) == [0, 1, 3, 4, 5])
    for latent in look.report.details {
      #expect(latent.highest.count == 3)
      for context in latent.highest + latent.quarters.flatMap(\.self) {
        let sequence = Int(context.sequence)
        #expect(counts(sequence, Int(context.position)))
        for (place, activation) in context.activations.enumerated() {
          let position = context.first + place
          let isActive =
            counts(sequence, position) && store.tokens[sequence][position] == latent.latent
          #expect((activation > 0) == isActive)
        }
      }
    }
  }
}
