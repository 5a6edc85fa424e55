// What an SAE is measured on: a model and its tokens where both are here, else cached activations. Comes in:
// a pipeline file that says where the SAE belongs. Leaves: the place and the rows, or all that is missing.

import Shared

/// What an SAE is measured on.
enum MeasuringGround {
  /// Sequences that a model reads.
  case model(SplicePlan, [[UInt32]], EvaluatedRows)
  case cache(PairedShards, RowFilter, contextSize: Int)

  /// Looks for the ground of an SAE at the hook point of a pipeline.
  static func find(
    _ pipeline: Pipeline, through door: (any HubDoor)?, folder: String
  ) throws -> MeasuringGround {
    let inputs = Inputs(pipeline, through: door, text: door?.cached)
    let hooks = try TrainingSource.hookNames(pipeline)
    var caches: [TrainingSource] = []
    var reasons: [String] = []
    for hook in hooks {
      do {
        caches.append(try TrainingSource.find(pipeline, inputs, hook: hook))
      } catch let error as TrainingSourceError {
        guard case .notCached = error else { throw error }
        reasons.append("the store holds no activations of \(hook)")
      }
    }
    let search = GroundSearch(pipeline, hooks, caches: caches.count == hooks.count ? caches : [])
    if let ground = try search.model(inputs, folder, reasons: &reasons) { return ground }
    guard let cache = try search.cache() else {
      throw MeasuringError.nothingToMeasureOn(hook: hooks[0], reasons: reasons)
    }
    return cache
  }
}

/// What a pipeline names for an SAE.
private struct GroundSearch {
  private let pipeline: Pipeline
  private let hooks: [String]
  /// Of all hook points; empty where one is missing.
  private let caches: [TrainingSource]
  private let store: Store

  init(_ pipeline: Pipeline, _ hooks: [String], caches: [TrainingSource]) {
    self.pipeline = pipeline
    self.hooks = hooks
    self.caches = caches
    store = Store(pipeline)
  }

  func cache() throws -> MeasuringGround? {
    guard let source = caches.first else { return nil }
    let filter = try RowFilter.make(pipeline.train, source, store: store)
    return .cache(
      PairedShards(source, targets: caches.dropFirst().first), filter,
      contextSize: source.facts.contextSize)
  }

  /// Nil where the model or its tokens are not here.
  func model(
    _ inputs: Inputs, _ sae: String, reasons: inout [String]
  ) throws -> MeasuringGround? {
    let named =
      try caches.first?.tokens.map { try store.find(stage: .tokens, fingerprint: $0) }
      ?? ActivationKey.tokens(pipeline, inputs)
    guard let tokens = named, let corpus = try corpus(tokens) else {
      reasons.append("nor the tokens of its text")
      return nil
    }
    if let cause = inputs.model.problem as? SystemError, !cause.isAbsence { throw cause }
    guard let folder = inputs.model.value else {
      let name = pipeline.cache.modelName
      reasons.append(
        name.isEmpty ? "no model is named" : "the model \(name) is not on this machine")
      return nil
    }
    let model = try ModelDescription.open(folder: folder)
    let places = try hooks.map { try pipeline.cache.hookPoint($0, in: model) }
    guard let length = try corpus.sequences([0])[0]?.count else { return nil }
    guard length <= model.contextLimit else {
      throw MeasuringError.contextTooLong(
        tokens: tokens.path, length: length, model: folder, limit: model.contextLimit)
    }
    let plan = SplicePlan(
      folder: folder, model: model, hookPoint: places[0], target: places.dropFirst().first,
      processing: pipeline.cache.weightProcessing, factors: pipeline.train.factors,
      contextSize: length, batchSequences: pipeline.cache.modelBatchSize,
      rows: try rows(tokens, length))
    do { try plan.check() } catch {
      if case .unread(let cause) = error { throw cause }
      reasons.append(error.words)
      return nil
    }
    let (source, chosen) = SplicePlan.sequences(
      of: corpus.sequenceCount, heldOut: HeldOut(fraction: pipeline.train.evalFraction),
      contextSize: length, tokens: pipeline.evaluate.lossTokens)
    let found = try corpus.sequences(Set(chosen))
    let sequences = chosen.compactMap { found[$0] }
    guard sequences.joined().allSatisfy({ $0 < model.vocabularySize }) else {
      throw MeasuringError.otherVocabulary(tokens: tokens.path, model: folder)
    }
    return .model(plan, sequences, source)
  }

  private func corpus(_ tokens: StageFolder) throws -> CorpusText? {
    guard let manifest = try tokens.manifest() else { return nil }
    return try CorpusText.open(store: store, fingerprint: manifest.fingerprint)
  }

  /// The rows that the pipeline does not leave out, by what the cache left out too.
  private func rows(_ tokens: StageFolder, _ length: Int) throws -> SplicedRows {
    let filter: RowFilter =
      if let source = caches.first {
        try .make(pipeline.train, source, store: store)
      } else {
        try .make(pipeline.train, contextSize: length, tokens: tokens)
      }
    return SplicedRows(
      filter: filter, excluded: caches.first?.excludedTokens ?? [],
      positions: pipeline.cache.seqposSlice.positions(contextSize: length))
  }
}
