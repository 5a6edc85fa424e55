// A sweep whose runs share streams (sweep_mode shared). Comes in: the runs of a sweep. Leaves: those
// that see the same batches trained together, as far as memory allows, with the bytes that each has
// by itself.

import Shared

extension TrainSettings {
  /// What decides the batches of a run over given caches.
  var streamSettings: JSON {
    let names: Set = [
      "train_batch_size_tokens", "seed", "eval_fraction", "exclude_special_tokens",
      "seqpos_slice", "max_norm_multiple", "normalize_activations",
    ]
    return .object((fingerprintSettings.object ?? [:]).filter { names.contains($0.key) })
  }
}

extension Sweep {
  /// What runs that share a stream may take together: nine tenths of the memory that there is.
  static let memoryLimit = Memory.byteCount / 10 * 9

  /// Runs that are trained together.
  private struct Group {
    var members: [(index: Int, run: Run, lease: Lease)] = []
    var byteCount = 0

    func release() {
      for member in members { member.lease.release() }
    }
  }

  /// The members by what they read, each kind in order.
  private var streams: [[Int]] {
    var order: [String] = []
    var found: [String: [Int]] = [:]
    for index in members.indices {
      let member = members[index]
      let key = [
        member.input.source.fingerprint, member.input.targets?.fingerprint ?? "",
        member.combination.pipeline.train.streamSettings.canonical,
      ].joined(separator: "\n")
      if found[key] == nil { order.append(key) }
      found[key, default: []].append(index)
    }
    return order.compactMap { found[$0] }
  }

  /// Trains runs that nobody has finished and nobody is training, several on one stream of batches.
  ///
  /// Runs that are left alone on a stream are left to the ordinary way.
  func trainTogether(_ endings: inout [Ending?], _ watch: inout LeaseWatch) throws {
    for stream in streams where stream.count > 1 {
      var group = Group()
      defer { group.release() }
      for index in stream {
        endings[index] = try ending(of: index) {
          guard try members[index].folder.manifest() == nil else { return nil }
          let run = try open(index)
          let byteCount = Bill(run.plan).memoryByteCount
          if !group.members.isEmpty, group.byteCount + byteCount > Sweep.memoryLimit {
            note("memory has room for \(group.members.count) runs at a time")
            try train(&group, &endings)
          }
          guard case .claimed(let lease) = try run.claim(&watch) else { return nil }
          group.members.append((index, run, lease))
          group.byteCount += byteCount
          return nil
        }
      }
      try train(&group, &endings)
    }
  }

  /// Trains a group and empties it; one run alone is given back.
  private func train(_ group: inout Group, _ endings: inout [Ending?]) throws {
    let claimed = group.members
    defer {
      group.release()
      group = Group()
    }
    guard claimed.count > 1 else { return }
    if System.isInterrupted { throw interruption(finished: endings.count { $0 != nil }) }
    note("\(claimed.count) runs read one stream:")
    for member in claimed {
      note("  run \(member.index + 1) of \(members.count): \(label(member.index))")
    }
    let total = claimed.reduce(0) { $0 + $1.run.plan.steps * $1.run.plan.batchRows }
    let progress = claimed[0].run.progress(total: total)
    var runs: [(index: Int, run: Run, training: Training)] = []
    for member in claimed {
      endings[member.index] = try ending(of: member.index) {
        runs.append((member.index, member.run, try member.run.training(progress)))
        return nil
      }
    }
    let start = System.uptime
    let failures = try TrainingStream.run(runs.map(\.training))
    progress.finish()
    let seconds = System.uptime - start
    for (member, failure) in zip(runs, failures) {
      endings[member.index] = try ending(of: member.index) {
        if let failure { throw failure }
        try member.run.complete(member.training, seconds: seconds)
        let figures = try Evaluation.read(run: member.run.folder.path).figures
        return .finished(figures, didWork: true)
      }
      try writePage(comparison(endings))
    }
  }

  private func label(_ index: Int) -> String { members[index].combination.label }
}
