// All that determines a run's steps and follows from settings and manifests alone. Comes in: a
// pipeline file and the caches that it names. Leaves: the formulas' constants, the schedule and the
// SAE to start from. No row of a cache is read here; see PreparedRun for what must be.

package import Shared

/// All that determines a run's steps.
package struct TrainingPlan: Sendable {
  package let pipeline: Pipeline
  package let source: TrainingSource
  /// Where a transcoder's targets come from.
  package let targets: TrainingSource?
  package let configuration: SAEConfiguration
  /// The SAE that training starts from instead of drawn weights.
  package let pretrained: PretrainedSAE?

  package init(
    _ pipeline: Pipeline, source: TrainingSource, targets: TrainingSource? = nil
  ) throws {
    try self.init(pipeline, RunInput(source: source, targets: targets))
  }

  /// The plan of a run over caches that have been found; `pretrained` is opened where it is not given.
  init(_ pipeline: Pipeline, _ input: RunInput, pretrained: PretrainedSAE? = nil) throws {
    let pretrained = try pretrained ?? PretrainedSAE.named(by: pipeline.train)
    self.pipeline = try pretrained?.settled(pipeline) ?? pipeline
    source = input.source
    targets = input.targets
    configuration = input.configuration(self.pipeline.train)
    try pretrained?.check(for: configuration)
    self.pretrained = pretrained
  }

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
    do { _ = try SplicePlan.make(pipeline, source: source, targets: targets) } catch {
      throw LossRecoveredError(error)
    }
  }

  /// Reads what the first step needs of the rows, unless it was read for another run.
  package func prepared(_ rows: PreparedRows? = nil) throws -> PreparedRun {
    try PreparedRun(plan: self, rows: rows ?? readRows())
  }

  private func readRows() throws -> PreparedRows {
    let settings = pipeline.train
    return try PreparedRows(
      TrainableRows(settings, source, store: Store(pipeline.store)), settings, source)
  }
}
