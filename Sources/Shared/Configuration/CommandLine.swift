// The command line of the three programs: a verb, flags, and overrides of the pipeline file.

/// What a verb works on.
package enum VerbInput: Sendable, Equatable {
  case pipelineFile
  /// A pipeline file, or a folder.
  case pipelineFileOrFolder
  /// What its own flags name.
  case flags

  /// What it is called in help; nil where nothing is given.
  package var shown: String? {
    switch self {
    case .pipelineFile: "FILE"
    case .pipelineFileOrFolder: "FILE|FOLDER"
    case .flags: nil
    }
  }
}

/// A word that a program does something else by than its stage.
package struct Verb: Sendable, Equatable {
  package let name: String
  package let help: String
  /// The names of what must follow the verb; of what may follow it, in brackets.
  ///
  /// The last one may end in …: there may be several of it.
  package let operands: [String]
  /// The flags that only this verb has.
  package let flags: [VerbFlag]
  /// A flag that means the same as the verb.
  package let alias: String?
  package let input: VerbInput
  /// Whether the one screen of help lists it; `--help-all` lists every verb.
  package let isShown: Bool

  package init(
    _ name: String, _ help: String, operands: [String] = [], flags: [VerbFlag] = [],
    alias: String? = nil, input: VerbInput = .pipelineFile, isShown: Bool = true
  ) {
    self.input = input
    self.isShown = isShown
    self.name = name
    self.help = help
    self.operands = operands
    self.flags = flags
    self.alias = alias
  }

  static func repeats(_ operand: String) -> Bool {
    operand.hasSuffix("…") || operand.hasSuffix("…]")
  }
}

/// A flag of one verb.
package struct VerbFlag: Sendable, Equatable {
  /// As it is typed: `--output`.
  package let name: String
  /// What the value is called in help; nil for flags without one.
  package let value: String?
  package let help: String

  package init(_ name: String, value: String? = nil, _ help: String) {
    self.name = name
    self.value = value
    self.help = help
  }
}

/// A command line to show in help, without the program's name.
package struct Example: Sendable, Equatable {
  package let words: String
  package let purpose: String

  package init(_ words: String, _ purpose: String) {
    self.words = words
    self.purpose = purpose
  }
}

/// What a program tells about itself.
package struct ProgramDescription: Sendable {
  /// As it is typed: `saeline-train`.
  package let name: String
  package let summary: String
  /// The section whose stage the program is, first, and further ones that it reads alone.
  package let sections: [String]
  package let verbs: [Verb]
  package let examples: [Example]
  /// The program's own verbs, and those of every program.
  package var allVerbs: [Verb] { verbs + CommonVerb.described }
  /// The setting that limits threads; 0 there means every processor that may be used.
  package let threads: @Sendable (Pipeline) -> Int

  package init(
    name: String, summary: String, sections: [String], verbs: [Verb] = [],
    examples: [Example] = [],
    threads: @escaping @Sendable (Pipeline) -> Int
  ) {
    self.name = name
    self.summary = summary
    self.sections = sections
    self.verbs = verbs
    self.examples = examples
    self.threads = threads
  }
}

/// A command line that a program does not understand.
package enum CommandLineError: Failure, Equatable {
  case unknownFlag(String, known: [String], program: String)
  case missingValue(String)
  case unwantedValue(String)
  case repeated(String)
  case noConfig(program: String)
  case unknownVerb(String, known: [String], program: String)
  case unexpectedWord(String)
  case missingOperand(String, verb: String)
  case missingFlag(String, verb: String)
  case foreignFlag(String, verbs: [String])
  case badOverride(String)
  case unknownTopic(String, known: [String], program: String)
  case unknownShell(String, known: [String])

  package var sentence: String {
    switch self {
    case .unknownFlag(let flag, let known, _):
      "\(flag) is no flag\(CommandLineError.advice(flag, known))"
    case .missingValue(let flag): "\(flag) needs a value."
    case .unwantedValue(let flag): "\(flag) takes no value."
    case .repeated(let flag): "\(flag) is given twice."
    case .noConfig: "No pipeline file is given."
    case .unknownVerb(let word, let known, _):
      Spelling.nearest(word, in: known).map { "\(word) is no verb; did you mean \($0)?" }
        ?? "\(word) is neither a verb nor a file."
    case .unexpectedWord(let word): "\(word) was not expected."
    case .missingOperand(let operand, let verb): "\(verb) needs \(operand)."
    case .missingFlag(let flag, let verb): "\(verb) needs \(flag)."
    case .foreignFlag(let flag, let verbs):
      "\(flag) belongs to the verb \(Spelling.alternatives(verbs))."
    case .badOverride(let text): "--set \(text) is not of the form section.key=value."
    case .unknownTopic(let word, let known, _):
      "There is no help on \(word)\(CommandLineError.advice(word, known))"
    case .unknownShell(let word, let known):
      "\(word) is no shell that completions are made for; \(Spelling.alternatives(known)) is."
    }
  }

  package var hint: String? {
    switch self {
    case .unknownFlag(_, _, let program), .unknownVerb(_, _, let program):
      "\(program) --help lists verbs and flags."
    case .unknownTopic(_, _, let program):
      "Topics are sections, options, flags and verbs; \(program) --help-all lists them."
    case .noConfig(let program): "Run \(program) FILE, such as \(program) pipelines/demo.json5."
    case .badOverride:
      "For example: --set train.lr=1e-4 or --set 'cache.hook_names=[\"a\", \"b\"]'."
    case .missingValue, .unwantedValue, .repeated, .unexpectedWord, .missingOperand,
      .missingFlag, .foreignFlag, .unknownShell:
      nil
    }
  }

  private static func advice(_ word: String, _ known: [String]) -> String {
    Spelling.nearest(word, in: known).map { "; did you mean \($0)?" } ?? "."
  }
}

/// A flag of every program.
enum Flag: String, CaseIterable {
  case config = "--config"
  case set = "--set"
  case dryRun = "--dry-run"
  case quiet = "--quiet"
  case json = "--json"
  case verify = "--verify"
  case activations = "--activations"
  case verbose = "--verbose"
  case help = "--help"
  case helpAll = "--help-all"
  case version = "--version"

  init?(_ word: String) {
    switch word {
    case "-h": self = .help
    default: self.init(rawValue: word)
    }
  }

  /// Whether a program has the flag.
  func belongs(to program: ProgramDescription) -> Bool {
    self != .activations || program.sections.contains(TrainSettings.sectionName)
  }

  /// The flags of a program.
  static func of(_ program: ProgramDescription) -> [Flag] {
    allCases.filter { $0.belongs(to: program) }
  }

  /// What the value is called in help; nil for flags without one.
  var value: String? {
    switch self {
    case .config: "FILE"
    case .set: "KEY=VALUE"
    case .activations: "FOLDER"
    default: nil
    }
  }

  var help: String {
    switch self {
    case .config: "The pipeline file, where it does not stand alone."
    case .set: "Replace a setting, as in train.k=32; may be repeated."
    case .dryRun: "Print the bill (bytes, memory, time) and write nothing."
    case .quiet: "Print no progress and no notes."
    case .json: "Print the result as JSON."
    case .verify: "Compare hashes of all input files, not only sizes."
    case .activations: "Train on this folder, where the store has several."
    case .verbose: "Print every note, also of options that change nothing."
    case .help: "Print one screen of help; behind a verb, what it does."
    case .helpAll: "Print help on every verb, flag and setting."
    case .version: "Print the version."
    }
  }
}

/// The words after a program's name, sorted out but not yet looked up.
package struct Arguments: Sendable, Equatable {
  package var verb: String?
  package var operands: [String] = []
  package var config: String?
  package var activations: String?
  package var overrides: [String] = []
  /// The values of the verb's own flags; empty for those without one.
  package var options: [String: String] = [:]
  private(set) var switches: Set<Flag> = []

  func has(_ flag: Flag) -> Bool { switches.contains(flag) }

  /// Sorts out the words of a command line.
  package init(_ words: [String], for program: ProgramDescription) throws(CommandLineError) {
    var rest = words[...]
    var plain: [String] = []
    while let word = rest.popFirst() {
      // Behind help a flag is what help is wanted on.
      if word.hasPrefix("-") && word.count > 1 && plain.first != CommonVerb.help.rawValue {
        try takeFlag(word, &rest, program)
      } else {
        plain.append(word)
      }
    }
    let verbs = program.allVerbs
    try place(plain[...], verbs, program)
    if has(.help) || has(.helpAll) || has(.version) { return }
    let known = verbs.first { $0.name == verb }
    try checkFlags(of: known, program)
    if config == nil, known?.input != .flags { throw .noConfig(program: program.name) }
  }

  private mutating func takeFlag(
    _ word: String, _ rest: inout ArraySlice<String>, _ program: ProgramDescription
  ) throws(CommandLineError) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    if let known = program.verbs.first(where: { $0.alias == name }) {
      guard parts.count == 1 else { throw .unwantedValue(name) }
      guard verb == nil else { throw .unexpectedWord(name) }
      verb = known.name
      return
    }
    guard let flag = Flag(name), flag.belongs(to: program) else {
      let ownFlags = program.allVerbs.flatMap {
        $0.flags.map(\.name) + [$0.alias].compactMap(\.self)
      }
      guard ownFlags.contains(name) else {
        let known = Flag.of(program).map(\.rawValue) + ownFlags
        throw .unknownFlag(name, known: known, program: program.name)
      }
      if options[name] != nil { throw .repeated(name) }
      let own = program.allVerbs.lazy.flatMap(\.flags).first { $0.name == name }
      if own?.value == nil, parts.count > 1 { throw .unwantedValue(name) }
      options[name] = own?.value == nil ? "" : try value(of: name, parts, &rest)
      return
    }
    guard flag.value != nil else {
      if parts.count > 1 { throw .unwantedValue(name) }
      switches.insert(flag)
      return
    }
    let value = try value(of: name, parts, &rest)
    switch flag {
    case .set: overrides.append(value)
    case .activations:
      if activations != nil { throw .repeated(name) }
      activations = value
    default:
      if config != nil { throw .repeated(name) }
      config = value
    }
  }

  /// What stands behind a flag's equals sign, or the next word.
  private func value(
    of name: String, _ parts: [Substring], _ rest: inout ArraySlice<String>
  ) throws(CommandLineError) -> String {
    guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst(), !value.isEmpty else {
      throw .missingValue(name)
    }
    return value
  }

  private func checkFlags(
    of verb: Verb?, _ program: ProgramDescription
  ) throws(CommandLineError) {
    let flags = verb?.flags ?? []
    if let foreign = options.keys.sorted().first(where: { name in
      !flags.contains { $0.name == name }
    }) {
      throw .foreignFlag(
        foreign,
        verbs: program.allVerbs.filter { $0.flags.contains { $0.name == foreign } }.map(\.name))
    }
  }
}
