// saeline-train compare: SAEs beside one another. Comes in: names of runs and folders of SAEs. Leaves: a table,
// and a page or JSON.

import Foundation
package import Shared

/// Why there is nothing to compare.
package enum CompareError: Failure, Equatable {
  case tooFew(Int)

  package var sentence: String {
    switch self {
    case .tooFew(let count): "compare needs at least two SAEs; \(count) is named."
    }
  }

  package var hint: String? {
    "Name folders, names of runs or a store; saeline-train status lists the runs of a store."
  }

  package var exitCode: ExitCode { .wrongInput }
}

/// A comparison of runs.
package struct RunComparison: Sendable {
  package let runs: [ComparedRun]
  package private(set) var pairs: [ComparedPair] = []
  /// What could not be compared.
  package private(set) var remarks: [String] = []

  /// Reads the runs in some folders.
  package init(_ folders: [String]) throws {
    guard folders.count > 1 else { throw CompareError.tooFew(folders.count) }
    let names = ComparedRun.names(folders)
    runs = zip(folders, names).map { ComparedRun.read($0, name: $1) }
  }

  /// Matches the latents of the first run with those of each other one.
  package mutating func matchLatents(_ progress: (Int, Int) -> Void = { _, _ in }) throws {
    for index in runs.indices.dropFirst() {
      if System.isInterrupted { throw Interrupted("Stopped while comparing.", hint: nil) }
      do { pairs.append(try ComparedPair.match(0, index, of: runs)) } catch let failure
        as any Failure
      {
        remarks.append(
          "Latents of \(runs[0].name) and \(runs[index].name) are not matched: \(failure.sentence)")
      }
      progress(index, runs.count - 1)
    }
  }

  /// The options that differ, that have a column of the page's table: few, so that figures stay in sight.
  private var columns: [String] {
    let differing = ComparedRun.differences(runs).map(\.option)
    let main = ["architecture", "hook_name", "d_sae", "k", "l1_coefficient", "lr", "seed"]
    return main.filter(differing.contains)
  }

  package func page(in folder: String) -> ComparisonPage {
    let models = Set(runs.compactMap { $0.options["model_name"] }).sorted()
    let hooks = Set(runs.compactMap { $0.options["hook_name"] }).sorted()
    return ComparisonPage(
      kind: "SAE comparison", name: runs.map(\.name).joined(separator: ", "),
      facts: models + hooks + ["\(runs.count) SAEs"], runs: runs, columns: columns, pairs: pairs,
      remarks: remarks, in: folder)
  }

  /// The runs for people on a terminal.
  package var table: Table {
    let figures = Figure.shown(.sweep).filter { figure in
      runs.contains { $0.figures?[figure] != nil }
    }
    var table = Table(
      title: "Comparison",
      columns: [.init("run")] + columns.map { .init($0, .right) }
        + figures.map { .init($0.words, .right) }
        + ComparedPair.thresholds.map { .init("latents above \($0)", .right) })
    for (index, run) in runs.enumerated() {
      let pair = pairs.first { $0.second == index }
      table.add(
        [run.name + (run.absence.map { " (\($0))" } ?? "")]
          + columns.map { run.options[$0] ?? "–" }
          + figures.map { run.figures?.text($0) ?? "–" }
          + ComparedPair.thresholds.map { threshold in
            pair?.ofFirst.share(above: threshold).map { Readable.percent($0) } ?? ""
          })
    }
    return table
  }

  package var json: JSON {
    [
      "runs": .array(
        runs.map { run in
          [
            "name": .string(run.name), "folder": .string(run.folder),
            "figures": .object(
              Dictionary(
                (run.figures ?? [:]).map { ($0.figure.name, $0.figure.json($0.value)) },
                uniquingKeysWith: { $1 })),
            "options": .object(run.options.mapValues { .string($0) }),
          ]
        }),
      "latents": .array(pairs.flatMap { $0.json(runs) }),
      "remarks": .array(remarks.map { .string($0) }),
    ]
  }
}

enum CompareCommand {
  static let verb = Verb(
    "compare",
    "Compare SAEs on one page, the first with the others.",
    operands: ["RUN…"],
    flags: [
      VerbFlag("--output", value: "FILE", "The page; compare.html if not given."),
      StatusCommand.storeFlag,
    ], input: .flags)

  static func run(_ invocation: Invocation) throws {
    let store = invocation.options[StatusCommand.storeFlag.name] ?? Pipeline().store
    var comparison = try RunComparison(
      try RunNames(store: store).folders(invocation.operands))
    let mode: Shared.Progress.Mode = invocation.isQuiet ? .quiet : .automatic
    let progress = Shared.Progress(
      stage: "match", unit: "pairs", total: comparison.runs.count - 1, mode: mode)
    try comparison.matchLatents { _, _ in progress.advance(1) }
    progress.finish()
    let path = invocation.options["--output"] ?? ComparisonPage.fileName
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    try AtomicFile.replace(path, with: comparison.page(in: folder).html)
    if !invocation.isQuiet {
      comparison.table.print()
      for remark in comparison.remarks { Terminal.standardError.print("note: " + remark) }
    }
    var json = comparison.json.object ?? [:]
    json["page"] = .string(path)
    print(invocation.isJSON ? JSON.object(json).canonical : path)
  }
}
