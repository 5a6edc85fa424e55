// Who follows a run while it goes on, besides its own folder. Comes in: what a run is, then each line of
// its log and each checkpoint as it is written. Leaves: nothing that could stop or change the run.

import Foundation
package import Shared

/// What followers of a run know of it from the start.
package struct ObservedRun: Sendable {
  package let pipeline: Pipeline
  /// The run's folder, in which `metrics.jsonl` and later the SAE are.
  package let folder: String
  package let fingerprint: String
  /// What the followers of a run tell people, once each.
  package let note: @Sendable (String) -> Void
  /// SAELens's configuration of the run, as `runner_cfg.json` has it.
  package var runner: JSON = [:]
  /// What the runs of a sweep have in common; nil of a run by itself.
  package var group: String?
  /// Whether `n_checkpoints` asks for the checkpoint after so many steps.
  package var isScheduled: @Sendable (Int) -> Bool = { _ in true }
  /// Where people read what the run prints.
  package var terminal = Terminal.standardError

  package init(
    _ pipeline: Pipeline, folder: String, fingerprint: String,
    note: @escaping @Sendable (String) -> Void
  ) {
    self.pipeline = pipeline
    self.folder = folder
    self.fingerprint = fingerprint
    self.note = note
  }
}

/// One that follows a run.
///
/// None of the calls throws or waits for anybody: training goes on whatever becomes of those who watch it.
package protocol RunObserver: AnyObject, Sendable {
  /// This process trains from `step` on; the log holds the lines of the steps before.
  func began(step: Int)
  /// A line of the log, without its newline, is in the file.
  func logged(step: Int, line: String)
  /// A checkpoint is whole; it may be removed as soon as the call returns.
  func saved(checkpoint: String, step: Int)
  /// The SAE, its evaluation and its report are in the run's folder.
  func completed()
  /// The process leaves the run unfinished.
  func stopped(_ failure: any Error)
}
