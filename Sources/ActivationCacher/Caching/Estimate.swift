// What the stage would cost as far as its inputs are there. Comes in: a pipeline file. Leaves: a bill and
// what is missing, which is no error before the stage really runs.

package import Shared

/// A bill and what must still be fetched or made before the stage can run.
package struct Estimate: Sendable {
  package let bill: CacheBill
  package let missing: [any Failure]
  /// Whether every hook point's folder is there already.
  package let isFinished: Bool

  /// Works out the bill; `speed` measures this machine, unless the stage is finished.
  package static func make(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil, speed given: CacheSpeed? = nil
  ) throws -> Estimate {
    let settings = pipeline.cache
    let inputs = Inputs(pipeline, through: door, text: door?.cached)
    let tokens = try ActivationKey.tokens(pipeline, inputs).map { try TokenSequences($0) }
    var missing: [any Failure] =
      tokens == nil ? [CacheError.noTokens(store: pipeline.store)] : []
    let contextSize =
      tokens?.contextSize ?? settings.statedContextSize ?? pipeline.pretokenize.contextSize
    if case .missing(let absent) = inputs.model { missing.insert(absent, at: 0) }
    let isFinished = try settings.allHookNames.allSatisfy {
      try Estimate.isFinished(pipeline, inputs, hookName: $0, tokens: tokens?.fingerprint)
    }
    guard
      let folder = inputs.model.value
        ?? InputResolver.modelDescription(settings, through: door)
    else {
      return Estimate(
        bill: CacheBill(settings, contextSize: contextSize), missing: isFinished ? [] : missing,
        isFinished: isFinished)
    }
    let model = try ModelDescription.open(folder: folder)
    if let tokens { try LanguageModel.checkContext(settings, tokens, model) }
    let points = try LanguageModel.hookPoints(settings, in: model, contextSize: contextSize)
    let plan = ShardPlan(
      settings, modelWidth: model.width, contextSize: contextSize,
      available: tokens?.sequenceCount)
    guard inputs.model.value != nil else {
      return Estimate(
        bill: CacheBill(
          settings, model: model, hookPoints: points, plan: plan, weightByteCount: nil, speed: nil),
        missing: isFinished ? [] : missing, isFinished: isFinished)
    }
    let weights = try Transformer.open(folder, for: points).weights.mappedByteCount
    let idle = CacheSpeed(secondsPerToken: 0, shardBytesPerSecond: .infinity)
    let speed =
      try given
      ?? (isFinished
        ? idle
        : .measure(settings, folder: folder, model: model, hookPoints: points, plan: plan))
    return Estimate(
      bill: CacheBill(
        settings, model: model, hookPoints: points, plan: plan, weightByteCount: weights,
        speed: speed),
      missing: isFinished ? [] : missing, isFinished: isFinished)
  }

  /// Whether the folder of a hook point is there: that of the inputs at hand, else any that will do.
  private static func isFinished(
    _ pipeline: Pipeline, _ inputs: Inputs, hookName: String, tokens: String?
  ) throws -> Bool {
    let store = Store(pipeline)
    guard let model = inputs.model.value, let tokens else {
      do {
        return try ActivationKey.finished(pipeline, inputs, hookName: hookName) != nil
      } catch is AmbiguousActivations { return true }
    }
    let key = ActivationKey.make(
      pipeline, hookName: hookName,
      identities: try ActivationKey.identities(model: model, store: store), tokens: tokens)
    return try store.folder(key).isFinished()
  }

  /// The bill in the shape of all programs.
  package var stage: StageBill {
    var stage = bill.bill(isFinished: isFinished)
    stage.missing = missing.map(\.sentence)
    return stage
  }
}
