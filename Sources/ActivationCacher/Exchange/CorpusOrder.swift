// The rows of an activation shard put back into the order of the corpus. Comes in: a shard, permuted.
// Leaves: its rows by sequence and position, once every sequence is proven to have as many.

package import Shared

/// Where the rows of a shard belong.
package struct CorpusOrder: Sendable, Equatable {
  /// The shard's rows, sequence by sequence.
  package let rows: [UInt32]
  /// Rows of each sequence.
  package let sequenceLength: Int

  package var sequenceCount: Int { sequenceLength > 0 ? rows.count / sequenceLength : 0 }

  /// Sorts a shard's rows; `expected` is what sequences of earlier shards had.
  package init(
    _ shard: borrowing ActivationShard, sequenceLength expected: Int?
  ) throws(ExchangeError) {
    let (sequences, positions) = (shard.sequences(), shard.positions())
    let keys = zip(sequences, positions).map { UInt64($0) << 32 | UInt64($1) }
    let rows = keys.indices.map { UInt32($0) }.sorted { keys[Int($0)] < keys[Int($1)] }
    var length = expected
    var start = 0
    for place in rows.indices {
      let row = Int(rows[place])
      let next = place + 1 < rows.count ? Int(rows[place + 1]) : nil
      if let next, keys[next] == keys[row] {
        throw .repeatedRow(
          path: shard.path, sequence: Int(sequences[row]), position: Int(positions[row]))
      }
      if let next, sequences[next] == sequences[row] { continue }
      let count = place + 1 - start
      guard length == nil || length == count else {
        throw .unequalLengths(
          path: shard.path, sequence: Int(sequences[row]), count: count, expected: length ?? 0)
      }
      length = count
      start = place + 1
    }
    self.rows = rows
    sequenceLength = length ?? 0
  }
}
