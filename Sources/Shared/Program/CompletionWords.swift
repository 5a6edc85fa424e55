// What a shell may complete of a program's command line. Comes in: what the program tells about itself and
// the tables of settings. Leaves: words with their help.

extension Shell {
  func completions(of words: CompletionWords) -> String {
    switch self {
    case .bash: BashCompletions.text(words)
    case .zsh: ZshCompletions.text(words)
    case .fish: FishCompletions.text(words)
    }
  }
}

/// The words that may stand on a program's command line.
struct CompletionWords {
  struct Word {
    let name: String
    /// What a value is called, for flags that have one.
    let value: String?
    let help: String
  }

  let program: String
  let verbs: [Word]
  /// The flags of the program and of all of its verbs.
  let flags: [Word]
  /// Settings as `section.key`.
  let settings: [Word]
  /// The words that a setting takes, where it takes words, by `section.key`.
  let choices: [(setting: String, words: [String])]
  let topics: [String]

  init(_ program: ProgramDescription) {
    let all = program.allVerbs
    self.program = program.name
    verbs = all.map { Word(name: $0.name, value: nil, help: $0.help) }
    var flags = Flag.of(program).map { Word(name: $0.rawValue, value: $0.value, help: $0.help) }
    for flag in all.flatMap(\.flags) where !flags.contains(where: { $0.name == flag.name }) {
      flags.append(Word(name: flag.name, value: flag.value, help: flag.help))
    }
    self.flags = flags
    let rows = Help.tables(of: program).flatMap { table in
      table.rows.map { (table.name.isEmpty ? $0.name : "\(table.name).\($0.name)", $0) }
    }
    settings = rows.map { Word(name: $0, value: nil, help: $1.help) }
    choices = rows.compactMap { name, row in
      row.words.isEmpty ? nil : (name, row.words)
    }
    topics = Set(HelpTopic.words(program)).sorted()
  }

  /// A shell's function: the program's name with what a name of a function may contain.
  var function: String { "_" + String(program.map { $0.isLetter || $0.isNumber ? $0 : "_" }) }

  /// What a script says of itself.
  func header(_ shell: Shell) -> String {
    "Completions of \(program) for \(shell.rawValue), made by `\(program) completion \(shell.rawValue)`."
  }
}

extension SettingRow {
  /// The words that may be given, without descriptions of other values.
  var words: [String] { choices.filter { !$0.contains(" ") && $0 != "text" } }
}
