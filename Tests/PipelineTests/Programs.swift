// The built programs as users run them: command line in, exit code and two streams out.

import Foundation
import Shared
import Support

/// What a program left behind.
struct ProgramResult: Sendable {
  let code: Int32
  let output: String
  let errors: String

  /// The JSON that `--json` printed.
  var json: JSON {
    get throws { try JSON(parsing: Array(output.utf8)) }
  }
}

/// A program under way.
final class RunningProgram {
  private let process = Process()
  private let streams: String

  /// Starts a program; its streams go to files, so that it never waits for a reader.
  init(
    _ name: String, _ arguments: [String], in folder: String, environment: [String: String] = [:]
  ) throws {
    streams = folder + "/streams-" + UUID().uuidString
    process.executableURL = URL(fileURLWithPath: RunningProgram.products + "/" + name)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    for suffix in [".out", ".err"] {
      _ = FileManager.default.createFile(atPath: streams + suffix, contents: nil)
    }
    process.standardOutput = FileHandle(forWritingAtPath: streams + ".out")
    process.standardError = FileHandle(forWritingAtPath: streams + ".err")
    try process.run()
  }

  /// The folder of the built programs: that of the test bundle.
  private static let products: String = {
    let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return program.deletingLastPathComponent().path
  }()

  var isRunning: Bool { process.isRunning }

  func kill(_ signal: Int32) { _ = Foundation.kill(process.processIdentifier, signal) }

  func result() throws -> ProgramResult {
    process.waitUntilExit()
    defer { for suffix in [".out", ".err"] { try? System.remove(streams + suffix) } }
    let code =
      process.terminationReason == .exit
      ? process.terminationStatus : -process.terminationStatus
    return ProgramResult(
      code: code, output: try text(".out"), errors: try text(".err"))
  }

  private func text(_ suffix: String) throws -> String {
    String(decoding: try MappedFile.contents(streams + suffix), as: UTF8.self)
  }
}

/// A folder with a text, a pipeline file and a store.
final class Workplace {
  static let programs = ["saeline-pretokenize", "saeline-cache", "saeline-train"]

  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "/pipeline-" + UUID().uuidString
    try System.createDirectories(folder)
    try AtomicFile.replace(folder + "/text.txt", with: Workplace.text)
    try AtomicFile.replace(folder + "/tiny.json5", with: Workplace.pipeline)
  }

  deinit { try? System.removeTree(folder) }

  func start(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> RunningProgram {
    try RunningProgram(
      program, ["--config", "tiny.json5"] + arguments, in: folder, environment: environment)
  }

  func run(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> ProgramResult {
    try start(program, arguments, environment: environment).result()
  }

  /// Runs the three programs with `--json`.
  func runAll(_ arguments: [String] = []) throws -> [ProgramResult] {
    try Workplace.programs.map { try run($0, ["--json"] + arguments) }
  }

  /// The digests of all files of the store whose bytes the settings determine.
  func digests() throws -> [String: String] {
    var digests: [String: String] = [:]
    func visit(_ path: String) throws {
      for name in try System.list(folder + "/" + path) {
        let child = path + "/" + name
        if System.isDirectory(folder + "/" + child) {
          try visit(child)
        } else if name == "metrics.jsonl" {
          digests[child] = try timelessLog(folder + "/" + child)
        } else if !["timing.json", "report.html", "report.json"].contains(name) {
          digests[child] = try Digest.ofFile(folder + "/" + child)
        }
      }
    }
    try visit("store")
    return digests
  }

  /// The digest of a log without the field that tells the time.
  private func timelessLog(_ path: String) throws -> String {
    let text = String(decoding: try MappedFile.contents(path), as: UTF8.self)
    let lines = try text.split(separator: "\n").map { line in
      var members = try JSON(parsing: Array(line.utf8)).object ?? [:]
      members["details/tokens_per_second"] = nil
      return JSON.object(members).canonical
    }
    return Digest.of(lines.joined(separator: "\n"))
  }

  /// About 60 kB of sentences.
  private static let text: String = {
    let subjects = ["the old fox", "Mara", "a small boat", "the king", "my sister", "the storm"]
    let verbs = ["watched", "found", "left", "carried", "painted", "forgot"]
    let objects = ["the red door", "seven stones", "a letter", "the river", "an empty house"]
    let random = Random(seed: 4, stream: "text")
    return (0..<1500).map { line in
      let words = [subjects, verbs, objects].enumerated().map { part, list in
        list[random.integer(3 * line + part, below: list.count)]
      }
      return words.joined(separator: " ") + (line % 5 == 4 ? ".\n\n" : ". ")
    }.joined()
  }()

  private static let pipeline = """
    {
      name: "tiny",
      pretokenize: {
        tokenizer_name: "\(model)", dataset_path: "text.txt", context_size: 32,
        shard_megabytes: 1,
      },
      cache: {
        model_name: "\(model)", hook_name: "blocks.0.hook_mlp_out", training_tokens: 12000,
        buffer_size_gb: 0.0008,
      },
      train: {
        architecture: "topk", k: 8, expansion_factor: 4, training_tokens: 40000,
        train_batch_size_tokens: 256, lr: 1e-3, eval_fraction: 0.1,
        normalize_activations: "expected_average_only_in",
      },
      evaluate: { eval_tokens: 1000, report_latents: 3 },
    }
    """

  private static let model = ProjectFiles.root + "/pipelines/demo/model"
}
