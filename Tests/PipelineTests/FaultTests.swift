import Foundation
import Shared
import Support
import Testing

/// A call of libc that goes wrong in a program; Benchmarks/faults tries many more.
private struct Fault: CustomTestStringConvertible {
  let call: String
  /// A part of the path that the call is about.
  let like: String
  /// Which of these calls, the first being 1.
  let at: Int
  /// An errno, `short`, `part`, `kill` or `after`; see Benchmarks/faults/shim.c.
  let kind: String

  var testDescription: String { "\(kind) at \(call) number \(at) of \(like)" }

  func environment(_ shim: String) -> [String: String] {
    [
      "LD_PRELOAD": shim, "FAULT_CALLS": call, "FAULT_LIKE": like, "FAULT_AT": "\(at)",
      "FAULT_KIND": kind,
    ]
  }
}

/// The library that lets calls go wrong, built of its source where there is a compiler.
private struct Shim: ~Copyable {
  let folder: TemporaryFolder
  var path: String { folder.file("shim.so") }

  private init(_ folder: consuming TemporaryFolder) { self.folder = folder }

  /// Builds it; nil where there is no compiler.
  static func build() throws -> Shim? {
    let folder = try TemporaryFolder()
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    compiler.arguments = [
      "sh", "-c", "$(command -v clang || command -v cc) -O1 -fPIC -shared \"$0\" -o \"$1\" -ldl",
      ProjectFiles.root + "/Benchmarks/faults/shim.c", folder.file("shim.so"),
    ]
    compiler.standardError = FileHandle.nullDevice
    try compiler.run()
    compiler.waitUntilExit()
    return compiler.terminationStatus == 0 ? Shim(folder) : nil
  }
}

@Suite("Programs whose calls of the system fail", .serialized)
struct FaultTests {
  /// What each kind of call may come to.
  private static let kinds: [String: [String]] = {
    let (failed, full) = ("\(EIO)", "\(ENOSPC)")
    return [
      "open": [failed, "\(EMFILE)", "\(EINTR)"], "create": [failed, full, "after"],
      "read": [failed, "short", "\(EINTR)"], "write": [failed, full, "short", "part"],
      "fsync": [failed, "kill"], "link": [failed, "\(EPERM)", "kill", "after"],
      "rename": [failed, full, "kill", "after"], "unlink": [failed, "kill", "after"],
      "stat": [failed], "list": [failed, "\(EINTR)"], "mmap": ["\(ENOMEM)"], "close": [failed],
    ]
  }()

  private let settings = [
    "--quiet", "--set", "train.training_tokens=6000", "--set", "train.checkpoint_minutes=1e-4",
  ]

  /// Refuses an ending that is not documented, and one without a sentence.
  private func check(_ result: ProgramResult, _ told: Comment) {
    if result.code == -SIGKILL { return }
    #expect([0, 1, 2].contains(result.code), told)
    guard result.code != 0 else { return }
    let lines = result.errors.split(separator: "\n").filter { line in
      !["hint: ", "note: ", "warning: "].contains { line.hasPrefix($0) }
    }
    #expect(lines.count == 1 && lines[0].hasPrefix("error: ") && lines[0].hasSuffix("."), told)
  }

  @Test("Whatever call goes wrong, the same command run again ends in the same bytes")
  func anyCall() throws {
    guard let shim = try Shim.build() else { return }
    let undisturbed = try Workplace()
    for program in Workplace.programs {
      #expect(try undisturbed.run(program, settings).code == 0)
    }
    let place = try Workplace()
    let seed = Int(Date().timeIntervalSince1970)
    let random = Random(seed: seed, stream: "faults")
    var draws = 0
    func draw(below count: Int) -> Int {
      draws += 1
      return random.integer(draws, below: count)
    }
    let calls = Self.kinds.keys.sorted()
    for program in Workplace.programs {
      for _ in 0..<6 {
        let call = calls[draw(below: calls.count)]
        let kinds = Self.kinds[call] ?? []
        let fault = Fault(
          call: call, like: "/store/", at: 1 + draw(below: 30),
          kind: kinds[draw(below: kinds.count)])
        let result = try place.run(program, settings, environment: fault.environment(shim.path))
        check(result, "seed \(seed), \(program): \(fault.testDescription): \(result.errors)")
      }
      let again = try place.run(program, settings)
      #expect(again.code == 0, "seed \(seed): \(again.errors)")
    }
    #expect(try place.digests() == undisturbed.digests(), "seed \(seed)")
  }

  @Test("What cannot be read is never taken for what is not there")
  func unread() throws {
    guard let shim = try Shim.build() else { return }
    let place = try Workplace()
    let cases: [(program: String, Fault, errors: String)] = [
      (
        "saeline-pretokenize",
        Fault(call: "list", like: "/demo/model", at: 1, kind: "\(EIO)"),
        "/pipelines/demo/model: opendir failed: Input/output error."
      ),
      (
        "saeline-cache", Fault(call: "stat", like: "/demo/model", at: 1, kind: "\(EIO)"),
        "/pipelines/demo/model: stat failed: Input/output error."
      ),
      (
        "saeline-cache",
        Fault(call: "stat", like: "/demo/model/config.json", at: 1, kind: "\(EIO)"),
        "/pipelines/demo/model/config.json: stat failed: Input/output error."
      ),
      (
        "saeline-cache",
        // Once the model was found and is marked, before its digest is taken.
        Fault(call: "stat", like: "/demo/model/config.json", at: 3, kind: "\(EIO)"),
        "/pipelines/demo/model/config.json: stat failed: Input/output error."
      ),
      (
        "saeline-train", Fault(call: "open", like: "/demo/model", at: 1, kind: "\(EIO)"),
        "open failed: Input/output error."
      ),
      (
        "saeline-train",
        // After the loss was measured, for what the latents write to the vocabulary.
        Fault(call: "mmap", like: "/demo/model/config.json", at: 4, kind: "\(ENOMEM)"),
        "/pipelines/demo/model/config.json: mmap failed: Cannot allocate memory."
      ),
    ]
    for program in Workplace.programs {
      for each in cases where each.program == program {
        let result = try place.run(program, settings, environment: each.1.environment(shim.path))
        #expect(result.code != 0, "\(each.1.testDescription)")
        #expect(
          result.errors.split(separator: "\n").first?.hasSuffix(each.errors) == true,
          "\(each.1.testDescription): \(result.errors)")
      }
      #expect(try place.run(program, settings).code == 0)
    }
  }

  @Test("A checkpoint that fails to be read is kept, and the run says so")
  func unreadCheckpoint() throws {
    guard let shim = try Shim.build() else { return }
    let place = try Workplace()
    for program in Workplace.programs.dropLast() { _ = try place.run(program, settings) }
    let killed = Fault(call: "create", like: "evaluation.json", at: 1, kind: "kill")
    #expect(
      try place.run("saeline-train", settings, environment: killed.environment(shim.path)).code
        == -SIGKILL)
    let failing = Fault(call: "read", like: "/checkpoint.json", at: 1, kind: "\(EIO)")
    let result = try place.run(
      "saeline-train", settings, environment: failing.environment(shim.path))
    #expect(result.code == 1)
    #expect(
      result.errors.contains(
        /^error: .*\/checkpoints\/step-00000024\/checkpoint.json: read failed: Input\/output error\.\n/
      ),
      "\(result.errors)")
    #expect(
      result.errors.contains(
        "hint: Run the same command again; if it says the same, remove ./store/runs/"))
    let again = try place.run("saeline-train", Array(settings.dropFirst()))
    #expect(again.code == 0)
    #expect(again.errors.contains("continuing after step 24 from "), "\(again.errors)")
  }
}
