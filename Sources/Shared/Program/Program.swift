// The frame around each program: reads the command line and the pipeline file, prints help, turns
// errors into `error:` and `hint:` lines and an exit code. Stages print results themselves.

/// What a program was asked to do.
package struct Invocation: Sendable, Equatable {
  package let pipeline: Pipeline
  /// The runs that `train.sweep` asks for; empty without a sweep.
  package let combinations: [Combination]
  /// The pipeline file, as it was given.
  package let config: String
  package let verb: String?
  package let operands: [String]
  /// The values of the verb's own flags, by name.
  package let options: [String: String]
  package let isDryRun: Bool
  package let isQuiet: Bool
  package let isJSON: Bool
  /// Whether hashes of input files are compared, not only sizes and headers.
  package let verifies: Bool
  /// Whether notes of what changes nothing are printed one by one.
  package let isVerbose: Bool
  /// What a person should read before the stage starts.
  package let notes: [Remark]
}

/// A processor that cannot run the programs.
package struct ProcessorError: Failure, Equatable {
  package let missing: [String]

  package init(missing: [String]) { self.missing = missing }

  package var sentence: String {
    "This processor lacks \(Spelling.alternatives(missing, "and")), which this build needs."
  }

  package var hint: String? {
    "Run on an x86-64 processor of 2013 or later, or give the virtual machine its host's processor."
  }
}

/// A store that is only read and that is not there, as where a disk is not mounted.
package struct MissingStore: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String {
    "store: \(path) is not there, from which finished stages are read."
  }
  package var hint: String? { "Mount it, or take it off the list; only the first store is made." }
}

package enum Program {
  /// What came of a command line.
  package enum Request: Sendable, Equatable {
    case print(String)
    case run(Invocation)
  }

  /// Runs a program from its command line to its exit code.
  package static func main(
    _ program: ProgramDescription, run: (Invocation) throws -> Void
  ) -> Never {
    System.openStandardStreams()
    System.restartWithoutLibraryThreads()
    do {
      try checkProcessor()
      let words = CommandLine.arguments
      switch try request(Array(words.dropFirst()), for: program, startedAs: words.first) {
      case .print(let text): print(text, terminator: "")
      case .run(let invocation):
        System.catchInterrupts()
        let threads = program.threads(invocation.pipeline)
        Parallel.threadCount = threads == 0 ? Processors.available : threads
        Parallel.fitToSystem()
        if !invocation.isQuiet { say(notes(of: invocation)) }
        try run(invocation)
      }
    } catch {
      let (text, code) = report(error)
      say(text)
      System.endProcess(code)
    }
    System.endProcess(.done)
  }

  /// Understands a command line; the words follow the program's name, or whatever it was started as.
  package static func request(
    _ words: [String], for program: ProgramDescription, startedAs path: String? = nil
  ) throws -> Request {
    let arguments = try Arguments(words, for: program)
    if arguments.has(.helpAll) { return .print(Help.whole(of: program)) }
    if arguments.has(.help) { return .print(try help(arguments, program)) }
    if arguments.has(.version) { return .print("\(program.name) \(Product.version)\n") }
    if let text = try CommonVerb.text(arguments, for: program) { return .print(text) }
    let file = try pipelineFile(arguments, program)
    let notes = (file?.notes ?? []).filter {
      $0.section.isEmpty || program.sections.contains($0.section)
    }
    if arguments.verb == CommonVerb.sbatch.rawValue, let file {
      return .print(script(file, program, [path ?? program.name] + words))
    }
    let activations = arguments.activations.map(HomeFolder.expanded)
    var pipeline = file?.pipeline ?? Pipeline()
    pipeline.chosenActivations = activations
    let combinations = (file?.combinations ?? []).map { combination in
      var pipeline = combination.pipeline
      pipeline.chosenActivations = activations
      return combination.with(pipeline)
    }
    return .run(
      Invocation(
        pipeline: pipeline, combinations: combinations, config: arguments.config ?? "",
        verb: arguments.verb, operands: arguments.operands.map(HomeFolder.expanded),
        options: arguments.options.mapValues(HomeFolder.expanded), isDryRun: arguments.has(.dryRun),
        isQuiet: arguments.has(.quiet), isJSON: arguments.has(.json),
        verifies: arguments.has(.verify), isVerbose: arguments.has(.verbose), notes: notes))
  }

  /// The script of the jobs of a program's stage, in which a worker is the same command line without the verb.
  private static func script(
    _ file: PipelineFile, _ program: ProgramDescription, _ words: [String]
  ) -> String {
    var command = words
    // A word of this kind is the verb, wherever flags and their values stand.
    if let verb = command.dropFirst().firstIndex(of: CommonVerb.sbatch.rawValue) {
      command.remove(at: verb)
    }
    return JobScript(
      file.pipeline, runs: max(1, file.combinations.count), stage: program.sections[0],
      program: program.name, command: command
    ).text
  }

  /// The pipeline file; nil where there is none, or a folder in its place.
  private static func pipelineFile(
    _ arguments: Arguments, _ program: ProgramDescription
  ) throws -> PipelineFile? {
    guard let path = arguments.config else { return nil }
    let verb = program.verbs.first { $0.name == arguments.verb }
    if verb?.input == .pipelineFileOrFolder, System.isDirectory(HomeFolder.expanded(path)) {
      guard arguments.overrides.isEmpty else { throw CommandLineError.unexpectedWord("--set") }
      return nil
    }
    let file = try PipelineFile.read(
      path, overrides: arguments.overrides, running: program.sections.first)
    for store in file.pipeline.stores.read where !System.isDirectory(store) {
      throw MissingStore(path: store)
    }
    return file
  }

  /// The notes as they are printed: those of options that change nothing in one line, but on request.
  package static func notes(of invocation: Invocation) -> String {
    let idle = invocation.notes.filter { $0.weight == .changesNothing }
    let isShort = idle.count > 1 && !invocation.isVerbose
    let listed = isShort ? invocation.notes.filter { $0.weight == .counts } : invocation.notes
    var lines = listed.map { "note: " + $0.line }
    if isShort {
      lines.append("note: \(idle.count) options change nothing here (--verbose lists them).")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The one screen of help, or behind a verb what there is to say about that.
  private static func help(
    _ arguments: Arguments, _ program: ProgramDescription
  ) throws(CommandLineError) -> String {
    guard let verb = arguments.verb else { return Help.page(of: program) }
    return try HelpTopic.text(verb, of: program)
  }

  /// What is written to stderr for an error, and the exit code.
  ///
  /// What names and contents of files could command the terminal is not among it.
  package static func report(_ error: any Error) -> (text: String, code: ExitCode) {
    let failure = error as? any Failure
    let hint = failure?.hint.map { "hint: \($0)\n" } ?? ""
    let text = "error: \(failure?.sentence ?? "\(error)")\n\(hint)"
    return (Terminal.harmless(text), failure?.exitCode ?? .failed)
  }

  /// Writes to stderr; where that is closed there is nobody to tell.
  private static func say(_ text: String) {
    if text.isEmpty { return }
    try? System.write(Array(Terminal.harmless(text).utf8).span.raw, to: 2, path: "stderr")
  }

  private static func checkProcessor() throws(ProcessorError) {
    #if arch(x86_64)
      let missing = missingFeatures(.here)
      if !missing.isEmpty { throw ProcessorError(missing: missing) }
    #endif
  }

  /// The instruction sets that the programs need and a processor is known to lack.
  package static func missingFeatures(_ processor: ProcessorFeatures) -> [String] {
    let needed = [("avx2", "AVX2"), ("fma", "FMA"), ("f16c", "F16C"), ("bmi2", "BMI2")]
    return needed.filter { processor.has($0.0) == false }.map(\.1)
  }
}
