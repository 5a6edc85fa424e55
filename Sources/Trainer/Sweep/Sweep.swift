// The runs of a sweep. Comes in: its combinations. Leaves: for each the folder that its single run
// would have, made by this process or by another one that works on the same sweep.

package import Shared

/// What stops a sweep, or is wrong with parts of it.
package enum SweepError: Failure {
  /// A combination that cannot be run, found before anything has been.
  case combination(String, cause: any Failure)
  /// Combinations that failed, each with a sentence; the others are finished.
  case failed([(combination: String, sentence: String)], of: Int)
  case oneRunOnly(verb: String, count: Int)

  /// What is wrong with the one combination that cannot be run.
  var cause: (any Failure)? {
    guard case .combination(_, let cause) = self else { return nil }
    return cause
  }

  package var sentence: String {
    switch self {
    case .combination(let label, let cause): "\(label): \(cause.sentence)"
    case .failed(let failures, let count):
      "\(failures.count) of \(count) runs failed:\n"
        + failures.map { "  \($0.combination): \($0.sentence)" }.joined(separator: "\n")
    case .oneRunOnly(let verb, let count):
      "\(verb) works on one run, but train.sweep asks for \(count)."
    }
  }

  package var hint: String? {
    switch self {
    case .combination(_, let cause): cause.hint
    case .failed: "Run the same command again to try these once more; what is finished is kept."
    case .oneRunOnly: "Give --set 'train.sweep={}' and the values of one run by --set."
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .combination(_, let cause): cause.exitCode
    case .failed: .failed
    case .oneRunOnly: .wrongInput
    }
  }
}

/// A sweep over caches that have been found.
package struct Sweep: Sendable {
  /// One of its runs.
  package struct Member: Sendable {
    package let combination: Combination
    package let input: RunInput
    package let key: StageKey
    package let folder: StageFolder
  }

  /// What has become of the runs so far, and what they can use of one another.
  struct Work {
    var endings: [Ending?]
    var watch = LeaseWatch()
    var rows = SharedRows()

    var finishedCount: Int { endings.count { $0 != nil } }
  }

  /// What became of a run.
  package enum Ending: Sendable {
    case finished(Figures, didWork: Bool)
    case failed(sentence: String)
  }

  package let name: String
  package let members: [Member]
  private let isShared: Bool
  private let store: Store
  let mode: Shared.Progress.Mode
  private let terminal: Terminal

  /// Finds the cache of every combination, and the folders of the runs.
  package init(
    _ pipeline: Pipeline, combinations: [Combination], through door: (any HubDoor)? = nil,
    verify: StageFolder.Verification = .sizes, mode: Shared.Progress.Mode = .automatic,
    terminal: Terminal = .standardError
  ) throws {
    name = pipeline.name
    isShared = pipeline.train.sweepMode == .shared
    store = Store(pipeline)
    self.mode = mode
    self.terminal = terminal
    var inputs = TrainInputs(pipeline, through: door, verify: verify)
    var missing: [any Error] = []
    members = try combinations.compactMap { [store] combination in
      do { return try Sweep.member(combination, &inputs, store) } catch let error as any Failure {
        let cause = (error as? SweepError)?.cause ?? error
        guard TrainInputs.missing(cause) != nil else { throw error }
        missing.append(error)
        return nil
      }
    }
    if !missing.isEmpty { throw MissingInputs.error(missing) }
    if verify == .digests {
      for member in members { _ = try member.folder.manifest(verify: verify) }
    }
  }

  private static func member(
    _ combination: Combination, _ inputs: inout TrainInputs, _ store: Store
  ) throws -> Member {
    let pipeline = combination.pipeline
    // Where all runs read the same, it is not the combination that lacks it.
    let isParticular =
      inputs.hasFound(pipeline)
      || combination.choices.contains { TrainSettings.inputOptions.contains($0.name) }
    do {
      let pipeline = try inputs.settled(pipeline)
      let input = try inputs.input(pipeline)
      let key = input.key(pipeline)
      return Member(
        combination: combination.with(pipeline), input: input, key: key, folder: store.folder(key))
    } catch let cause as any Failure {
      if !isParticular { throw cause }
      throw SweepError.combination(combination.label, cause: cause)
    }
  }

  /// Of the list of runs, in their order.
  package var fingerprint: String {
    let runs = members.map { JSON.string($0.key.fingerprint) }
    return Digest.of(JSON.object(["runs": .array(runs)]).canonical)
  }

  /// Where the page about the sweep is: in a folder of its own, which is no stage.
  package var pagePath: String {
    "\(store.path)/\(Stage.runs.rawValue)/\(label)/\(SweepPage.fileName)"
  }

  /// What tells this sweep from others.
  private var label: String {
    StageKey.plain("sweep-" + name) + "-" + fingerprint.prefix(StageKey.shownDigits)
  }

  func note(_ text: String) {
    if mode != .quiet { terminal.print(text) }
  }
}

// MARK: - Running

extension Sweep {
  /// Trains every run that nobody has finished and nobody is training, one after another or those
  /// that can share a stream of batches together; then waits for those that others are training, and
  /// takes over from others that died.
  ///
  /// A run that fails stops none of the others. The page is written whenever a run has ended.
  package func run() throws -> [Ending] {
    var work = Work(endings: Array(repeating: nil, count: members.count))
    var hasSaid = false
    // Said once, and not for every run.
    if let open = try members.first(where: { try $0.folder.manifest() == nil }) {
      try RunObservers.check(open.combination.pipeline)
    }
    if isShared { try trainTogether(&work) }
    while true {
      var hasNews = false
      for index in members.indices where work.endings[index] == nil {
        if System.isInterrupted { throw interruption(finished: work.finishedCount) }
        work.endings[index] = try ending(of: index) { try train(index, &work.watch, &work.rows) }
        if work.endings[index] != nil { hasNews = true }
        if work.endings[index]?.didWork == true { try writePage(comparison(work.endings)) }
      }
      let left = members.count - work.finishedCount
      if left == 0 { return work.endings.compactMap(\.self) }
      if hasNews { continue }
      if !hasSaid {
        let open = members.indices.filter { work.endings[$0] == nil }
        let leases = open.map { Run.leasePath(members[$0].folder) }
        note(
          "waiting for the last \(left) of \(members.count) runs"
            + (Waiting.holders(leases).map { "; at work: " + $0 } ?? ""))
      }
      hasSaid = true
      System.sleep(seconds: 0.2)
    }
  }

  /// Measures every finished run again and writes its report.
  package func report() throws -> [Ending] {
    try members.indices.compactMap { index in
      if System.isInterrupted { throw interruption(finished: index) }
      return try ending(of: index) {
        let run = try open(index)
        try run.requireFinished()
        announce(index)
        try run.writeReport(try run.measure())
        return .finished(try Evaluation.read(run: run.folder.path).figures, didWork: true)
      }
    }
  }

  func interruption(finished count: Int) -> Interrupted {
    Interrupted(
      "Stopped after \(count) of \(members.count) runs.",
      hint: "Run the same command again to continue.")
  }

  /// What `work` came to; an error of one run becomes its ending, but for an interruption.
  func ending(of index: Int, _ work: () throws -> Ending?) throws -> Ending? {
    let label = members[index].combination.label
    do { return try work() } catch let stop as Interrupted {
      throw Interrupted("\(label): \(stop.sentence)", hint: stop.hint)
    } catch let loss as LostLease {
      // The run has not ended: the sweep waits for whoever has it.
      note("\(label): \(loss.sentence)")
      return nil
    } catch {
      let sentence = (error as? any Failure)?.sentence ?? "\(error)"
      note("failed: \(label): \(sentence)")
      return .failed(sentence: sentence)
    }
  }

  /// Trains one run; nil where another process is at it.
  private func train(
    _ index: Int, _ watch: inout LeaseWatch, _ rows: inout SharedRows
  ) throws -> Ending? {
    let folder = members[index].folder
    var outcome = Run.Outcome.nothingToDo
    if try folder.manifest() == nil {
      let found = try open(index).runUnlessHeld(&watch) { plan in
        announce(index)
        return try rows.prepare(plan)
      }
      guard let found else { return nil }
      outcome = found
    }
    return .finished(try Evaluation.read(run: folder.path).figures, didWork: outcome == .trained)
  }

  func open(_ index: Int) throws -> Run {
    let member = members[index]
    return try Run(
      member.combination.pipeline, input: member.input, mode: mode, terminal: terminal,
      group: label)
  }

  private func announce(_ index: Int) {
    note("run \(index + 1) of \(members.count): \(members[index].combination.label)")
  }
}

// MARK: - Results

extension Sweep {
  /// The runs beside one another.
  package func comparison(_ endings: [Ending?]) -> SweepComparison {
    let facts = members.map(\.input.source.facts)
    return SweepComparison(
      name: name, options: members.first?.combination.choices.map(\.name) ?? [],
      models: Sweep.distinct(facts.map(\.modelName)), hooks: Sweep.distinct(facts.map(\.hookName)),
      rows: zip(members, endings).map { member, ending in
        SweepComparison.Row(
          values: member.combination.choices.map(\.text), folder: member.folder.path,
          figures: ending?.figures, hasFailed: ending?.failure != nil)
      })
  }

  private static func distinct(_ texts: [String]) -> [String] {
    texts.indices.filter { texts.firstIndex(of: texts[$0]) == $0 }.map { texts[$0] }
  }

  /// Writes the page about the sweep; its curves are read once all runs have ended.
  package func writePage(
    _ comparison: SweepComparison, _ extent: SweepPage.Extent = .figures
  ) throws {
    let folder = String(pagePath.dropLast(SweepPage.fileName.count + 1))
    try System.createDirectories(folder)
    try AtomicFile.replace(pagePath, with: SweepPage(comparison, in: folder, extent).html)
    let place = pagePath.split(separator: "/").suffix(2).joined(separator: "/")
    let link = Page.Link("sweep \(name)", to: "../" + place)
    for row in comparison.rows where row.figures != nil {
      do { try Report.add(link, run: row.folder) } catch is ReportError {
        // Runs of other versions have no data to make their pages of.
      } catch let error as SystemError where error.isAbsence || error.isReadOnly {
        // Runs of others may be closed to this user.
      }
    }
  }

  /// What `--json` prints: the result of each run, as a run by itself prints it, with its values.
  package func result(_ endings: [Ending]) throws -> JSON {
    .array(
      try zip(members, endings).map { member, ending in
        var result: [String: JSON] = [
          "folder": .string(member.folder.path), "fingerprint": .string(member.key.fingerprint),
        ]
        switch ending {
        case .failed(let sentence): result["error"] = .string(sentence)
        case .finished(_, let didWork):
          result =
            try Run.result(
              folder: member.folder, fingerprint: member.key.fingerprint,
              source: member.input.source,
              didWork: didWork
            ).object ?? result
        }
        result["sweep"] = member.combination.json
        result["sweep_report"] = .string(pagePath)
        return .object(result)
      })
  }

  /// Complains of the runs that failed, if any did.
  package func requireSuccess(_ endings: [Ending]) throws(SweepError) {
    let failures = zip(members, endings).compactMap { member, ending in
      ending.failure.map { (combination: member.combination.label, sentence: $0) }
    }
    if !failures.isEmpty { throw .failed(failures, of: members.count) }
  }
}

extension Sweep.Ending {
  package var figures: Figures? {
    guard case .finished(let figures, _) = self else { return nil }
    return figures
  }

  package var didWork: Bool {
    guard case .finished(_, let didWork) = self else { return false }
    return didWork
  }

  package var failure: String? {
    guard case .failed(let sentence) = self else { return nil }
    return sentence
  }
}
