// When a run is evaluated while it trains, and on how much. Comes in: the section `logger`. Leaves: steps and
// tokens, for the run and for its bill.

package import Shared

/// The evaluations of a run while it trains, as SAELens takes them.
package struct EvaluationSchedule: Sendable, Equatable {
  /// Steps from one to the next.
  package let every: Int
  /// Tokens of one, in whole sequences.
  package let tokens: Int

  package init(_ pipeline: Pipeline, contextSize: Int) {
    let logger = pipeline.logger
    every = EvaluationSchedule.product(logger.logFrequency, logger.evalEveryNWandbLogs)
    let sequences = logger.evalBatchSizePrompts ?? pipeline.cache.modelBatchSize
    tokens = EvaluationSchedule.product(
      EvaluationSchedule.product(logger.nEvalBatches, sequences), contextSize)
  }

  /// Whether the run is evaluated after a step, the first of which is 0.
  package func isDue(afterStep step: Int) -> Bool { (step + 1) % every == 0 }

  /// The evaluations of a run of so many steps.
  package func count(steps: Int) -> Int { steps / every }

  /// What is beyond all numbers is never reached.
  private static func product(_ left: Int, _ right: Int) -> Int {
    let (product, isTooLarge) = left.multipliedReportingOverflow(by: right)
    return isTooLarge ? .max : product
  }
}
