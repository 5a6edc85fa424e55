// The memory that a language model takes while its loss with an SAE is measured. Comes in: a pipeline file and
// the model's folder. Leaves: bytes, for the bill.

package import Shared

/// The place of an SAE in a model, as far as sizes hang on it.
package struct LossMemory {
  private let plan: SplicePlan

  /// Nil where no loss is asked for, or where the model is not here or not understood, which the run says.
  ///
  /// - Parameters:
  ///   - pipeline: names the hook points.
  ///   - folder: the model's.
  ///   - contextSize: that of the cache, where there is one.
  package init?(_ pipeline: Pipeline, model folder: String?, contextSize: Int?) {
    let settings = pipeline.cache
    guard pipeline.evaluate.lossRecovered != false, let folder,
      let name = pipeline.train.hookName ?? settings.allHookNames.first,
      let model = try? ModelDescription.open(folder: folder),
      let point = try? settings.hookPoint(name, in: model)
    else { return nil }
    plan = SplicePlan(
      folder: folder, model: model, hookPoint: point,
      target: pipeline.train.hookNameOut.flatMap { try? settings.hookPoint($0, in: model) },
      processing: settings.weightProcessing, factors: pipeline.train.factors,
      contextSize: contextSize ?? min(pipeline.pretokenize.contextSize, model.contextLimit),
      batchSequences: settings.modelBatchSize)
  }

  /// Bytes of a measurement over so many tokens.
  package func byteCount(tokens: Int) -> Int {
    let sequences = SplicePlan.sequenceCount(tokens: tokens, contextSize: plan.contextSize)
    return plan.byteCount(sequences: max(1, sequences))
  }
}
