// The text of `--help`, one screen of 80 columns, and that of `--help-all`. Comes in: what a program tells
// about itself and the tables of settings. Leaves: text.

/// The texts of help.
package enum Help {
  /// One screen: how the program is called, its verbs and flags, and examples.
  package static func page(of program: ProgramDescription) -> String {
    var lines = opening(program)
    let verbs = program.allVerbs.filter(\.isShown).map(named)
    let flags = shownFlags(program)
    let first = ((verbs + flags).map(\.0.count).max() ?? 0) + 4
    lines += ["", "verbs, in place of the stage:"] + HelpLayout.columns(verbs, least: first)
    lines += ["", "flags:"] + HelpLayout.columns(flags, least: first)
    if !program.examples.isEmpty {
      lines += ["", "examples:"]
      lines += HelpLayout.columns(
        program.examples.map { ("\(program.name) \($0.words)", $0.purpose) })
    }
    let own = program.sections.first ?? ""
    lines += [""] + HelpLayout.wrap(requirement(program), indent: "")
    lines.append("More on its options: \(program.name) help \(own), or help OPTION.")
    return lines.joined(separator: "\n") + "\n"
  }

  /// Everything that there is to say about a program: its verbs, flags and settings.
  package static func whole(of program: ProgramDescription) -> String {
    let verbs = program.allVerbs
    var lines = opening(program)
    lines += ["", "verbs, in place of the stage:"] + HelpLayout.columns(verbs.map(named))
    for verb in verbs where !verb.flags.isEmpty {
      lines += ["", "flags of \(verb.name):"]
      lines += HelpLayout.columns(verb.flags.map(named))
    }
    lines += ["", "flags:"] + HelpLayout.columns(Flag.of(program).map(named))
    for table in tables(of: program) { lines += [""] + section(table) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The sections that a program reads, what stands outside of sections first.
  static func tables(of program: ProgramDescription) -> [SectionTable] {
    ([""] + program.sections).compactMap { name in Pipeline.tables.first { $0.name == name } }
  }

  /// Every setting of a section with its default and its help.
  static func section(_ table: SectionTable) -> [String] {
    let title = table.name.isEmpty ? "settings" : "\(table.name) settings"
    let items = table.rows.map { row in
      let older = row.olderDefault.map { " (older \($0.canonical))" } ?? ""
      let aliases = row.aliases.isEmpty ? "" : " Also \(row.aliases.joined(separator: ", "))."
      let need = RequiredOptions.words(row, of: table).map { "  (\($0))" } ?? ""
      let start = OptionTables.shownDefault(row)
      return (
        "\(row.name) = \(start)\(older)\(need)",
        "\(row.help)\(aliases) [\(row.kind)]"
      )
    }
    var lines = HelpLayout.wrap("\(title) (\(table.summary.lowercasedFirst)):", indent: "  ")
    lines += HelpLayout.stacked(items)
    if !table.inertSettings.isEmpty {
      let names = table.inertSettings.map(\.name).joined(separator: ", ")
      lines += HelpLayout.wrap(
        "  Accepted for SAELens's sake, without effect: \(names).", indent: "  ")
    }
    return lines
  }

  private static func opening(_ program: ProgramDescription) -> [String] {
    [
      "\(program.name): \(program.summary)", "",
      "usage: \(program.name) [VERB] FILE [--set SECTION.KEY=VALUE ...] [flags]",
    ]
  }

  /// What the pipeline file must say for this program.
  private static func requirement(_ program: ProgramDescription) -> String {
    let table = program.sections.first.flatMap { name in
      Pipeline.tables.first { $0.name == name }
    }
    let needed = table.map { table in RequiredOptions.always(table).map { "\(table.name).\($0)" } }
    let words = Spelling.alternatives(needed ?? [], "and")
    return "FILE is the pipeline file (JSON5)"
      + (words.isEmpty ? "." : "; it must have \(words).")
  }

  /// The flags of the one screen; those that print texts share a line, those of rare needs are left out.
  private static func shownFlags(_ program: ProgramDescription) -> [(String, String)] {
    let others: [Flag] = [.help, .helpAll, .version, .activations, .verify, .verbose]
    return Flag.of(program).filter { !others.contains($0) }.map(named)
      + [("--help --version", "Print this, or the version; --help-all tells all.")]
  }

  static func named(_ verb: Verb) -> (String, String) {
    (([verb.name] + verb.operands).joined(separator: " "), verb.help)
  }

  static func named(_ flag: VerbFlag) -> (String, String) {
    (([flag.name] + [flag.value].compactMap(\.self)).joined(separator: " "), flag.help)
  }

  static func named(_ flag: Flag) -> (String, String) {
    (([flag.rawValue] + [flag.value].compactMap(\.self)).joined(separator: " "), flag.help)
  }
}
