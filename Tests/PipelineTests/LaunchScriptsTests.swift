import Foundation
import Shared
import Support
import Testing

/// The three programs and Slurm's commands as scripts that only take notes.
private final class Launching {
  private let folder: TemporaryFolder
  private var notes: String { folder.file("notes") }

  init() throws {
    folder = try TemporaryFolder()
    try System.createDirectories(folder.file("tools"))
    for stage in ["pretokenize", "cache", "train"] {
      try program(
        "saeline-" + stage,
        """
        echo "\(stage) $*" >>'\(folder.path)/notes'
        [ -e '\(folder.path)/\(stage).code' ] && exit "$(cat '\(folder.path)/\(stage).code')"
        if [ "$1" != sbatch ]; then
          [ -e '\(folder.path)/\(stage).lasts' ] && exec sleep 60
          [ -e '\(folder.path)/\(stage).fails' ] && exit 3
          exit 0
        fi
        case "\(stage) $*" in train*max_disk_gb*) echo '# beside: cache' ;; esac
        echo '#SBATCH --job-name=saeline-\(stage):mine'
        echo '#SBATCH --array=1-3'
        echo '#SBATCH --output="\(folder.path)/st\\"o%%re/.jobs/%x-%A_%a.log"'
        """)
    }
    try program(
      "tools/sbatch",
      """
      echo "sbatch $*" >>'\(folder.path)/notes'
      grep -c SBATCH >>'\(folder.path)/notes'
      echo "$(wc -l <'\(folder.path)/notes');cluster"
      """)
    try program(
      "tools/squeue",
      """
      case "$*" in
        *%F*) printf '%s|12\\n%s|12\\n/elsewhere|13\\n%s|9\\n' "$PWD" "$PWD" "$PWD" ;;
        *) printf '%s|12_1|saeline-cache:mine|RUNNING|1:00|2:00|node1|None\\n/elsewhere|x\\n' "$PWD" ;;
      esac
      """)
    try program("tools/scancel", "echo \"scancel $*\" >>'\(folder.path)/notes'\n")
  }

  private func program(_ name: String, _ text: String) throws {
    try AtomicFile.replace(folder.file(name), with: "#!/bin/bash\n" + text)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder.file(name))
  }

  /// Lets a program end with a code.
  func end(_ stage: String, with code: Int) throws {
    try AtomicFile.replace(folder.file(stage + ".code"), with: "\(code)")
  }

  /// Lets a program run until it is stopped.
  func hold(_ stage: String) throws {
    try AtomicFile.replace(folder.file(stage + ".lasts"), with: "")
  }

  /// Lets a program's work end with 3, but not what only asks it.
  func fail(_ stage: String) throws {
    try AtomicFile.replace(folder.file(stage + ".fails"), with: "")
  }

  func exists(_ name: String) -> Bool { System.exists(folder.file(name)) }

  /// Runs a script of pipelines/launch; its words begin behind the folder of the programs.
  func run(_ script: String, _ words: String..., hasSlurm: Bool = true) throws -> Launched {
    try System.remove(notes)
    let process = Process()
    let (output, errors) = (Pipe(), Pipe())
    let scripts = ProjectFiles.root + "/pipelines/launch/"
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [scripts + script] + words.map { $0 == "BIN" ? folder.path : $0 }
    process.environment = ["PATH": hasSlurm ? folder.file("tools") + ":/usr/bin:/bin" : "/none"]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let said = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let noted = (try? String(contentsOfFile: notes, encoding: .utf8)) ?? ""
    func plain(_ data: Data) -> String {
      String(decoding: data, as: UTF8.self).split(
        separator: folder.path, omittingEmptySubsequences: false
      ).joined(separator: "BIN")
    }
    return Launched(
      code: process.terminationStatus, calls: noted.split(separator: "\n").map(String.init),
      output: plain(text), errors: plain(said))
  }
}

private struct Launched: Equatable {
  let code: Int32
  var calls: [String] = []
  var output = ""
  var errors = ""
}

@Suite("The scripts that launch stages")
struct LaunchScriptsTests {
  private static let stages = "pretokenize cache train"

  @Test("Stages run one after another, and only training that follows others is one process")
  func here() throws {
    let launching = try Launching()
    let result = try launching.run("local", "BIN", Self.stages, "2", "--config", "a b")
    #expect(result.code == 0)
    // The two of a stage come in any order.
    #expect(
      result.calls.map { $0.prefix { $0 != " " } }
        == ["pretokenize", "pretokenize", "cache", "cache", "train"])
    #expect(
      result.calls.sorted() == [
        "cache --config a b", "cache --config a b --quiet", "pretokenize --config a b",
        "pretokenize --config a b --quiet", "train --config a b",
      ])
    #expect(try launching.run("local", "BIN", "train", "3").calls.count == 3)
    #expect(try launching.run("local", "BIN", "cache", "").calls == ["cache "])
  }

  @Test("The worst code of a stage's processes ends them all, and keeps later stages from starting")
  func worst() throws {
    let launching = try Launching()
    try launching.end("cache", with: 130)
    let result = try launching.run("local", "BIN", Self.stages, "1")
    #expect(result.code == 130)
    #expect(result.calls == ["pretokenize ", "cache "])
  }

  @Test("Where activations are streamed, caching and training run at the same time")
  func streaming() throws {
    let launching = try Launching()
    let options = "--set cache.max_disk_gb=1"
    let result = try launching.run("local", "BIN", Self.stages, "2", options)
    #expect(result.code == 0)
    #expect(
      result.calls.sorted() == [
        "cache \(options)", "cache \(options) --quiet", "pretokenize \(options)",
        "pretokenize \(options) --quiet", "train \(options)", "train sbatch \(options)",
      ])
    #expect(try launching.run("local", "BIN", "train", "", options).calls == ["train \(options)"])
  }

  @Test("Of a stream, the side that fails ends the other", arguments: ["cache", "train"])
  func oneSide(failing: String) throws {
    let launching = try Launching()
    try launching.fail(failing)
    try launching.hold(failing == "cache" ? "train" : "cache")
    let result = try launching.run("local", "BIN", "cache train", "1", "max_disk_gb")
    #expect(result.code == 3)
  }

  @Test("On Slurm training that reads a stream begins with caching, and does not wait for its nodes")
  func streamOnSlurm() throws {
    let result = try Launching().run("slurm", "BIN", Self.stages, "", "max_disk_gb")
    #expect(
      result.calls.filter { $0.hasPrefix("sbatch") } == [
        "sbatch --parsable", "sbatch --parsable --dependency=afterany:5",
        "sbatch --parsable --dependency=afterany:5",
      ])
    #expect(
      result.output.split(separator: "\n").map { $0.prefix { $0 != "," } } == [
        "pretokenize: job 5", "train: job 7", "cache: job 9",
      ])
  }

  @Test("WORKERS is a number")
  func workers() throws {
    #expect(
      try Launching().run("local", "BIN", "cache", "x")
        == Launched(
          code: 2,
          errors: "error: WORKERS is 'x', but must be a whole number of 1 or more.\n"))
  }

  @Test("On Slurm every stage is submitted to begin after the one before it")
  func slurm() throws {
    let launching = try Launching()
    let result = try launching.run("slurm", "BIN", "cache train", "4", "--config", "a b")
    #expect(
      result
        == Launched(
          code: 0,
          calls: [
            "cache sbatch --config a b --set launch.workers=4",
            "train sbatch --config a b --set launch.workers=4",
            "sbatch --parsable", "3", "sbatch --parsable --dependency=afterany:4", "3",
          ],
          output: """
            cache: job 4, 3 worker(s), logs in BIN/st"o%re/.jobs
            train: job 6, 3 worker(s), logs in BIN/st"o%re/.jobs

            """))
    #expect(launching.exists("st\"o%re/.jobs"))
    #expect(
      try launching.run("slurm", "BIN", "cache", "").calls
        == ["cache sbatch", "sbatch --parsable", "3"])
  }

  @Test("A stage that is refused keeps all of them from being submitted")
  func refusal() throws {
    let launching = try Launching()
    try launching.end("train", with: 2)
    let result = try launching.run("slurm", "BIN", "cache train", "")
    #expect(result == Launched(code: 2, calls: ["cache sbatch", "train sbatch"]))
  }

  @Test("Without Slurm there is a sentence, and no jobs to list")
  func absence() throws {
    let launching = try Launching()
    #expect(
      try launching.run("slurm", "BIN", "cache", "", hasSlurm: false)
        == Launched(
          code: 2,
          errors: """
            error: sbatch is not here.
            hint: Run on a machine from which jobs are submitted to Slurm, or leave LAUNCH=slurm out.

            """))
    #expect(
      try launching.run("jobs", "list", "BIN/saeline-train", hasSlurm: false)
        == Launched(code: 0))
    #expect(
      try launching.run("jobs", "cancel", "BIN/saeline-train", hasSlurm: false)
        == Launched(
          code: 2,
          errors: """
            error: squeue is not here.
            hint: Run on a machine from which jobs are submitted to Slurm.

            """))
  }

  @Test("The jobs of a pipeline file are those of its name that were submitted from this folder")
  func jobs() throws {
    let launching = try Launching()
    #expect(
      try launching.run("jobs", "list", "./saeline-train").output == """

        Jobs of Slurm
          job   stage               state    time  limit  node   why
          12_1  saeline-cache:mine  RUNNING  1:00  2:00   node1  None

        """)
    let result = try launching.run("jobs", "cancel", "./saeline-train")
    #expect(result.output == "cancelled: 9 12\n")
    #expect(result.calls == ["train sbatch", "scancel 12 9"])
  }
}
