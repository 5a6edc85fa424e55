// Numbers dealt out to threads: which unit is next. Comes in: nothing. Leaves: each number once.

import Synchronization

/// Hands out 0, 1, 2 … to any number of threads.
package final class Counter: Sendable {
  private let next = Atomic<Int>(0)

  package init() {}

  package func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
}
