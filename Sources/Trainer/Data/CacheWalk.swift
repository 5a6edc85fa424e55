// Rows in the order of the cache, for measuring. Comes in: shards, the filter of the run and a choice
// of sequences. Leaves: batches [rows, dIn] with their targets [rows, dOut] and where each row is from.

import Shared

/// Which token of which sequence a row belongs to.
package struct RowPosition: Sendable, Hashable {
  package let sequence: UInt32
  package let position: UInt32

  package init(sequence: UInt32, position: UInt32) {
    self.sequence = sequence
    self.position = position
  }
}

/// Where a cached row comes from.
package struct CachedRow: Sendable {
  package let place: RowPosition
  package let token: UInt32

  package init(place: RowPosition, token: UInt32) {
    self.place = place
    self.token = token
  }
}

/// The sequences that rows may come from.
package enum SequenceChoice: Sendable {
  case all
  case trained
  case heldOut
}

/// One walk over the rows that a run's filter lets pass.
struct CacheWalk: ~Copyable {
  private let places: PairedShards
  private let filter: RowFilter
  private let batchRows: Int
  private let batch: AlignedBuffer<Float>
  private let targets: AlignedBuffer<Float>
  private var rows: [CachedRow] = []
  private var seen: [String: UInt64] = [:]

  /// Prepares batches of up to `batchRows` rows.
  init(_ places: PairedShards, filter: RowFilter, batchRows: Int) {
    self.places = places
    self.filter = filter
    self.batchRows = batchRows
    batch = AlignedBuffer(count: batchRows * places.dIn)
    targets = AlignedBuffer(count: batchRows * places.dOut)
  }

  /// Lends batches of up to `limit` rows in all; without a transcoder the targets are the rows.
  ///
  /// Of the shard in which the limit lies, rows are those of the first sequences: its rows are shuffled, and
  /// what is read of a sequence should be all of it.
  mutating func forEachBatch(
    of sequences: SequenceChoice, limit: Int,
    _ body: (_ rows: [CachedRow], _ batch: Span<Float>, _ targets: Span<Float>) throws -> Void
  ) throws {
    var left = limit
    var (walked, found) = (0, 0)
    let pass = places.supply?.pass()
    defer { pass?.close() }
    for index in places.shards.indices where left > 0 {
      // Tokens and norms that are left out are known from what was walked.
      let share = found > 0 ? Double(found) / Double(walked) : filter.share(of: sequences)
      let end = places.end(of: left, from: index, share: share)
      try pass?.wait(
        for: index, window: [index], next: { (index + 1..<max(index + 1, end)).prefix($0) })
      let shard = try PairedShard(places, index, &seen)
      var candidates = try filter.candidates(of: shard.shard, sequences)
      walked += shard.shard.rows
      found += candidates.count
      guard !candidates.isEmpty else { continue }
      let origins = try Origins(shard.shard)
      if candidates.count > left { candidates = origins.first(left, of: candidates) }
      shard.expect(candidates.count)
      for row in candidates where left > 0 {
        guard try take(Int(row), of: shard, origins) else { continue }
        left -= 1
        guard rows.count == batchRows else { continue }
        try deliver(body)
        rows.removeAll(keepingCapacity: true)
      }
    }
    guard !rows.isEmpty else { return }
    try deliver(body)
    rows.removeAll(keepingCapacity: true)
  }

  /// Reads a row to the end of the batch; false where its norm is too large.
  private mutating func take(
    _ index: Int, of shard: PairedShard, _ origins: Origins
  ) throws -> Bool {
    let (dIn, dOut, place) = (places.dIn, places.dOut, rows.count)
    let origin = origins[index]
    let isSeen = try batch.disjoint.withSlice(place * dIn..<(place + 1) * dIn) { row in
      try targets.disjoint.withSlice(place * dOut..<(place + 1) * dOut) { target in
        try shard.read(index, into: &row, &target)
      }
      return filter.sees(
        row.span, token: origin.token, position: Int(origin.place.position))
    }
    if isSeen { rows.append(origin) }
    return isSeen
  }

  private func deliver(
    _ body: (_ rows: [CachedRow], _ batch: Span<Float>, _ targets: Span<Float>) throws -> Void
  ) throws {
    let inputs = batch.span.extracting(0..<rows.count * places.dIn)
    if places.isPaired {
      try body(rows, inputs, targets.span.extracting(0..<rows.count * places.dOut))
    } else {
      try body(rows, inputs, inputs)
    }
  }
}

/// Where the rows of a shard come from.
private struct Origins {
  private let tokens: [UInt32]
  private let sequences: [UInt32]
  private let positions: [UInt32]

  init(_ shard: ActivationReader) throws {
    tokens = try shard.tokens()
    sequences = try shard.sequences()
    positions = try shard.positions()
  }

  /// The rows of the first sequences, `limit` in all, in the order in which they lie.
  func first(_ limit: Int, of rows: [UInt32]) -> [UInt32] {
    rows.sorted { (sequences[Int($0)], $0) < (sequences[Int($1)], $1) }.prefix(limit).sorted()
  }

  subscript(row: Int) -> CachedRow {
    CachedRow(
      place: RowPosition(sequence: sequences[row], position: positions[row]), token: tokens[row])
  }
}
