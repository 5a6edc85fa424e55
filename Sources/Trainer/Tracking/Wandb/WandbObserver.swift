// The follower that logs a run to W&B. What followers are told comes in; the run at W&B hears it.

import Foundation
import Shared

/// Follows a run for W&B.
final class WandbObserver: RunObserver {
  private let run: WandbRun
  private let log: String

  /// - Throws: `WandbError` where the run cannot be logged.
  init(_ observed: ObservedRun, _ environment: [String: String]) throws {
    let pipeline = observed.pipeline
    let settings = try WandbSettings(pipeline, group: observed.group, environment)
    log = observed.folder + "/metrics.jsonl"
    run = WandbRun(
      WandbFacts(
        settings, config: WandbConfiguration.make(observed.runner, pipeline),
        artifactName: WandbObserver.artifactName(observed.runner), folder: observed.folder),
      terminal: observed.terminal, isScheduled: observed.isScheduled, note: observed.note)
  }

  /// SAELens's name of an SAE, without the slashes that W&B does not take.
  private static func artifactName(_ runner: JSON) -> String {
    let width = runner["sae"]?["d_sae"]?.integer ?? 0
    let name =
      "sae_\(runner["model_name"]?.string ?? "")_\(runner["hook_name"]?.string ?? "")_\(width)"
    return name.replacingOccurrences(of: "/", with: "__")
  }

  func began(step: Int) {
    let lines = (try? MappedFile.contents(log)) ?? []
    run.begin(lineCount: lines.count { $0 == UInt8(ascii: "\n") })
  }

  func logged(step: Int, line: String) { run.logged() }

  func saved(checkpoint: String, step: Int) { run.saved(checkpoint: checkpoint, step: step) }

  func completed() { run.complete() }

  func stopped(_ failure: any Error) {
    run.stop(exitCode: Int((failure as? any Failure)?.exitCode.rawValue ?? 1))
  }
}
