// The followers of a run. Comes in: what a run is. Leaves: whom its pipeline file asks to follow it.

import Foundation

/// The followers that a pipeline file asks for.
package enum RunObservers {
  /// - Throws: what would keep a follower from following at all, said before training starts.
  package static func make(
    _ run: ObservedRun,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> [any RunObserver] {
    var observers: [any RunObserver] = []
    if run.pipeline.logger.logToWandb { observers.append(try WandbObserver(run, environment)) }
    if run.pipeline.logger.logToTensorboard { observers.append(TensorBoardFollower(run)) }
    return observers
  }
}
