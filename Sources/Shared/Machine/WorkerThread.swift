// Threads of their own for work that goes on beside other work. Comes in: the work. Leaves: a thread that does it,
// or an error where none can be started, which Foundation's threads keep to themselves; and a bell to wait for on
// a clock that only moves forward.

import Foundation

/// A thread that the system refused.
package struct ThreadError: Failure, Equatable {
  package let errno: Int32

  package init(errno: Int32) { self.errno = errno }

  package var sentence: String {
    "No thread can be started: \(unsafe String(cString: strerror(errno)))."
  }

  package var hint: String? {
    "Raise the limit on threads (ulimit -u, or that of the container or job) or on memory "
      + "(ulimit -v), or set fewer threads."
  }

  package var exitCode: ExitCode { .failed }
}

/// A running thread, which has to be joined or detached once.
package final class WorkerThread: Sendable {
  private let handle: pthread_t

  private init(_ handle: pthread_t) { self.handle = handle }

  /// How much of the processors a thread takes where others want them.
  package enum Share: Sendable {
    case equal
    /// What others leave.
    case rest
  }

  /// Starts a thread with a stack of eight mebibytes.
  package static func start(
    taking share: Share = .equal, _ body: @escaping @Sendable () -> Void
  ) throws(ThreadError) -> WorkerThread {
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    unsafe pthread_attr_init(attributes)
    defer {
      unsafe pthread_attr_destroy(attributes)
      unsafe attributes.deallocate()
    }
    unsafe pthread_attr_setstacksize(attributes, 8 << 20)
    let work = unsafe Unmanaged.passRetained(Work(share, body))
    var handle = pthread_t()
    let code = unsafe pthread_create(
      &handle, attributes,
      { argument in
        if let argument = unsafe argument {
          unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
        }
        return nil
      }, work.toOpaque())
    guard code == 0 else {
      unsafe work.release()
      throw ThreadError(errno: code)
    }
    return WorkerThread(handle)
  }

  /// Lets the thread end by itself; in place of joining it.
  package func detach() { _ = pthread_detach(handle) }

  /// Waits for the end of the thread.
  package func join() { _ = pthread_join(handle, nil) }

  private final class Work: Sendable {
    private let share: Share
    private let body: @Sendable () -> Void

    init(_ share: Share, _ body: @escaping @Sendable () -> Void) {
      (self.share, self.body) = (share, body)
    }

    func run() {
      // Linux keeps a niceness for each thread, that of the caller by number 0; more of it is always allowed.
      if share == .rest { _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 19) }
      body()
    }
  }
}

/// What one thread rings once and another waits for; setting the clock neither lengthens nor shortens that.
@safe package final class Bell: @unchecked Sendable {
  // Both are used under the lock that they make up.
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isRung = false

  package init() {
    let attributes = UnsafeMutablePointer<pthread_condattr_t>.allocate(capacity: 1)
    unsafe pthread_condattr_init(attributes)
    unsafe pthread_condattr_setclock(attributes, CLOCK_MONOTONIC)
    unsafe pthread_mutex_init(lock, nil)
    unsafe pthread_cond_init(change, attributes)
    unsafe pthread_condattr_destroy(attributes)
    unsafe attributes.deallocate()
  }

  deinit {
    unsafe pthread_cond_destroy(change)
    unsafe pthread_mutex_destroy(lock)
    unsafe change.deallocate()
    unsafe lock.deallocate()
  }

  /// Lets all waits end, those to come too.
  package func ring() {
    unsafe pthread_mutex_lock(lock)
    isRung = true
    unsafe pthread_cond_broadcast(change)
    unsafe pthread_mutex_unlock(lock)
  }

  /// Waits until it rings, but no longer than so many seconds.
  ///
  /// - Returns: whether it rang.
  package func wait(seconds: Double) -> Bool {
    let end = System.uptime + max(0, min(seconds, 1e9))
    var time = timespec(
      tv_sec: Int(end), tv_nsec: Int((end - end.rounded(.down)) * 1e9))
    unsafe pthread_mutex_lock(lock)
    defer { unsafe pthread_mutex_unlock(lock) }
    while !isRung {
      if unsafe pthread_cond_timedwait(change, lock, &time) == ETIMEDOUT { return isRung }
    }
    return true
  }
}
