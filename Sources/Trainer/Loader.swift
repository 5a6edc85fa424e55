// Batches for training. Comes in: the shards of an activations stage and a step to start at.
// Leaves: for every step a batch [batchRows, dIn] of scaled Float rows, in the order of RowOrder.
//
// A thread of its own gathers the next batch while a step works on the present one.

import Foundation
import Shared
import Synchronization

/// A mapped shard and the rows of it that are trained on.
private final class OpenShard {
  let shard: ActivationShard
  /// The trainable rows; nil where that is every row.
  let trainable: [UInt32]?

  init(_ file: CachedShard, heldOut: HeldOut) throws {
    shard = try ActivationShard.open(file.path)
    trainable = heldOut.isEmpty ? nil : shard.rows(outside: heldOut)
  }

  /// Reads trainable row `index` as Float.
  func read(_ index: Int, into row: inout MutableSpan<Float>) {
    let place = trainable.map { Int($0[index]) } ?? index
    shard.readRows(place..<place + 1, into: &row)
  }
}

extension ActivationShard {
  /// The rows whose sequence is not held out.
  borrowing func rows(outside heldOut: HeldOut) -> [UInt32] {
    let sequences = sequences()
    return (0..<UInt32(rows)).filter { !heldOut.contains(sequence: sequences[Int($0)]) }
  }
}

/// Gathers batches ahead of the training loop.
///
/// The two slots are handed to and fro by the semaphores: a slot belongs to the gathering thread
/// between `free` and `filled`, and to the loop between `filled` and `free`; the cursor and the
/// open shards belong to the gathering thread alone. That is what makes sharing them safe.
package final class Loader: @unchecked Sendable {
  private final class Slot {
    var batch: AlignedBuffer<Float>
    var failure: (any Error)?
    // Both start at zero: a semaphore must not end below the value it was made with.
    let free = DispatchSemaphore(value: 0)
    let filled = DispatchSemaphore(value: 0)

    init(count: Int) {
      batch = AlignedBuffer(count: count)
      free.signal()
    }
  }

  private let shards: [CachedShard]
  private let dIn: Int
  private let batchRows: Int
  private let heldOut: HeldOut
  private let scale: Float
  private let slots: [Slot]
  private var cursor: RowCursor
  private var open: [OpenShard?]
  private var nextSlot = 0
  private let isStopped = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)

  /// Prepares the stream; nothing is read before `start`.
  package init(
    shards: [CachedShard], dIn: Int, order: RowOrder, heldOut: HeldOut, batchRows: Int,
    scale: Float, firstStep: Int
  ) {
    self.shards = shards
    self.dIn = dIn
    self.batchRows = batchRows
    self.heldOut = heldOut
    self.scale = scale
    slots = [Slot(count: batchRows * dIn), Slot(count: batchRows * dIn)]
    cursor = RowCursor(order: order, position: firstStep * batchRows)
    open = shards.map { _ in nil }
  }

  /// Runs `body` with a started loader, and ends its thread afterwards.
  package func run<Result>(_ body: () throws -> Result) throws -> Result {
    let thread = Thread { self.gatherForever() }
    thread.name = "loader"
    thread.start()
    defer { stop() }
    return try body()
  }

  /// Lends the batch of the next step, `[batchRows, dIn]`.
  package func withNextBatch<Result>(_ body: (Span<Float>) throws -> Result) throws -> Result {
    let slot = slots[nextSlot]
    nextSlot = 1 - nextSlot
    slot.filled.wait()
    if let failure = slot.failure { throw failure }
    defer { slot.free.signal() }
    return try body(slot.batch.span)
  }

  private func stop() {
    isStopped.store(true, ordering: .releasing)
    for slot in slots { slot.free.signal() }
    ended.wait()
  }

  private func gatherForever() {
    defer { ended.signal() }
    var turn = 0
    while true {
      let slot = slots[turn]
      turn = 1 - turn
      slot.free.wait()
      if isStopped.load(ordering: .acquiring) { return }
      do { try gather(into: &slot.batch) } catch { slot.failure = error }
      slot.filled.signal()
      if slot.failure != nil { return }
    }
  }

  private func gather(into batch: inout AlignedBuffer<Float>) throws {
    var values = batch.mutableSpan
    try values.withDisjoint { memory in
      for row in 0..<batchRows {
        let place = cursor.next()
        let shard = try shard(place.shard)
        memory.withSlice(row * dIn..<(row + 1) * dIn) { shard.read(place.index, into: &$0) }
      }
    }
    guard scale != 1 else { return }
    for index in values.indices { values[index] *= scale }
  }

  /// The mapping of a shard; those that the order has done with are closed on the way.
  private func shard(_ index: Int) throws -> OpenShard {
    if let shard = open[index] { return shard }
    let needed = cursor.openShards
    for other in open.indices where !needed.contains(other) { open[other] = nil }
    let shard = try OpenShard(shards[index], heldOut: heldOut)
    open[index] = shard
    return shard
  }
}
