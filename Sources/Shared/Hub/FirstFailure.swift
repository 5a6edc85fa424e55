// What went wrong first, where several threads work on one thing.

import Synchronization

/// Keeps the first error that a thread reports.
final class FirstFailure: Sendable {
  private let first = Mutex<(any Error)?>(nil)

  var error: (any Error)? { first.withLock { $0 } }

  func note(_ error: any Error) {
    first.withLock { if $0 == nil { $0 = error } }
  }
}
