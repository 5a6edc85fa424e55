// The verbs that every program has. They print texts about the program itself and need no pipeline file.

enum CommonVerb: String, CaseIterable {
  case help
  case completion
  case manual

  static var described: [Verb] { allCases.map(\.verb) }

  private var verb: Verb {
    switch self {
    case .help:
      Verb(
        rawValue, "Explain a section, an option, a flag or a verb.", operands: ["[TOPIC]"],
        needsFile: false)
    case .completion:
      Verb(
        rawValue, "Print completions for \(Spelling.alternatives(Shell.names)).",
        operands: ["SHELL"], needsFile: false)
    case .manual:
      Verb(rawValue, "Print the page for man.", needsFile: false)
    }
  }

  /// What the verb prints.
  static func text(
    _ arguments: Arguments, for program: ProgramDescription
  ) throws(CommandLineError) -> String? {
    guard let verb = arguments.verb.flatMap(CommonVerb.init) else { return nil }
    switch verb {
    case .help:
      guard let topic = arguments.operands.first else { return Help.page(of: program) }
      return try HelpTopic.text(topic, of: program)
    case .completion:
      let name = arguments.operands[0]
      guard let shell = Shell(rawValue: name) else {
        throw .unknownShell(name, known: Shell.names)
      }
      return shell.completions(of: CompletionWords(program))
    case .manual: return ManualPage.text(of: program)
    }
  }
}

extension Verb {
  /// Whether the one screen of help lists the verb.
  var isShown: Bool { name != CommonVerb.manual.rawValue }
}
