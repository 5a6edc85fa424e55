// The calls of libc that are about the process and the machine: clocks, processors, memory, terminals,
// signals and the end.

import Foundation
import Synchronization

extension System {
  package static var processIdentifier: Int32 { getpid() }

  package static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    _ = unsafe gethostname(&buffer, buffer.count - 1)
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The name of a user of this machine, or the number where it has none; to be asked by one thread at a time.
  package static func userName(_ user: UInt32) -> String {
    guard let entry = unsafe getpwuid(user), let name = unsafe entry.pointee.pw_name else {
      return String(user)
    }
    return unsafe String(cString: name)
  }

  /// The user whose rights this process has.
  package static var user: UInt32 { geteuid() }

  /// Tells whether a process of this host still runs.
  package static func isRunning(_ process: Int32) -> Bool {
    kill(process, 0) == 0 || errno == EPERM
  }

  /// Seconds since 1970; for leases and logs, never for results.
  package static var now: Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Seconds on a clock that only moves forward.
  package static var uptime: Double {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// The processors of the machine that are switched on.
  package static var processorCount: Int {
    max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }

  /// Bytes of the machine's memory; the largest number where it does not say.
  package static var memoryByteCount: Int {
    let (pages, pageSize) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
    return pages > 0 && pageSize > 0 ? pages * pageSize : .max
  }

  /// The limit on the bytes of this process's address space; nil where none is set.
  package static var addressSpaceLimit: Int? {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
      limit.rlim_cur < rlim_t(Int.max)
    else {
      return nil
    }
    return Int(limit.rlim_cur)
  }

  /// What this process has taken of its address space, in bytes; 0 where the system does not say.
  package static var addressSpaceByteCount: Int {
    guard let descriptor = try? openForReading("/proc/self/statm") else { return 0 }
    defer { close(descriptor) }
    let bytes = try? read(descriptor, byteCount: 256, offset: 0, path: "/proc/self/statm")
    let pages = String(decoding: bytes ?? [], as: UTF8.self).split(separator: " ").first
    return (pages.flatMap { Int($0) } ?? 0) * max(0, sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Begins the program anew where its address space is limited and libraries have not been told to start no threads.
  ///
  /// OpenBLAS starts its own while it is loaded, and they take memory, or ask for it for ever.
  package static func restartWithoutLibraryThreads() {
    let name = "OPENBLAS_NUM_THREADS"
    guard addressSpaceLimit != nil, unsafe getenv(name).map({ unsafe String(cString: $0) }) != "1"
    else { return }
    unsafe setenv(name, "1", 1)
    _ = unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
  }

  package static func sleep(seconds: Double) {
    _ = usleep(UInt32(max(0, min(seconds, 1_000)) * 1e6))
  }

  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// The width of the terminal behind `descriptor` in columns; 80 where there is none.
  package static func terminalColumns(_ descriptor: Int32) -> Int {
    // struct winsize: rows, columns, and both in pixels. Which module declares it depends on the order in
    // which modules are loaded.
    var size = SIMD4<UInt16>()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.y > 0 else { return 80 }
    return Int(size.y)
  }

  /// Signals that ask a program to stop: of a terminal, of one that is closed, of systems that end jobs, and
  /// the one that batch systems send ahead of their limits.
  private static let stopSignals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1]

  /// Lets signals that ask to stop set a flag instead of ending the process, and gives words to a file
  /// that vanishes under a mapping.
  ///
  /// A second SIGINT ends the process at once. They are unblocked, since a process inherits the signal mask of
  /// the thread that started it. A SIGHUP that is ignored, as nohup has it, stays ignored.
  package static func catchInterrupts() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in stopSignals {
      let before = signal(number) { number in
        let isSecond = interruptFlag.exchange(true, ordering: .relaxed)
        // One key press may come twice, from the terminal and from what started the program.
        let now = Int(System.uptime * 1e3)
        let first = interruptTime.exchange(now, ordering: .relaxed)
        if number == SIGINT, isSecond, now - first > 200 { _exit(ExitCode.interrupted.rawValue) }
      }
      if number == SIGHUP, isIgnored(before) { signal(number, SIG_IGN) }
      unsafe sigaddset(&signals, number)
    }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    // A file beyond the limit of its size is an error like a full disk, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    // A page of a mapping that its file no longer has. Nothing can be allocated or cleared up here;
    // what is written meanwhile are temporary files.
    signal(SIGBUS) { _ in
      let text: StaticString = """
        error: A file was cut short while it was read, or its disk failed.
        hint: Run the same command again; it names the file. What is finished is kept.

        """
      _ = unsafe Foundation.write(2, text.utf8Start, text.utf8CodeUnitCount)
      _exit(ExitCode.failed.rawValue)
    }
  }

  private static func isIgnored(_ handler: sighandler_t?) -> Bool {
    unsafe unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Whether a signal that asks to stop has arrived since `catchInterrupts`.
  package static var isInterrupted: Bool { interruptFlag.load(ordering: .relaxed) }

  /// Opens what is closed of the three standard streams to nowhere.
  ///
  /// Else the next file that is opened would be stderr, and get what is meant for people.
  package static func openStandardStreams() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest number that is free is the one that is given.
      _ = unsafe open("/dev/null", O_RDWR)
    }
  }

  package static func endProcess(_ code: ExitCode) -> Never { exit(code.rawValue) }
}
