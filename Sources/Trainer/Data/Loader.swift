// Batches for training. Comes in: the shards of an activations stage, in a transcoder of a second one
// with the same rows, and a step to start at. Leaves: for every step a batch [batchRows, dIn] of
// transformed Float rows, and targets [batchRows, dOut], in the order of RowOrder.
//
// A thread of its own gathers the next batch while a step works on the present one.

import Dispatch
import Shared
import Synchronization

/// An open shard and the rows of it that are trained on.
private final class OpenShard {
  private let shard: PairedShard
  /// The trainable rows; nil where that is every row.
  private let trainable: [UInt32]?

  init(_ plan: LoaderPlan, _ index: Int, _ seen: inout [String: UInt64]) throws {
    shard = try PairedShard(plan.places, index, &seen)
    trainable = plan.filter.isEmpty ? nil : try plan.filter.rows(of: shard.shard)
    let expected = trainable?.count ?? shard.shard.rows
    // The order counts on as many rows as there were when the run began.
    guard expected == plan.order.sizes[index] else {
      throw RowError.replaced(path: shard.shard.path)
    }
    shard.expect(expected)
  }

  /// Reads trainable row `index` as Float, and its target.
  func read(
    _ index: Int, into row: inout MutableSpan<Float>, _ target: inout MutableSpan<Float>
  ) throws {
    try shard.read(trainable.map { Int($0[index]) } ?? index, into: &row, &target)
  }
}

/// What is read, in which order.
package struct LoaderPlan: Sendable {
  package let places: PairedShards
  package let order: RowOrder
  package let filter: RowFilter
  package let normalization: Normalization

  package init(
    _ places: PairedShards, order: RowOrder, filter: RowFilter,
    normalization: Normalization = .identity
  ) {
    self.places = places
    self.order = order
    self.filter = filter
    self.normalization = normalization
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
    var targets: AlignedBuffer<Float>
    var failure: (any Error)?
    // Both start at zero: a semaphore must not end below the value it was made with.
    let free = DispatchSemaphore(value: 0)
    let filled = DispatchSemaphore(value: 0)

    init(count: Int, targetCount: Int) {
      batch = AlignedBuffer(count: count)
      targets = AlignedBuffer(count: targetCount)
      free.signal()
    }
  }

  private let plan: LoaderPlan
  private let batchRows: Int
  private let slots: [Slot]
  private var scratch: AlignedBuffer<Float>
  private var cursor: RowCursor
  private var open: [OpenShard?]
  /// The inode of every file that was opened.
  private var seen: [String: UInt64] = [:]
  private var nextSlot = 0
  /// The row of the stream at which nothing more is needed.
  private let end: Int
  private let pass: ShardPass?
  private let isStopped = Atomic<Bool>(false)
  private let waited = Atomic<Int>(0)

  /// Prepares the stream; nothing is read before `run`.
  ///
  /// `end` rows of the stream are needed, from its beginning on; no batch begins after them.
  package init(_ plan: LoaderPlan, batchRows: Int, firstStep: Int, rows end: Int = .max) {
    self.plan = plan
    self.end = end
    pass = plan.places.supply?.pass()
    self.batchRows = batchRows
    slots = (0..<2).map { _ in
      Slot(count: batchRows * plan.places.dIn, targetCount: batchRows * plan.places.dOut)
    }
    scratch = AlignedBuffer(
      count: plan.normalization.whitening == nil ? 0 : batchRows * plan.places.dIn)
    cursor = RowCursor(order: plan.order, position: firstStep * batchRows)
    open = plan.places.shards.map { _ in nil }
  }

  /// Seconds that the training loop waited for batches.
  package var secondsWaited: Double { Double(waited.load(ordering: .relaxed)) / 1e9 }

  /// Runs `body` with a started loader, and ends its thread afterwards.
  package func run<Result>(_ body: () throws -> Result) throws -> Result {
    let thread = try WorkerThread.start { self.gatherForever() }
    defer { stop(thread) }
    return try body()
  }

  /// Lends the batch of the next step `[batchRows, dIn]`, and its targets `[batchRows, dOut]`.
  package func withNextBatch<Result>(
    _ body: (Span<Float>, Span<Float>) throws -> Result
  ) throws -> Result {
    let slot = slots[nextSlot]
    nextSlot = 1 - nextSlot
    let start = System.uptime
    slot.filled.wait()
    waited.wrappingAdd(Int((System.uptime - start) * 1e9), ordering: .relaxed)
    if let failure = slot.failure { throw failure }
    defer { slot.free.signal() }
    return try body(slot.batch.span, slot.targets.span)
  }

  /// Lends the first `count` rows from here on, batch by batch, the last one cut short.
  func forEachBatch(
    rows count: Int, _ body: (_ rows: Span<Float>, _ targets: Span<Float>) throws -> Void
  ) throws {
    try run {
      for start in stride(from: 0, to: count, by: batchRows) {
        let rows = min(batchRows, count - start)
        try withNextBatch { batch, targets in
          try body(
            batch.extracting(0..<rows * plan.places.dIn),
            targets.extracting(0..<rows * plan.places.dOut))
        }
      }
    }
  }

  private func stop(_ thread: WorkerThread) {
    isStopped.store(true, ordering: .releasing)
    for slot in slots { slot.free.signal() }
    thread.join()
    pass?.close()
  }

  private func gatherForever() {
    var turn = 0
    while true {
      let slot = slots[turn]
      turn = 1 - turn
      slot.free.wait()
      if isStopped.load(ordering: .acquiring) || cursor.position >= end { return }
      do { try gather(into: &slot.batch, &slot.targets, scratch: &scratch) } catch {
        slot.failure = error
      }
      slot.filled.signal()
      if slot.failure != nil { return }
    }
  }

  private func gather(
    into batch: inout AlignedBuffer<Float>, _ targetBatch: inout AlignedBuffer<Float>,
    scratch: inout AlignedBuffer<Float>
  ) throws {
    let (dIn, dOut) = (plan.places.dIn, plan.places.dOut)
    let (batchMemory, targetMemory) = (batch.disjoint, targetBatch.disjoint)
    for row in 0..<batchRows {
      let place = cursor.next()
      let shard = try shard(place.shard)
      try batchMemory.withSlice(row * dIn..<(row + 1) * dIn) { value in
        try targetMemory.withSlice(row * dOut..<(row + 1) * dOut) { target in
          try shard.read(place.index, into: &value, &target)
        }
      }
    }
    scratch.disjoint.withAll { scratch in
      batchMemory.withAll { plan.normalization.apply(to: &$0, scratch: &scratch) }
      guard dOut > 0 else { return }
      targetMemory.withAll { plan.normalization.apply(to: &$0, scratch: &scratch) }
    }
  }

  /// A shard, open; those that the order has done with are closed on the way.
  private func shard(_ index: Int) throws -> OpenShard {
    if let shard = open[index] { return shard }
    let needed = cursor.openShards
    for other in open.indices where !needed.contains(other) { open[other] = nil }
    try pass?.wait(
      for: index, window: needed, next: { cursor.upcoming($0, before: end) },
      isStopped: { isStopped.load(ordering: .acquiring) })
    let shard = try OpenShard(plan, index, &seen)
    open[index] = shard
    return shard
  }
}
