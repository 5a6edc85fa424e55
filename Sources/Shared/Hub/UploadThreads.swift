// Work on several files at once. Comes in: a count and what to do for each. Leaves: nothing, or the first error.

import Synchronization

enum UploadThreads {
  /// Files or parts that are on their way at the same time, as in huggingface_hub.
  static let count = 5

  /// Calls `body` for each number below `count` on several threads; the first error ends the others' work.
  static func each(
    _ count: Int, stop: StopFlag, _ body: @escaping @Sendable (Int) throws -> Void
  ) throws {
    let (next, failure) = (Counter(), FirstFailure())
    Parallel.onThreads(min(UploadThreads.count, count)) { _ in
      while !stop.isSet {
        let index = next.take()
        guard index < count else { return }
        do { try body(index) } catch {
          failure.note(error)
          stop.set()
        }
      }
    }
    if let error = failure.error { throw error }
    if stop.isSet { throw HTTPProblem.stopped }
  }
}

/// What several threads find out, each about its own numbers.
final class Results<Value: Sendable>: Sendable {
  private let found: Mutex<[Value?]>

  init(_ count: Int) { found = Mutex([Value?](repeating: nil, count: count)) }

  var values: [Value?] { found.withLock { $0 } }

  func set(_ index: Int, _ value: Value?) { found.withLock { $0[index] = value } }
}
