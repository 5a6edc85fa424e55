// How many threads can work on products where the address space is limited (ulimit -v, as batch systems set it).
// Comes in: the limit, and what the process has taken of it. Leaves: a number of threads, or a sentence: OpenBLAS
// itself asks for the same memory again and again, for ever.

/// A limit on address space that leaves no room for one thread.
package struct AddressSpaceError: Failure, Equatable {
  package let needed: Int
  package let limit: Int

  package init(needed: Int, limit: Int) {
    self.needed = needed
    self.limit = limit
  }

  package var sentence: String {
    "The address space is limited to \(limit >> 20) MiB (ulimit -v); at least \(needed >> 20) MiB "
      + "are needed."
  }

  package var hint: String? {
    "Raise the limit: each thread takes about \(ProductMemory.threadByteCount >> 20) MiB of it."
  }
}

package enum ProductMemory {
  /// Of a thread: OpenBLAS's 128 MiB, a heap and a stack.
  package static let threadByteCount = 200 << 20
  /// What a stage takes besides, at least.
  private static let stageByteCount = 256 << 20

  /// Threads of at most `wanted` that have room below a limit of which `used` bytes are taken.
  package static func threads(
    atMost wanted: Int, limit: Int, used: Int
  ) throws(AddressSpaceError) -> Int {
    let fitting = (limit - used - stageByteCount) / threadByteCount
    guard fitting >= 1, limit > used + stageByteCount else {
      throw AddressSpaceError(needed: used + stageByteCount + threadByteCount, limit: limit)
    }
    return min(wanted, fitting)
  }

  /// Lowers the number of threads to those that have room, and takes the memory that their products need.
  ///
  /// To be called at the start of a program that multiplies; does nothing where no limit is set.
  package static func reserve() throws(AddressSpaceError) {
    guard let limit = System.addressSpaceLimit else { return }
    Parallel.threadCount = try threads(
      atMost: Parallel.threadCount, limit: limit, used: System.addressSpaceByteCount)
    Multiply.takeMemory(threads: Parallel.threadCount)
  }
}
