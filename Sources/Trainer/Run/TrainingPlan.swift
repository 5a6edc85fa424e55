// All that determines a run's steps and follows from settings and manifests alone. Comes in: a
// pipeline file and the caches that it names. Leaves: the formulas' constants, the schedule and the
// SAE to start from. No row of a cache is read here; see PreparedRun for what must be.

package import Shared

/// All that determines a run's steps.
package struct TrainingPlan: Sendable {
  package let pipeline: Pipeline
  let input: RunInput
  package let configuration: SAEConfiguration

  package init(
    _ pipeline: Pipeline, source: TrainingSource, targets: TrainingSource? = nil
  ) throws {
    var inputs = TrainInputs(pipeline)
    let settled = try inputs.settled(pipeline)
    self.init(settled, try inputs.input(settled, source: source, targets: targets))
  }

  /// The plan of a run over inputs that have been found.
  init(_ pipeline: Pipeline, _ input: RunInput) {
    self.pipeline = pipeline
    self.input = input
    configuration = input.configuration(pipeline.train)
  }

  package var source: TrainingSource { input.source }
  /// Where a transcoder's targets come from.
  package var targets: TrainingSource? { input.targets }

  package var batchRows: Int { pipeline.train.trainBatchSizeTokens }

  /// Steps run while fewer than `training_tokens` and `finetuning_tokens` rows are consumed.
  package var steps: Int {
    let tokens = pipeline.train.trainingTokens + pipeline.train.finetuningTokens
    return (tokens + batchRows - 1) / batchRows
  }

  /// The number of a step within fine-tuning, from 1; 0 before it.
  ///
  /// It begins with the first step before which more than `training_tokens` rows were consumed.
  package func finetuningStep(_ step: Int) -> Int {
    guard configuration.finetuningMethod != nil else { return 0 }
    return max(0, step - pipeline.train.trainingTokens / batchRows)
  }

  /// Learning rate and sparsity weight; SAELens counts ⌊tokens / batch⌋ steps.
  package var schedule: Schedule {
    Schedule(pipeline.train, totalSteps: max(1, pipeline.train.stepCount))
  }

  /// Where the rows are.
  var places: PairedShards { PairedShards(source, targets: targets) }

  /// Refuses a run that asks for a loss which could not be measured in the end.
  func requireLoss() throws(LossRecoveredError) {
    guard pipeline.evaluate.lossRecovered == true else { return }
    do { _ = try input.splice(pipeline) } catch { throw LossRecoveredError(error) }
  }

  /// Reads what the first step needs of the rows, unless it was read for another run.
  package func prepared(_ rows: PreparedRows? = nil) throws -> PreparedRun {
    try PreparedRun(plan: self, rows: rows ?? readRows())
  }

  private func readRows() throws -> PreparedRows {
    let settings = pipeline.train
    return try PreparedRows(
      TrainableRows(settings, source, store: Store(pipeline)), settings, source)
  }
}
