// A run at W&B while it is trained. Comes in: that lines were logged, that checkpoints were saved, how it
// ended. Leaves: the run at the server, or a folder for `wandb sync`; never an error, and never a wait
// before the end.

import Foundation
package import Shared
import Synchronization

/// One run that is logged.
package final class WandbRun: Sendable {
  private struct Begun {
    let folder: WandbRunFolder
    let times: WandbTimes
    let sender: WandbSender?
    let listener: Int
  }

  private let facts: WandbFacts
  private let terminal: Terminal
  private let note: @Sendable (String) -> Void
  private let patience: WandbPatience
  private let isScheduled: @Sendable (Int) -> Bool
  private let begun = Mutex<Begun?>(nil)
  private let machine: Mutex<(machine: WandbMachine, sampledAt: Double)>

  /// Seconds between two samples of the machine.
  private static let sampleSeconds = 15.0

  package init(
    _ facts: WandbFacts, patience: WandbPatience = WandbPatience(), terminal: Terminal,
    isScheduled: @escaping @Sendable (Int) -> Bool, note: @escaping @Sendable (String) -> Void
  ) {
    self.facts = facts
    self.patience = patience
    self.terminal = terminal
    self.isScheduled = isScheduled
    self.note = note
    machine = Mutex((WandbMachine(folder: facts.folder), -WandbRun.sampleSeconds))
  }

  /// Asks the server, where there is one to ask, whether it knows the key.
  ///
  /// A server that does not answer keeps nobody from training.
  /// - Throws: `WandbError` where it refuses.
  package static func check(_ settings: WandbSettings) throws {
    guard settings.mode == .online else { return }
    var settings = settings
    (settings.http.connectSeconds, settings.http.stallSeconds) = (5, 5)
    let session = WandbSession(settings, stop: StopFlag())
    let (address, place) = (settings.address, settings.keyPlace)
    func refused(_ status: Int) -> WandbError {
      .refused(address: address, place: place, status: status)
    }
    do {
      let viewer = try session.ask(WandbQueries.viewer, [:])["viewer"]
      if viewer?.object == nil { throw refused(200) }
    } catch let failure as WandbFailure {
      if let status = failure.status, [401, 403].contains(status) { throw refused(status) }
    }
  }

  /// Begins to send; the log holds `lineCount` lines.
  package func begin(lineCount: Int) {
    guard facts.settings.mode != .disabled else { return }
    do {
      let folder = try WandbRunFolder.open(
        run: facts.folder, identifier: facts.settings.identifier)
      let times = try WandbTimes(folder.times, lineCount: lineCount)
      let listener = terminal.addListener { text in
        let now = WandbTime.text(Date().timeIntervalSince1970)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
          WandbRunFolder.append(now + " " + line, to: folder.output)
        }
      }
      let sender = facts.settings.mode == .online ? start(folder, times) : nil
      begun.withLock {
        $0 = Begun(folder: folder, times: times, sender: sender, listener: listener)
      }
    } catch { complain(error) }
  }

  private func start(_ folder: WandbRunFolder, _ times: WandbTimes) -> WandbSender {
    let stop = StopFlag(heedsInterruption: false)
    let sender = WandbSender(patience, stop: stop, warn: note)
    sender.start(sample: { [self] in sample(folder, times) }) { [facts] in
      WandbTransfer(
        facts, folder, WandbSession(facts.settings, stop: stop), times: times,
        moved: { [weak sender] in sender?.noteMove() })
    }
    return sender
  }

  /// Notes that a line is in the log.
  package func logged() {
    guard let begun = begun.withLock({ $0.map { ($0.folder, $0.times, $0.sender) } }) else {
      return
    }
    begun.1.append()
    if begun.2 == nil { sample(begun.0, begun.1) }
  }

  /// Samples the machine where it is time.
  private func sample(_ folder: WandbRunFolder, _ times: WandbTimes) {
    let figures = machine.withLock { state -> [String: JSON]? in
      guard System.uptime - state.sampledAt >= WandbRun.sampleSeconds else { return nil }
      state.sampledAt = System.uptime
      return state.machine.sample()
    }
    guard var figures else { return }
    figures["_wandb"] = true
    figures["_timestamp"] = .number(Date().timeIntervalSince1970)
    figures["_runtime"] = .number(times.runtime)
    WandbRunFolder.append(JSON.object(figures).canonical, to: folder.events)
  }

  /// Keeps a checkpoint that the schedule asked for as an artifact; it may be removed afterwards.
  package func saved(checkpoint: String, step: Int) {
    guard isScheduled(step) else { return }
    var names = facts.settings.sendsWeights ? ["sae_weights.safetensors"] : []
    if facts.settings.sendsOptimizer { names.append("state.safetensors") }
    let digits = String(step)
    let label = "step-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    keep(
      names + ["cfg.json"], of: checkpoint, label: label, aliases: [],
      metadata: WandbConfiguration.trainer(facts.config))
  }

  /// Keeps an SAE and its sparsity as the two artifacts that SAELens makes of them.
  private func keep(
    _ names: [String], of source: String, label: String, aliases: [String], metadata: JSON
  ) {
    guard let folder = begun.withLock({ $0?.folder }) else { return }
    do {
      try WandbArtifact.keep(
        names, of: source, in: "\(folder.artifacts)/\(label)-1", name: facts.artifactName,
        type: "model", aliases: aliases, metadata: metadata)
      try WandbArtifact.keep(
        ["sparsity.safetensors"], of: source, in: "\(folder.artifacts)/\(label)-2",
        name: facts.artifactName + "_log_feature_sparsity", type: "log_feature_sparsity",
        aliases: [], metadata: metadata)
    } catch { complain(error) }
  }

  /// Ends a run whose SAE is in its folder.
  package func complete() {
    let names = facts.settings.sendsWeights ? ["sae_weights.safetensors"] : []
    keep(
      names + ["cfg.json"], of: facts.folder, label: "whole", aliases: ["final_model"],
      metadata: .object(facts.config))
    end(exitCode: 0, isHurried: false)
  }

  /// Ends a run that is left unfinished.
  package func stop(exitCode: Int) { end(exitCode: exitCode, isHurried: true) }

  private func end(exitCode: Int, isHurried: Bool) {
    let ended = begun.withLock { begun in
      defer { begun = nil }
      return begun.map { ($0.folder, $0.times, $0.sender, $0.listener) }
    }
    guard let (folder, times, sender, listener) = ended else { return }
    terminal.removeListener(listener)
    if let sender, sender.end(exitCode: exitCode, isHurried: isHurried) {
      try? System.removeTree(WandbOffline.path(facts, folder))
      return
    }
    do {
      let path = try WandbOffline.write(facts, folder, times: times, exitCode: exitCode)
      note(
        sender == nil
          ? "W&B: the run is in \(path); send it with: wandb sync \(path)"
          : "W&B: what was not sent is in \(path); send it with: wandb sync \(path)")
    } catch { complain(error) }
  }

  private func complain(_ error: any Error) {
    let sentence = (error as? any Failure)?.sentence ?? "\(error)"
    note("warning: the run is not logged to W&B in whole: \(sentence)")
  }
}
