import Dispatch
import Foundation
import Shared
import Support
import Synchronization
import Testing

/// A lease as some other machine might have left it.
private func foreignLease(seconds: Double, machine: String = "elsewhere", owner: String = "o-1")
  -> [UInt8]
{
  Array(
    ("{\"deadline\":1,\"host\":\"h\",\"machine\":\"\(machine)\",\"owner\":\"\(owner)\","
      + "\"pid\":1,\"seconds\":\(seconds)}\n").utf8)
}

@Suite struct LeaseTests {
  @Test("One of two gets a lease, and the next one after its release")
  func exclusive() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    let lease = try #require(try Lease.claim(path))
    #expect(try Lease.claim(path) == nil)
    var watch = LeaseWatch()
    #expect(try watch.look(at: path) == .held(isLocal: true))
    lease.release()
    #expect(!System.exists(path))
    #expect(try watch.look(at: path) == .free)
    try #require(try Lease.claim(path)).release()
  }

  @Test("A lease says who has it and until when")
  func record() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    let lease = try #require(try Lease.claim(path, seconds: 30))
    defer { lease.release() }
    let json = try JSON(parsing: try contents(of: path))
    #expect(
      json.object?.keys.sorted() == [
        "deadline", "host", "machine", "owner", "pid", "seconds", "user",
      ])
    #expect(json["pid"]?.integer == Int(System.processIdentifier))
    #expect(json["host"]?.string == System.hostName)
    #expect(json["seconds"]?.integer == 30)
    #expect(abs((json["deadline"]?.double ?? 0) - System.now - 30) < 10)
  }

  @Test("A lease that is renewed is not taken over")
  func heartbeat() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    let lease = try #require(try Lease.claim(path, seconds: 0.6))
    var watch = LeaseWatch()
    for _ in 0..<15 {
      #expect(try watch.look(at: path) == .held(isLocal: true))
      System.sleep(seconds: 0.1)
    }
    lease.release()
  }

  @Test("A lease of another machine is taken over when it has not grown for its own time")
  func silence() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(foreignLease(seconds: 0.3), to: "u.lease")
    var watch = LeaseWatch()
    #expect(try watch.look(at: path) == .held(isLocal: false))
    System.sleep(seconds: 0.2)
    #expect(try watch.look(at: path) == .held(isLocal: false))
    // It grows: its time begins anew.
    try folder.write(foreignLease(seconds: 0.3) + foreignLease(seconds: 0.3), to: "u.lease")
    #expect(try watch.look(at: path) == .held(isLocal: false))
    System.sleep(seconds: 0.2)
    #expect(try watch.look(at: path) == .held(isLocal: false))
    System.sleep(seconds: 0.2)
    #expect(try watch.look(at: path) == .free)
    #expect(try System.list(folder.path) == [])
  }

  @Test("A lease that breaks off or is empty is held until its time is over")
  func incomplete() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([], to: "u.lease")
    var watch = LeaseWatch()
    #expect(try watch.look(at: path) == .held(isLocal: false))
    let whole = foreignLease(seconds: 0)
    try folder.write(Array(whole.dropLast(3)), to: "u.lease")
    #expect(try watch.look(at: path) == .held(isLocal: false))
    try folder.write(whole + [0x7B], to: "u.lease")
    #expect(try watch.look(at: path) == .free)
  }

  @Test("A lease that was renewed for days is read by its end, and is seen to grow")
  func long() throws {
    let folder = try TemporaryFolder()
    let line = foreignLease(seconds: 0.3)
    let days = (0..<50_000).flatMap { _ in line }
    let path = try folder.write(days, to: "u.lease")
    var watch = LeaseWatch()
    #expect(try watch.look(at: path) == .held(isLocal: false))
    System.sleep(seconds: 0.2)
    // The last lines are the same as before.
    try folder.write(days + line, to: "u.lease")
    #expect(try watch.look(at: path) == .held(isLocal: false))
    System.sleep(seconds: 0.2)
    #expect(try watch.look(at: path) == .held(isLocal: false))
    System.sleep(seconds: 0.2)
    #expect(try watch.look(at: path) == .free)
  }

  @Test("A lease that cannot be read is an error, and is not waited for")
  func unreadable() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("shard.lease")
    // Opens, and fails once it is read.
    try System.createDirectories(path)
    var watch = LeaseWatch()
    let error = #expect(throws: SystemError.self) { try watch.look(at: path) }
    #expect(error?.sentence == "\(path) is a folder where a file was expected.")
  }

  @Test("A lease that asks for longer than any owner does is waited for no longer than others")
  func longest() throws {
    let folder = try TemporaryFolder()
    for (seconds, patience) in [("7", 7), ("86400", 86_400), ("1e300", 60), ("-1", 60)] {
      let line =
        #"{"deadline":1,"host":"h","machine":"m","owner":"o","pid":1,"seconds":\#(seconds)}"# + "\n"
      try folder.write(Array(line.utf8), to: "u.lease")
      #expect(LeaseSight.look(at: folder.file("u.lease"))?.patience == Double(patience))
    }
  }

  @Test("The lease of a process that died is free at once")
  func deadProcess() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      _ = try Lease.claim(path)
      kill(getpid(), SIGKILL)
    }
    #expect(System.exists(path))
    var watch = LeaseWatch()
    #expect(try watch.look(at: path) == .free)
    #expect(try System.list(folder.path) == [])
  }

  @Test("An earlier process with the number of this one is known for dead")
  func reusedNumber() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    let lease = try #require(try Lease.claim(path))
    let content = String(decoding: try contents(of: path), as: UTF8.self)
    let owner = try #require(try JSON(parsing: Array(content.utf8))["owner"]?.string)
    lease.release()
    try folder.write(Array(content.replacing(owner, with: "other-1").utf8), to: "u.lease")
    var watch = LeaseWatch()
    #expect(try watch.look(at: path) == .free)
  }

  @Test("A late owner neither brings its lease back nor removes that of its successor")
  func lateOwner() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    let late = try #require(try Lease.claim(path, seconds: 0.12))
    try System.remove(path)
    System.sleep(seconds: 0.1)
    #expect(!System.exists(path))
    let next = try #require(try Lease.claim(path))
    late.release()
    #expect(System.exists(path))
    next.release()
    #expect(!System.exists(path))
  }

  @Test("An owner whose lease was taken over is told so, and one whose lease is still there is not")
  func lost() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    let late = try #require(try Lease.claim(path, seconds: 30))
    try late.requireHeld()
    try System.remove(path)
    #expect(throws: LostLease(path: path)) { try late.requireHeld() }
    let next = try #require(try Lease.claim(path))
    #expect(throws: LostLease(path: path)) { try late.requireHeld() }
    try next.requireHeld()
    late.release()
    next.release()
    #expect(try System.list(folder.path) == [])
  }

  @Test("A lease has its name only once it says whose it is")
  func wholeFromTheStart() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("u.lease")
    let ended = Mutex(false)
    let lines = Mutex<Set<Int>>([])
    let reader = try WorkerThread.start {
      while !ended.withLock({ $0 }) {
        guard let found = try? MappedFile.contents(path) else { continue }
        lines.withLock { _ = $0.insert(found.count { $0 == 0x0A }) }
      }
    }
    for _ in 0..<200 { try #require(try Lease.claim(path)).release() }
    ended.withLock { $0 = true }
    reader.join()
    #expect(lines.withLock { $0 }.isSubset(of: [1]))
  }

  @Test("Of many who find a dead owner, one gets the lease")
  func manyThieves() throws {
    let folder = try TemporaryFolder()
    for round in 0..<20 {
      let path = try folder.write(foreignLease(seconds: 0), to: "\(round).lease")
      let winners = Mutex<[Lease]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        var watch = LeaseWatch()
        guard (try? watch.look(at: path)) == .free else { return }
        if let lease = try? Lease.claim(path) { winners.withLock { $0.append(lease) } }
      }
      let leases = winners.withLock { $0 }
      #expect(leases.count == 1)
      for lease in leases { lease.release() }
    }
    #expect(try System.list(folder.path) == [])
  }

  @Test("Who waits is told who is at work and for how long, whatever their clocks say")
  func waiting() throws {
    let folder = try TemporaryFolder()
    func write(_ name: String, _ user: String, _ start: Int) throws -> String {
      let lines = [start, start + 120].map {
        #"{"deadline":\#($0 + 60),"host":"node7","machine":"other","owner":"o","pid":7,"seconds":60"#
          + "\(user)}\n"
      }
      try AtomicFile.replace(folder.file(name), with: lines.joined())
      return folder.file(name)
    }
    let now = System.now
    let alice = try write("a.lease", #","user":"alice""#, Int(now) - 86_400)
    #expect(Waiting.holders([alice], now: now) == "alice on node7, for 2 min 00 s")
    let nameless = try write("b.lease", "", 0)
    #expect(Waiting.holders([nameless], now: now) == "process 7 on node7, for 2 min 00 s")
    let bob = try write("c.lease", #","user":"bob""#, Int(now))
    #expect(
      Waiting.holders([alice, bob, nameless], now: now)
        == "alice on node7 and 2 others, for 2 min 00 s")
    // Silent for longer than allowed by both clocks: nobody is at it.
    #expect(Waiting.holders([alice], now: now + 3_600) == nil)
    #expect(Waiting.holders([folder.file("none.lease")], now: now) == nil)
  }

  @Test("A folder that is missing is an error")
  func missingFolder() {
    #expect(throws: SystemError.self) { try Lease.claim("/nowhere/u.lease") }
  }
}
