// Data-parallel loops over fixed blocks. The block size is a constant of the call, never of the
// machine, so that the number of threads cannot change a result. Slices are lent millions of times a
// second by other modules: unless they are inlined there, each costs a look at their type's metadata.

import Dispatch
import Foundation
import Synchronization

/// Memory that several threads write in disjoint slices.
///
/// Lent by its owner, which it cannot outlive; every slice is bounds-checked. Callers must not let
/// two slices that overlap exist at once.
@usableFromInline @safe
package struct Disjoint<Element: BitwiseCopyable>: ~Escapable, @unchecked Sendable {
  @usableFromInline let base: UnsafeMutablePointer<Element>?
  @usableFromInline package let count: Int

  @inlinable @_lifetime(borrow buffer)
  init(_ buffer: UnsafeMutableBufferPointer<Element>) {
    unsafe base = buffer.baseAddress
    count = buffer.count
  }

  /// Lends the elements of `range` for writing.
  @inlinable package func withSlice<Result>(
    _ range: Range<Int>, _ body: (inout MutableSpan<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside its memory")
    let start = unsafe base.map { unsafe $0 + range.lowerBound }
    var span = unsafe MutableSpan(
      _unsafeElements: UnsafeMutableBufferPointer(start: start, count: range.count))
    return try body(&span)
  }

  /// The elements of `range` for writing, for as long as the memory is lent.
  @inlinable @_lifetime(copy self)
  package func slice(_ range: Range<Int>) -> MutableSpan<Element> {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside its memory")
    let start = unsafe base.map { unsafe $0 + range.lowerBound }
    let span = unsafe MutableSpan(
      _unsafeElements: UnsafeMutableBufferPointer(start: start, count: range.count))
    return unsafe _overrideLifetime(span, copying: self)
  }

  /// Lends all elements for writing.
  @inlinable package func withAll<Result>(
    _ body: (inout MutableSpan<Element>) throws -> Result
  ) rethrows -> Result {
    try withSlice(0..<count, body)
  }

  /// Sets one element.
  @inlinable package func set(_ index: Int, _ value: Element) {
    withSlice(index..<index + 1) { $0[0] = value }
  }
}

extension MutableSpan where Element: BitwiseCopyable {
  /// Lends the memory to several threads that write disjoint slices of it.
  @_lifetime(self: copy self)
  @inlinable package mutating func withDisjoint<Result>(
    _ body: (borrowing Disjoint<Element>) throws -> Result
  ) rethrows -> Result {
    unsafe try withUnsafeMutableBufferPointer { unsafe try body(Disjoint($0)) }
  }

  /// Lends some of the elements for writing.
  @_lifetime(self: copy self)
  @inlinable package mutating func withSlice<Result>(
    _ range: Range<Int>, _ body: (inout MutableSpan<Element>) throws -> Result
  ) rethrows -> Result {
    try withDisjoint { try $0.withSlice(range, body) }
  }
}

private let threads = Atomic<Int>(Processors.available)

/// Data-parallel loops.
package enum Parallel {
  /// The number of threads that `forBlocks` may use; set once at the start of a program.
  package static var threadCount: Int {
    get { threads.load(ordering: .relaxed) }
    set { threads.store(max(1, newValue), ordering: .relaxed) }
  }

  /// Runs `body` for each block of `blockSize` consecutive indices below `count`, in any order.
  package static func forBlocks(
    _ count: Int, blockSize: Int, _ body: @Sendable (Range<Int>) -> Void
  ) {
    let blocks = (count + blockSize - 1) / blockSize
    forEach(blocks) { block in
      body(block * blockSize..<min(count, (block + 1) * blockSize))
    }
  }

  /// Runs `body` for each index below `count`, in any order, on at most `threadCount` threads.
  package static func forEach(_ count: Int, _ body: @Sendable (Int) -> Void) {
    forEach(count) { index, _ in body(index) }
  }

  /// As `forEach`, telling `body` which of the threads it runs on, for memory that each of at most
  /// `limit` threads has of its own.
  package static func forEach(
    _ count: Int, atMost limit: Int = .max, _ body: @Sendable (_ index: Int, _ thread: Int) -> Void
  ) {
    let workers = min(threadCount, limit, count)
    guard workers > 1 else {
      for index in 0..<count { body(index, 0) }
      return
    }
    let next = Counter()
    DispatchQueue.concurrentPerform(iterations: workers) { thread in
      while true {
        let index = next.take()
        if index >= count { return }
        body(index, thread)
      }
    }
  }

  /// The values of `body` for each index below `count`, in the order of the indices.
  package static func map<Value: Sendable>(
    _ count: Int, _ body: @Sendable (Int) -> Value
  ) -> [Value] {
    let values = Mutex<[Value?]>(Array(repeating: nil, count: count))
    forEach(count) { index in
      let value = body(index)
      values.withLock { $0[index] = value }
    }
    return values.withLock { $0.compactMap(\.self) }
  }

  /// Runs `body(0)` … `body(count - 1)` at the same time, each on a thread of its own, and waits.
  ///
  /// For work that waits or that itself runs the loops above, which share what threads are left.
  package static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let ended = DispatchSemaphore(value: 0)
    for index in 1..<max(1, count) {
      let thread = Thread {
        body(index)
        ended.signal()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    body(0)
    for _ in 1..<max(1, count) { ended.wait() }
  }
}
