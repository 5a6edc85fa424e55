// What the verbs print that every program has and that need no pipeline file.

extension CommonVerb {
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
    case .sbatch, .stage, .list, .info, .verify, .collect, .copy: return nil
    }
  }
}
