// Leases on work units. Comes in: the path of a lease. Leaves: the knowledge that somebody works on
// that unit, renewed while they live. Leases save work; correctness never depends on them.
//
// A lease is a file made by exclusive create that only ever grows: each line is a JSON record with a
// later deadline. Watchers never compare their clock with the owner's: a lease is abandoned when it
// has not grown for its own duration, or at once where its owner was a process of this machine that
// is gone.

import Synchronization

/// A lease that another process took over while this one stood still.
package struct LostLease: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String {
    "Another process has taken over the work in \(folder(of: path)): this one stood still for "
      + "longer than its lease."
  }

  package var hint: String? {
    "Nothing was written since; run the same command again to wait for the other process."
  }

  package var exitCode: ExitCode { .failed }
}

/// A claim on one work unit, renewed by a thread of its own until it is released.
package final class Lease: Sendable {
  package static let suffix = ".lease"
  /// The time without a sign of life after which a lease is taken over.
  package static let defaultSeconds = 60.0
  /// Renewals within that time.
  private static let renewals = 6.0
  private static let numbers = Counter()

  package let path: String
  private let owner: String
  private let stop = Bell()
  private let renewal = Mutex<WorkerThread?>(nil)

  private init(path: String) {
    self.path = path
    owner = "\(ProcessIdentity.token)-\(Lease.numbers.take())"
  }

  /// Claims a unit; nil where somebody else has it.
  ///
  /// The file gets its name once it says whose it is: a process that is killed leaves no empty lease.
  package static func claim(_ path: String, seconds: Double = defaultSeconds) throws -> Lease? {
    let temporary = TemporaryName.sibling(of: path)
    try System.remove(temporary)
    let descriptor = try System.createExclusively(temporary)
    let lease = Lease(path: path)
    do {
      defer { try? System.remove(temporary) }
      try lease.write(seconds, to: descriptor)
      guard try System.nameUnlessTaken(temporary, as: path) else {
        System.close(descriptor)
        return nil
      }
    } catch {
      System.close(descriptor)
      // Who finds the work finished may have cleared it away.
      if error.isNotFound, System.isDirectory(folder(of: path)) { return nil }
      throw error
    }
    do { try lease.renew(descriptor, every: seconds / renewals, seconds: seconds) } catch {
      System.close(descriptor)
      try? System.remove(path)
      throw error
    }
    return lease
  }

  private func write(_ seconds: Double, to descriptor: Int32) throws(SystemError) {
    let record = LeaseRecord(
      owner: owner, machine: ProcessIdentity.machine, process: System.processIdentifier,
      seconds: seconds)
    let line = Array(record.line.utf8)
    try System.write(line.span.raw, to: descriptor, path: path)
  }

  /// Starts the thread that owns the descriptor from here on.
  ///
  /// It writes to the file that was created, under whatever name: a lease that was taken away is
  /// not brought back by its late owner.
  private func renew(
    _ descriptor: Int32, every interval: Double, seconds: Double
  ) throws(ThreadError) {
    let thread = try WorkerThread.start { [self] in
      while !stop.wait(seconds: interval) {
        // A renewal that fails costs at most the work, which another will do.
        try? write(seconds, to: descriptor)
        try? System.synchronize(descriptor, path: path)
      }
      System.close(descriptor)
    }
    renewal.withLock { $0 = thread }
  }

  /// Refuses to go on where another process has the unit by now.
  ///
  /// To be called before anything is written that two who work on the same unit would mix.
  package func requireHeld() throws {
    guard try isHeld() else { throw LostLease(path: path) }
  }

  private func isHeld() throws(SystemError) -> Bool {
    let head: [UInt8]
    do {
      let descriptor = try System.openForReading(path)
      defer { System.close(descriptor) }
      head = try System.read(descriptor, byteCount: LeaseRecord.byteLimit, offset: 0, path: path)
    } catch {
      if error.isNotFound { return false }
      throw error
    }
    return LeaseRecord(firstOf: head)?.owner == owner
  }

  /// Ends the claim; to be called once.
  package func release() {
    stop.ring()
    renewal.withLock { $0.take() }?.join()
    // Whoever took the lease over owns the file of that name now.
    if (try? isHeld()) == true { try? System.remove(path) }
  }
}

extension Lease {
  /// Seconds between two looks at a lease that another process holds.
  private static let pollSeconds = 0.2

  /// Runs `body` while no other process runs what the same lease guards; `waiting` is what is said to one who stops
  /// the program meanwhile.
  package static func holding<Result>(
    _ path: String, waiting: String, _ body: () throws -> Result
  ) throws -> Result {
    var watch = LeaseWatch()
    while true {
      if try watch.look(at: path) == .free, let lease = try claim(path) {
        defer { lease.release() }
        return try body()
      }
      if System.isInterrupted { throw Interrupted(waiting, hint: nil) }
      System.sleep(seconds: pollSeconds)
    }
  }
}

/// One line of a lease.
struct LeaseRecord: Equatable {
  let owner: String
  let machine: String
  let process: Int32
  let seconds: Double

  init(owner: String, machine: String, process: Int32, seconds: Double) {
    self.owner = owner
    self.machine = machine
    self.process = process
    self.seconds = seconds
  }

  /// Bytes of a line, at most.
  static let byteLimit = 1024
  /// No owner asks for longer; what does is no record, so that nobody waits for ever.
  static let longestSeconds = 86_400.0

  /// Reads the last whole line of a lease; nil where there is none.
  init?(lastOf content: [UInt8]) {
    guard let end = content.lastIndex(of: 0x0A) else { return nil }
    self.init(line: content[..<end].split(separator: 0x0A).last ?? [])
  }

  /// Reads the first line of a lease, which every owner has one of.
  init?(firstOf content: [UInt8]) {
    guard let end = content.firstIndex(of: 0x0A) else { return nil }
    self.init(line: content[..<end])
  }

  private init?(line: ArraySlice<UInt8>) {
    guard let json = try? JSON(parsing: Array(line)), let owner = json["owner"]?.string,
      let machine = json["machine"]?.string, let seconds = json["seconds"]?.double,
      (0...LeaseRecord.longestSeconds).contains(seconds),
      let process = json["pid"]?.integer.flatMap({ Int32(exactly: $0) })
    else { return nil }
    self.init(owner: owner, machine: machine, process: process, seconds: seconds)
  }

  /// Of this process, asked for once.
  private static let user = System.userName(System.user)

  /// The record with a deadline from now; user, host and deadline are for people.
  var line: String {
    JSON.object([
      "owner": .string(owner), "machine": .string(machine), "pid": .integer(Int(process)),
      "seconds": .number(seconds), "host": .string(System.hostName),
      "deadline": .integer(Int(System.now + seconds)), "user": .string(LeaseRecord.user),
    ]).canonical + "\n"
  }

  /// Whether the owner was a process of this machine that is gone.
  var isDead: Bool {
    guard machine == ProcessIdentity.machine else { return false }
    if process == System.processIdentifier { return !owner.hasPrefix(ProcessIdentity.token) }
    return !System.isRunning(process)
  }

  var isLocal: Bool { machine == ProcessIdentity.machine }
}

/// As much of a lease as tells whether it has grown: one that was renewed for days is long.
struct LeaseContent: Equatable {
  let byteCount: Int
  /// Its last bytes, among them a whole line if there is one.
  let tail: [UInt8]

  /// Reads the end of an open lease of so many bytes.
  init(_ descriptor: Int32, byteCount: Int, path: String) throws(SystemError) {
    self.byteCount = byteCount
    let length = min(byteCount, 2 * LeaseRecord.byteLimit)
    tail = try System.read(
      descriptor, byteCount: length, offset: byteCount - length, path: path)
  }

  /// The end of a lease; nil where there is none, or none of this process's business.
  ///
  /// - Throws: what keeps one from reading: who cannot see a lease grow would wait for ever.
  static func read(_ path: String) throws(SystemError) -> LeaseContent? {
    do throws(SystemError) {
      let descriptor = try System.openForReading(path)
      defer { System.close(descriptor) }
      let byteCount = try System.status(of: descriptor, path: path).byteCount
      return try LeaseContent(descriptor, byteCount: byteCount, path: path)
    } catch {
      // On a network file system a file that is gone while it is read is stale.
      if error.isAbsence || error.isStale { return nil }
      throw error
    }
  }
}

/// Looks at leases of others again and again, to notice those whose owners are gone.
package struct LeaseWatch {
  private var seen: [String: (content: LeaseContent, since: Double)] = [:]

  package init() {}

  /// What a lease says to one who looks.
  package enum Finding: Sendable, Equatable {
    case free
    /// Somebody works on the unit, on this machine or elsewhere.
    case held(isLocal: Bool)
  }

  /// Forgets a lease whose unit is made.
  mutating func forget(_ path: String) { seen[path] = nil }

  /// Looks at a lease and takes it away from an owner that is gone.
  package mutating func look(at path: String) throws(SystemError) -> Finding {
    guard let content = try LeaseContent.read(path) else {
      seen[path] = nil
      return .free
    }
    let record = LeaseRecord(lastOf: content.tail)
    let now = System.uptime
    if seen[path]?.content != content { seen[path] = (content, now) }
    let silence = now - (seen[path]?.since ?? now)
    let isAbandoned =
      record?.isDead == true || silence >= record?.seconds ?? Lease.defaultSeconds
    guard isAbandoned, try takeAway(path, content) else {
      return .held(isLocal: record?.isLocal ?? false)
    }
    seen[path] = nil
    return .free
  }

  /// Removes a lease that still is what was looked at; of several who try, one succeeds.
  private func takeAway(
    _ path: String, _ content: LeaseContent
  ) throws(SystemError) -> Bool {
    let aside = TemporaryName.sibling(of: path)
    do { try System.rename(path, to: aside) } catch {
      if error.isNotFound { return false }
      throw error
    }
    let isSame = (try? LeaseContent.read(aside)) == content
    // Its owner gave a sign of life, or another owner came: the name is given back.
    if !isSame { _ = try? System.nameUnlessTaken(aside, as: path) }
    try System.remove(aside)
    return isSame
  }
}
