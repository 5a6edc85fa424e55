import Shared
import Synchronization
import Testing

// One after the other: the number of threads belongs to the whole process.
@Suite(.serialized) struct ParallelTests {
  private func withThreads(_ count: Int, _ body: () -> Void) {
    let before = Parallel.threadCount
    Parallel.threadCount = count
    body()
    Parallel.threadCount = before
  }

  @Test("Every index is visited once", arguments: [1, 3])
  func everyIndex(_ threadCount: Int) {
    withThreads(threadCount) {
      for count in [0, 1, 2, 1_000] {
        let seen = Mutex<[Int]>([])
        Parallel.forEach(count) { index in seen.withLock { $0.append(index) } }
        #expect(seen.withLock { $0.sorted() } == Array(0..<count))
      }
    }
  }

  @Test("Blocks cover the range and depend on the block size alone", arguments: [1, 3])
  func blocks(_ threadCount: Int) {
    withThreads(threadCount) {
      let seen = Mutex<[Range<Int>]>([])
      Parallel.forBlocks(10, blockSize: 4) { range in seen.withLock { $0.append(range) } }
      let blocks = seen.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
      #expect(blocks == [0..<4, 4..<8, 8..<10])
      Parallel.forBlocks(0, blockSize: 4) { _ in Issue.record("a block of nothing") }
    }
  }

  @Test("Threads write disjoint slices of one array")
  func disjoint() {
    var values = [Int32](repeating: 0, count: 1_000)
    var span = values.mutableSpan
    withThreads(4) {
      span.withDisjoint { all in
        #expect(all.count == 1_000)
        Parallel.forBlocks(1_000, blockSize: 64) { range in
          all.withSlice(range) { slice in
            for index in 0..<slice.count { slice[index] = Int32(range.lowerBound + index) }
          }
        }
      }
    }
    #expect(values == (0..<1_000).map { Int32($0) })
  }

  @Test("A slice outside its memory ends the program")
  func outside() async {
    await #expect(processExitsWith: .failure) {
      var values = [Int32](repeating: 0, count: 10)
      var span = values.mutableSpan
      span.withDisjoint { all in all.withSlice(5..<11) { _ in } }
    }
  }
}
