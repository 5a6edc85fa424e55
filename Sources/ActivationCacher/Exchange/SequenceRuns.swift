// The sequences of an activation stage, cut anew into equal runs. Comes in: the stage's shards in their order. Leaves:
// one Arrow stream a run, the same bytes whenever it is asked for.

import Shared

/// Runs of sequences; without a wanted count, a run for each shard.
struct SequenceRuns {
  let count: Int
  let sequenceCount: Int
  private let folder: String
  private let stream: ArrowMatrixStream
  private let files: [String]
  /// The first sequence of each file, and the end of the last.
  private let firsts: [Int]
  private let isCutAnew: Bool

  init(_ folder: String, _ manifest: Manifest, _ stream: ArrowMatrixStream, count: Int?) {
    self.folder = folder
    self.stream = stream
    let shards = manifest.shards.filter { $0.rows > 0 }
    files = shards.map(\.file)
    let firsts = shards.reduce(into: [0]) { firsts, shard in
      firsts.append((firsts.last ?? 0) + shard.rows / stream.rows)
    }
    let total = firsts.last ?? 0
    self.firsts = firsts
    sequenceCount = total
    isCutAnew = count != nil
    self.count = count.map { max(1, min($0, total)) } ?? shards.count
  }

  func sequences(_ index: Int) -> Range<Int> {
    guard isCutAnew else { return firsts[index]..<firsts[index + 1] }
    func start(_ index: Int) -> Int {
      index * (sequenceCount / count) + min(index, sequenceCount % count)
    }
    return start(index)..<start(index + 1)
  }

  /// Writes the run `index` to `path`.
  func write(_ index: Int, to path: String) throws {
    let wanted = sequences(index)
    var file = try AtomicFile.create(path)
    try stream.writeSchema(to: &file)
    for number in files.indices {
      let part = wanted.clamped(to: firsts[number]..<firsts[number + 1])
      if part.isEmpty { continue }
      let shard = try ActivationShard.open(folder + "/" + files[number])
      let order = try CorpusOrder(shard, sequenceLength: stream.rows)
      let first = firsts[number]
      try Exporting.append(
        shard, order, part.lowerBound - first..<part.upperBound - first, stream, to: &file
      ) { _ in }
    }
    try stream.writeEnd(to: &file)
    try file.publishReplacing()
  }
}
