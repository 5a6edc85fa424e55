// The followers of a run. Comes in: what a run is. Leaves: whom its pipeline file asks to follow it.

import Foundation
package import Shared

/// The followers that a pipeline file asks for.
package enum RunObservers {
  /// Finds out whether the followers can follow, before rows are read for a run.
  ///
  /// - Throws: what would keep one of them from following at all.
  package static func check(
    _ pipeline: Pipeline,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    guard pipeline.logger.logToWandb else { return }
    try WandbRun.check(WandbSettings(pipeline, environment))
  }

  /// - Throws: what would keep a follower from following at all.
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
