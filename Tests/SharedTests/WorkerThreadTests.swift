import Foundation
import Shared
import Support
import Synchronization
import Testing

@Suite("Threads and bells")
struct WorkerThreadTests {
  @Test("A thread does its work and can be waited for")
  func join() throws {
    let done = Mutex(false)
    try WorkerThread.start { done.withLock { $0 = true } }.join()
    #expect(done.withLock { $0 })
  }

  @Test("A bell ends waits when it rings, also those that come later, and else after their time")
  func bell() throws {
    let bell = Bell()
    let start = System.uptime
    #expect(!bell.wait(seconds: 0.05))
    #expect(System.uptime - start >= 0.05)
    #expect(!bell.wait(seconds: 0))
    let ringer = try WorkerThread.start {
      System.sleep(seconds: 0.02)
      bell.ring()
    }
    #expect(bell.wait(seconds: 60))
    #expect(bell.wait(seconds: 60))
    ringer.join()
    #expect(System.uptime - start < 30)
  }

  @Test(
    "Where the system lets no thread start, there is a sentence and the work is done all the same")
  func noThreads() async {
    await #expect(processExitsWith: .exitCode(7)) {
      // The limit on address space leaves no room for a stack but those that were used before.
      let address = __rlimit_resource_t(RLIMIT_AS.rawValue)
      var limit = rlimit()
      unsafe getrlimit(address, &limit)
      limit.rlim_cur = rlim_t(System.addressSpaceByteCount + (4 << 20))
      guard unsafe setrlimit(address, &limit) == 0 else { exit(1) }
      let end = Bell()
      var threads: [WorkerThread] = []
      var failure: ThreadError?
      while failure == nil, threads.count < 100 {
        do {
          threads.append(try WorkerThread.start { while !end.wait(seconds: 60) {} })
        } catch let error as ThreadError { failure = error }
      }
      guard
        failure?.sentence == "No thread can be started: Resource temporarily unavailable."
      else { exit(2) }
      let sum = Mutex(0)
      Parallel.onThreads(4) { index in sum.withLock { $0 += index } }
      guard sum.withLock({ $0 }) == 6 else { exit(4) }
      Parallel.threadCount = 8
      Parallel.fitToSystem()
      guard Parallel.threadCount == 1 else { exit(5) }
      exit(7)
    }
  }

  @Test("What a thread that cannot be started says")
  func words() {
    let error = ThreadError(errno: EAGAIN)
    #expect(error.sentence == "No thread can be started: Resource temporarily unavailable.")
    #expect(
      error.hint
        == "Raise the limit on threads (ulimit -u, or that of the container or job) or on memory "
        + "(ulimit -v), or set fewer threads.")
    #expect(error.exitCode == .failed)
  }
}
