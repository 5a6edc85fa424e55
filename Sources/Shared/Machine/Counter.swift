// Numbers dealt out to threads: which unit is next, or how much was done before. Leaves: each number once.

import Synchronization

/// Hands out 0, 1, 2 … to any number of threads, or as many of them at once as are asked for.
package final class Counter: Sendable {
  private let next = Atomic<Int>(0)

  package init() {}

  package func take(_ count: Int = 1) -> Int {
    next.wrappingAdd(count, ordering: .relaxed).oldValue
  }
}
