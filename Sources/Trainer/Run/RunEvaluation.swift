// The evaluation of a run while it trains. Comes in: the state, which stays as it is. Leaves: figures for the
// log, with the loss of the language model where that is here.

import Shared

extension PreparedRun {
  /// What the run is evaluated on; says once why there is no loss.
  func runningEvaluation(
    _ schedule: EvaluationSchedule, note: (String) -> Void
  ) throws -> RunningEvaluation {
    var model: RunningEvaluation.Model?
    if plan.pipeline.evaluate.lossRecovered != false {
      do {
        model = try spliced(schedule)
      } catch let obstacle as LossObstacle {
        note("note: evaluations while training have no loss. " + obstacle.remark)
      }
    }
    return RunningEvaluation(
      plan.places, filter: rows.filter, tokens: schedule.tokens, model: model)
  }

  private func spliced(_ schedule: EvaluationSchedule) throws -> RunningEvaluation.Model {
    let splice = try plan.input.splice(plan.pipeline, filter: rows.filter)
    let store = Store(plan.pipeline)
    guard
      let corpus = try plan.source.tokens.flatMap({
        try CorpusText.open(store: store, fingerprint: $0)
      })
    else { throw LossObstacle.noTokens }
    let (source, chosen) = SplicePlan.sequences(
      of: plan.source.sequenceCount, heldOut: rows.filter.heldOut,
      contextSize: splice.contextSize, tokens: schedule.tokens)
    let found = try corpus.sequences(Set(chosen))
    return RunningEvaluation.Model(
      splice, sequences: chosen.compactMap { found[$0] }, source: source)
  }

  /// Measures the SAE as it would be finished now; nil where a stop did not wait for it.
  func evaluate(
    _ state: borrowing TrainingState, _ running: inout RunningEvaluation
  ) throws -> Figures? {
    var sae = files.inferenceForm(state)
    let progress = Shared.Progress(stage: "evaluate", total: 0, mode: .quiet)
    return try running.figures(
      &sae, latentCount: plan.configuration.dSae, quiet: progress)
  }
}
