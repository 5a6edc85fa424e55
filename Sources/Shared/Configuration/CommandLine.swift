// The command line of the three programs: a verb, flags, and overrides of the pipeline file.

/// A word that a program does something else by than its stage.
package struct Verb: Sendable, Equatable {
  package let name: String
  package let help: String
  /// The names of what must follow the verb.
  package let operands: [String]
  /// The flags that only this verb has.
  package let flags: [VerbFlag]
  /// A flag that means the same as the verb.
  package let alias: String?

  package init(
    _ name: String, _ help: String, operands: [String] = [], flags: [VerbFlag] = [],
    alias: String? = nil
  ) {
    self.name = name
    self.help = help
    self.operands = operands
    self.flags = flags
    self.alias = alias
  }
}

/// A flag of one verb; it has a value.
package struct VerbFlag: Sendable, Equatable {
  /// As it is typed: `--output`.
  package let name: String
  /// What the value is called in help.
  package let value: String
  package let help: String

  package init(_ name: String, value: String, _ help: String) {
    self.name = name
    self.value = value
    self.help = help
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
  /// The setting that limits threads; 0 there means every core.
  package let threads: @Sendable (Pipeline) -> Int

  package init(
    name: String, summary: String, sections: [String], verbs: [Verb] = [],
    threads: @escaping @Sendable (Pipeline) -> Int
  ) {
    self.name = name
    self.summary = summary
    self.sections = sections
    self.verbs = verbs
    self.threads = threads
  }
}

/// A command line that a program does not understand.
package enum CommandLineError: Failure, Equatable {
  case unknownFlag(String, program: String)
  case missingValue(String)
  case unwantedValue(String)
  case repeated(String)
  case noConfig(program: String)
  case unknownVerb(String, known: [String], program: String)
  case unexpectedWord(String)
  case missingOperand(String, verb: String)
  case foreignFlag(String, verbs: [String])
  case badOverride(String)

  package var sentence: String {
    switch self {
    case .unknownFlag(let flag, _): "\(flag) is no flag\(CommandLineError.advice(flag, Flag.names))"
    case .missingValue(let flag): "\(flag) needs a value."
    case .unwantedValue(let flag): "\(flag) takes no value."
    case .repeated(let flag): "\(flag) is given twice."
    case .noConfig: "No pipeline file is given."
    case .unknownVerb(let word, let known, _):
      "\(word) is no verb\(CommandLineError.advice(word, known))"
    case .unexpectedWord(let word): "\(word) was not expected."
    case .missingOperand(let operand, let verb): "\(verb) needs \(operand)."
    case .foreignFlag(let flag, let verbs):
      "\(flag) belongs to the verb \(Spelling.alternatives(verbs))."
    case .badOverride(let text): "--set \(text) is not of the form section.key=value."
    }
  }

  package var hint: String? {
    switch self {
    case .unknownFlag(_, let program), .unknownVerb(_, _, let program):
      "\(program) --help lists every flag and setting."
    case .noConfig(let program): "Run \(program) --config FILE, such as pipelines/demo.json5."
    case .badOverride:
      "For example: --set train.lr=1e-4 or --set 'cache.hook_names=[\"a\", \"b\"]'."
    case .missingValue, .unwantedValue, .repeated, .unexpectedWord, .missingOperand,
      .foreignFlag:
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
  case help = "--help"
  case version = "--version"

  static var names: [String] { allCases.map(\.rawValue) }

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

  /// What the value is called in help; nil for flags without one.
  var value: String? {
    switch self {
    case .config: "FILE"
    case .set: "SECTION.KEY=VALUE"
    case .activations: "FOLDER"
    default: nil
    }
  }

  var help: String {
    switch self {
    case .config: "The pipeline file (JSON5)."
    case .set: "Replace a setting of the file; may be given several times."
    case .dryRun: "Print the bill (tokens, bytes, operations, time) and write nothing."
    case .quiet: "Print no progress and no notes."
    case .json: "Print the result as JSON."
    case .verify: "Compare the hashes of all input files, not only their sizes."
    case .activations: "Train on the activations in this folder, where the store has several."
    case .help: "Print this text."
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
  /// The values of the verb's own flags.
  package var options: [String: String] = [:]
  private(set) var switches: Set<Flag> = []

  func has(_ flag: Flag) -> Bool { switches.contains(flag) }

  /// Sorts out the words of a command line.
  package init(_ words: [String], for program: ProgramDescription) throws(CommandLineError) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("-") && word.count > 1 {
        try takeFlag(word, &rest, program)
      } else if verb == nil && !program.verbs.isEmpty {
        verb = word
      } else {
        operands.append(word)
      }
    }
    if has(.help) || has(.version) { return }
    try checkVerb(program)
    if config == nil { throw .noConfig(program: program.name) }
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
      guard program.verbs.contains(where: { $0.flags.contains { $0.name == name } }) else {
        throw .unknownFlag(name, program: program.name)
      }
      if options[name] != nil { throw .repeated(name) }
      options[name] = try value(of: name, parts, &rest)
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

  private func checkVerb(_ program: ProgramDescription) throws(CommandLineError) {
    var wanted: [String] = []
    var flags: [VerbFlag] = []
    if let verb {
      guard let known = program.verbs.first(where: { $0.name == verb }) else {
        throw .unknownVerb(verb, known: program.verbs.map(\.name), program: program.name)
      }
      (wanted, flags) = (known.operands, known.flags)
    }
    if let foreign = options.keys.sorted().first(where: { name in
      !flags.contains { $0.name == name }
    }) {
      throw .foreignFlag(
        foreign,
        verbs: program.verbs.filter { $0.flags.contains { $0.name == foreign } }.map(\.name))
    }
    if operands.count > wanted.count { throw .unexpectedWord(operands[wanted.count]) }
    if operands.count < wanted.count {
      throw .missingOperand(wanted[operands.count], verb: verb ?? "")
    }
  }
}
