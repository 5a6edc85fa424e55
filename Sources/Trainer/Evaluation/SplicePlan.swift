// Where an SAE goes into the language model that its activations come from. Comes in: the caches
// of a run. Leaves: the model's folder, the place and the rows that are replaced, or what stands against it.

package import Shared

/// A model that was found again, and the place of an SAE in it.
package struct SplicePlan: Sendable {
  package let folder: String
  package let model: ModelDescription
  /// What the SAE reads.
  package let hookPoint: HookPoint
  /// What a transcoder replaces; any other SAE replaces what it reads.
  package let target: HookPoint?
  package let processing: WeightProcessing
  package let factors: FactorPrecision
  package let contextSize: Int
  /// Sequences of a pass, at most.
  package let batchSequences: Int
  package let rows: SplicedRows

  package init(
    folder: String, model: ModelDescription, hookPoint: HookPoint, target: HookPoint? = nil,
    processing: WeightProcessing = WeightProcessing(), factors: FactorPrecision = .float32,
    contextSize: Int, batchSequences: Int = 32, rows: SplicedRows = SplicedRows()
  ) {
    self.folder = folder
    self.model = model
    self.hookPoint = hookPoint
    self.target = target
    self.processing = processing
    self.factors = factors
    self.contextSize = contextSize
    self.batchSequences = batchSequences
    self.rows = rows
  }

  /// Finds the model of a run's cache; nothing is fetched.
  ///
  /// - Parameters:
  ///   - pipeline: says what the model is called.
  ///   - resolved: its folder.
  ///   - source: the activations.
  ///   - targets: those of a transcoder's targets.
  ///   - filter: the rows that an SAE takes the place of; nil where the place alone is asked for.
  /// - Returns: the model and the place.
  /// - Throws: what stands against it.
  package static func make(
    _ pipeline: Pipeline, model resolved: Resolved<String>, source: TrainingSource,
    targets: TrainingSource?, filter: RowFilter? = nil
  ) throws(LossObstacle) -> SplicePlan {
    let settings = pipeline.cache
    guard let tokens = source.tokens else { throw .imported }
    let name = settings.modelName.isEmpty ? source.facts.modelName : settings.modelName
    guard let folder = resolved.value else { throw .missing(resolved, name: name) }
    let store = Store(pipeline)
    let identities = try usable { try ActivationKey.identities(model: folder, store: store) }
    guard identities == source.identities else { throw .otherModel(name: name) }
    guard try usable({ try store.find(stage: .tokens, fingerprint: tokens) }) != nil else {
      throw .noTokens
    }
    let model = try usable { try ModelDescription.open(folder: folder) }
    func find(_ name: String) throws(LossObstacle) -> HookPoint {
      try usable { try settings.hookPoint(name, in: model) }
    }
    let hookPoint = try find(source.facts.hookName)
    var target: HookPoint?
    if let facts = targets?.facts { target = try find(facts.hookName) }
    let splice = SplicePlan(
      folder: folder, model: model, hookPoint: hookPoint, target: target,
      processing: settings.weightProcessing, factors: pipeline.train.factors,
      contextSize: source.facts.contextSize,
      batchSequences: settings.modelBatchSize,
      rows: SplicedRows(
        filter: filter, excluded: source.excludedTokens,
        positions: settings.seqposSlice.positions(contextSize: source.facts.contextSize)))
    try splice.check()
    return splice
  }

  /// Refuses a place where an SAE would change nothing, and weights that are not whole.
  package func check() throws(LossObstacle) {
    let replaced = target ?? hookPoint
    guard replaced.isReplaceable else { throw .notReplaceable(hook: replaced.name) }
    guard !replaced.precedes(hookPoint) else {
      throw .wrongOrder(hook: hookPoint.name, target: replaced.name)
    }
    // The cache may have needed only the first layers.
    _ = try SplicePlan.usable {
      try Transformer.open(folder, for: hookPoints).weights.mappedByteCount
    }
  }

  private static func usable<Value>(
    _ body: () throws -> Value
  ) throws(LossObstacle) -> Value {
    do {
      return try body()
    } catch let error as SystemError where !error.isAbsence {
      throw .unread(error)
    } catch {
      throw .unusable(sentence: (error as? any Failure)?.sentence ?? "\(error)")
    }
  }

  /// What the SAE reads, what it replaces where that is another place, and the predictions.
  var hookPoints: [HookPoint] {
    [hookPoint] + [target].compactMap(\.self)
      + [model.predictions]
  }

  /// The numbers of these among the hook points.
  var replacedIndex: Int { target == nil ? 0 : 1 }
  var logitsIndex: Int { replacedIndex + 1 }

  var dIn: Int { hookPoint.width(in: model, contextSize: contextSize) }
  var dOut: Int { (target ?? hookPoint).width(in: model, contextSize: contextSize) }

  /// Bytes of logits that a batch may have, unless one sequence has more.
  private static let logitByteLimit = 256 << 20

  /// Sequences of a pass over `count` in all.
  func sequenceLimit(_ count: Int) -> Int {
    let fitting = SplicePlan.logitByteLimit / (4 * contextSize * model.vocabularySize)
    return ForwardPass.sequences(
      model, contextSize: contextSize, hookPoints: hookPoints, processing: processing,
      atMost: max(1, min(batchSequences, count, fitting)))
  }

  /// Bytes of the buffers of a measurement over `count` sequences; weights of float32 are mapped.
  func byteCount(sequences count: Int) -> Int {
    let limit = sequenceLimit(count)
    let pass = ForwardPass.byteCount(
      model, sequenceLimit: limit, contextSize: contextSize, hookPoints: hookPoints,
      processing: processing, factors: factors)
    // The predictions of the model as it is, what the SAE stands for and what it makes of it.
    return pass + 4 * limit * contextSize * (model.vocabularySize + 2 * dOut)
  }
}

extension SplicePlan {
  /// The sequences that so many tokens fill or begin.
  static func sequenceCount(tokens: Int, contextSize: Int) -> Int {
    let (quotient, rest) = tokens.quotientAndRemainder(dividingBy: contextSize)
    return quotient + (rest > 0 ? 1 : 0)
  }

  /// The first sequences of `count` that were held out, as many as give `tokens` tokens; of all where none was.
  package static func sequences(
    of count: Int, heldOut: HeldOut, contextSize: Int, tokens: Int
  ) -> (EvaluatedRows, [UInt32]) {
    let all = 0..<UInt32(clamping: count)
    let wanted = sequenceCount(tokens: tokens, contextSize: contextSize)
    let chosen = all.lazy.filter(heldOut.contains(sequence:)).prefix(wanted)
    return chosen.isEmpty ? (.cache, Array(all.prefix(wanted))) : (.heldOut, Array(chosen))
  }
}

/// Which rows of a model an SAE takes the place of: those that it might have been trained on.
///
/// The others stay as they are and do not count, as SAELens treats special tokens that it excludes.
package struct SplicedRows: Sendable {
  private let filter: RowFilter?
  private let excluded: Set<UInt32>
  /// The positions that are cached; empty for all.
  private let positions: Set<Int>

  /// - Parameters:
  ///   - filter: what training leaves out; what is held out is replaced.
  ///   - excluded: tokens that the cache leaves out.
  ///   - positions: those that the cache has, where it lacks some.
  package init(filter: RowFilter? = nil, excluded: Set<UInt32> = [], positions: [Int] = []) {
    self.filter = filter
    self.excluded = excluded
    self.positions = Set(positions)
  }

  func contains(_ row: Span<Float>, token: UInt32, position: Int) -> Bool {
    if excluded.contains(token) { return false }
    if !positions.isEmpty, !positions.contains(position) { return false }
    return filter?.sees(row, token: token, position: position) ?? true
  }
}

extension ModelDescription {
  /// Where the model predicts the next token.
  var predictions: HookPoint { HookPoint(changesLogits ? .cappedLogits : .logits) }
}
