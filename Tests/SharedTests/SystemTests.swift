import Foundation
import Shared
import Support
import Testing

@Suite("What the system tells and is told")
struct SystemTests {
  @Test(
    "Signals that end terminals and jobs ask to stop",
    arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1])
  func stopSignals(_ number: Int32) async {
    await #expect(processExitsWith: .exitCode(7)) { [number = number as Int32] in
      signal(SIGHUP, SIG_DFL)
      System.catchInterrupts()
      kill(getpid(), number)
      while !System.isInterrupted { System.sleep(seconds: 0.01) }
      exit(7)
    }
  }

  @Test("A second SIGINT ends the process at once")
  func secondInterrupt() async {
    await #expect(processExitsWith: .exitCode(130)) {
      System.catchInterrupts()
      kill(getpid(), SIGINT)
      System.sleep(seconds: 0.4)
      kill(getpid(), SIGINT)
      System.sleep(seconds: 10)
    }
  }

  @Test("Under nohup a SIGHUP stays ignored")
  func nohup() async {
    await #expect(processExitsWith: .exitCode(7)) {
      signal(SIGHUP, SIG_IGN)
      System.catchInterrupts()
      kill(getpid(), SIGHUP)
      System.sleep(seconds: 0.1)
      exit(System.isInterrupted ? 1 : 7)
    }
  }

  @Test("Where stderr is closed no file gets its number")
  func closedStreams() async throws {
    await #expect(processExitsWith: .exitCode(7)) {
      close(0)
      close(2)
      System.openStandardStreams()
      let descriptor = try System.openForReading("/dev/zero")
      exit(descriptor > 2 ? 7 : 1)
    }
  }

  @Test("A file system that has nothing to write back of a folder is no obstacle")
  func foldersThatNeedNoWritingBack() throws {
    try System.synchronizeDirectory("/proc/self")
  }

  @Test("What cannot be looked at is not the same as what is not there")
  func looking() throws {
    let folder = try TemporaryFolder()
    try folder.write([1, 2, 3], to: "file")
    #expect(try System.find(folder.file("file"))?.byteCount == 3)
    #expect(try System.find(folder.path)?.isDirectory == true)
    for nothing in ["none", "file/none", String(repeating: "n", count: 300)] {
      #expect(try System.find(folder.file(nothing)) == nil)
      #expect(try !System.isThere(folder.file(nothing)))
      #expect(try MappedFile.contents(ifThere: folder.file(nothing)) == nil)
    }
    #expect(try MappedFile.contents(ifThere: folder.file("file")) == [1, 2, 3])
    let loop = folder.file("loop")
    try System.symbolicLink(loop, at: loop)
    let error = SystemError(call: "stat", path: loop, errno: ELOOP)
    #expect(throws: error) { try System.find(loop) }
    #expect(throws: SystemError.self) { try MappedFile.contents(ifThere: loop) }
    #expect(error.isAbsence && !error.isBreakdown)
    for code in [EIO, EMFILE, ESTALE, ENOMEM] {
      #expect(SystemError(call: "read", path: "x", errno: code).isBreakdown)
    }
    #expect(!SystemError(call: "read", path: "x", errno: EISDIR).isBreakdown)
  }

  @Test("Modes follow the mask of the process, and in a group's folder that folder")
  func modes() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
      func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
        return attributes[.posixPermissions] as? Int ?? 0
      }
      func make(_ name: String, _ mask: mode_t) throws -> (folder: Int, file: Int, log: Int) {
        umask(mask)
        try System.createDirectories("\(path)/\(name)/below")
        try AtomicFile.replace("\(path)/\(name)/below/file", with: "x")
        System.close(try System.openForAppending("\(path)/\(name)/below/log"))
        return (
          try mode(name + "/below"), try mode(name + "/below/file"), try mode(name + "/below/log")
        )
      }
      guard try make("a", 0o022) == (0o755, 0o644, 0o644) else { exit(1) }
      guard try make("b", 0o002) == (0o775, 0o664, 0o664) else { exit(2) }
      guard try make("c", 0o077) == (0o700, 0o600, 0o600) else { exit(3) }
      guard unsafe chmod(path, 0o2775) == 0 else { exit(4) }
      guard try make("d", 0o022) == (0o2775, 0o664, 0o664) else { exit(5) }
      guard try make("e", 0o077) == (0o2770, 0o660, 0o660) else { exit(6) }
      // Where a group may write it is let in, also without the bit that hands its number down.
      guard unsafe chmod(path, 0o770) == 0 else { exit(8) }
      guard try make("f", 0o022) == (0o775, 0o664, 0o664) else { exit(9) }
      guard unsafe chmod(path, 0o1777) == 0 else { exit(10) }
      guard try make("g", 0o022) == (0o755, 0o644, 0o644) else { exit(11) }
      exit(7)
    }
  }

  @Test("What is not there is told from what cannot be looked at")
  func isThere() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write([], to: "file")
    #expect(try System.isThere(file))
    #expect(try !System.isThere(folder.file("none")))
    #expect(try !System.isThere(file + "/below"))
    #expect(try !System.isThere(folder.file(String(repeating: "x", count: 5000))))
    let loop = folder.file("loop")
    try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
    let error = #expect(throws: SystemError.self) { try System.isThere(loop) }
    #expect(error?.errno == ELOOP)
  }

  @Test("A file gets a name that nobody has, and none that somebody has")
  func naming() throws {
    let folder = try TemporaryFolder()
    let (first, second) = (try folder.write([1], to: "1"), try folder.write([2], to: "2"))
    #expect(try System.nameUnlessTaken(first, as: folder.file("name")))
    #expect(try !System.nameUnlessTaken(second, as: folder.file("name")))
    // As where a network file system lost the answer.
    #expect(try System.nameUnlessTaken(first, as: folder.file("name")))
    #expect(try contents(of: folder.file("name")) == [1])
  }

  @Test("A file system without a way to name files once is said to be none for the store")
  func noNaming() {
    let error = SystemError(call: "renameat2", path: "s/u.lease", errno: EINVAL)
    #expect(
      error.sentence
        == "s/u.lease lies on a file system where several processes cannot work together: it has "
        + "neither hard links nor renames that replace nothing.")
    #expect(error.hint == "Set store to a folder on another file system.")
    #expect(error.exitCode == .wrongInput)
  }

  @Test("Who asks the program to stop is heard while an input is hashed")
  func interruptedDigest() async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([UInt8](repeating: 7, count: 1 << 20), to: "text")
    await #expect(processExitsWith: .exitCode(130)) { [path = path as String] in
      System.catchInterrupts()
      kill(getpid(), SIGTERM)
      while !System.isInterrupted { System.sleep(seconds: 0.01) }
      do { _ = try FileIdentity.of(path) } catch let stop as Interrupted {
        guard stop.sentence == "Interrupted while \(path) was read." else { exit(1) }
        System.endProcess(stop.exitCode)
      }
    }
  }

  @Test("What an error says commands no terminal")
  func harmlessErrors() {
    let error = SystemError(call: "open", path: "a\u{1B}[31mX\u{1B}]0;title\u{7}", errno: ENOENT)
    let (text, code) = Program.report(error)
    #expect(
      text
        == "error: a\u{FFFD}[31mX\u{FFFD}]0;title\u{FFFD} does not exist.\nhint: Check the path.\n")
    #expect(code == .wrongInput)
  }
}
