// A sweep whose runs share streams (sweep_mode shared). Comes in: the runs of a sweep. Leaves: those
// that see the same batches trained together, as far as memory allows, with the bytes that each has
// by itself.

import Shared

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
      let key = members[index].input.streamKey(members[index].combination.pipeline.train)
      if found[key] == nil { order.append(key) }
      found[key, default: []].append(index)
    }
    return order.compactMap { found[$0] }
  }

  /// Trains runs that nobody has finished and nobody is training, several on one stream of batches.
  ///
  /// Runs that are left alone on a stream are left to the ordinary way.
  func trainTogether(_ work: inout Work) throws {
    for stream in streams where stream.count > 1 {
      var group = Group()
      defer { group.release() }
      for index in stream {
        work.endings[index] = try ending(of: index) {
          guard try members[index].folder.manifest() == nil else { return nil }
          let run = try open(index)
          let byteCount = TrainingBill(run.plan).trainingByteCount
          if !group.members.isEmpty, group.byteCount + byteCount > Sweep.memoryLimit {
            note("memory has room for \(group.members.count) runs at a time")
            try train(&group, &work)
          }
          guard case .claimed(let lease) = try run.claim(&work.watch) else { return nil }
          group.members.append((index, run, lease))
          group.byteCount += byteCount
          return nil
        }
      }
      try train(&group, &work)
    }
  }

  /// Trains a group and empties it; one run alone is given back.
  private func train(_ group: inout Group, _ work: inout Work) throws {
    let claimed = group.members
    defer {
      group.release()
      group = Group()
    }
    guard claimed.count > 1 else { return }
    if System.isInterrupted { throw interruption(finished: work.finishedCount) }
    note("\(claimed.count) runs read one stream:")
    for member in claimed {
      note("  run \(member.index + 1) of \(members.count): \(label(member.index))")
    }
    let total = claimed.reduce(0) { $0 + $1.run.plan.steps * $1.run.plan.batchRows }
    let progress = claimed[0].run.progress(total: total)
    var runs: [(index: Int, run: Run, training: Training)] = []
    for member in claimed {
      work.endings[member.index] = try ending(of: member.index) {
        try member.run.plan.requireLoss()
        let prepared = try work.rows.prepare(member.run.plan)
        runs.append(
          (
            member.index, member.run,
            try member.run.training(prepared, progress, keeping: member.lease)
          ))
        return nil
      }
    }
    let start = System.uptime
    let failures = try TrainingStream.run(runs.map(\.training))
    progress.finish()
    let seconds = System.uptime - start
    for (member, failure) in zip(runs, failures) {
      work.endings[member.index] = try ending(of: member.index) {
        if let failure { throw failure }
        try member.run.complete(member.training, seconds: seconds)
        let figures = try Evaluation.read(run: member.run.folder.path).figures
        return .finished(figures, didWork: true)
      }
      try writePage(comparison(work.endings))
    }
  }

  private func label(_ index: Int) -> String { members[index].combination.label }
}
