// What `help TOPIC` prints. A topic is a section, an option (`k`, `train.k`, an older name), a value of an
// option, a flag or a verb. Leaves: text, or the error that names the nearest topic.

enum HelpTopic {
  static func text(
    _ topic: String, of program: ProgramDescription
  ) throws(CommandLineError) -> String {
    // A section may have the name of a verb.
    let both = [verb(topic, program), section(topic)].compactMap(\.self)
    let lines =
      (both.isEmpty ? nil : Array(both.joined(separator: [""])))
      ?? options(topic) ?? inert(topic) ?? flag(topic, program) ?? value(topic)
    guard let lines else {
      throw .unknownTopic(topic, known: words(program), program: program.name)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Everything that a topic may be called.
  static func words(_ program: ProgramDescription) -> [String] {
    let verbs = program.allVerbs
    let settings = Pipeline.tables.flatMap { table in
      [table.name] + table.keys
        + table.rows.map { table.name.isEmpty ? $0.name : "\(table.name).\($0.name)" }
    }
    let flags = Flag.of(program).map(\.rawValue) + verbs.flatMap { $0.flags.map(\.name) }
    return (settings + verbs.map(\.name) + flags).filter { !$0.isEmpty }
  }

  private static func section(_ topic: String) -> [String]? {
    Pipeline.tables.first { $0.name == topic && !topic.isEmpty }.map(Help.section)
  }

  /// The section that a topic names before its dot, if any, and the key behind it.
  private static func places(_ topic: String) -> (tables: [SectionTable], key: String) {
    let parts = topic.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return (Pipeline.tables, topic) }
    return (Pipeline.tables.filter { $0.name == parts[0] }, parts[1])
  }

  private static func options(_ topic: String) -> [String]? {
    let (tables, key) = places(topic)
    let pages = tables.compactMap { table in
      table.row(key).map { OptionPage.lines(of: $0, in: table) }
    }
    return pages.isEmpty ? nil : Array(pages.joined(separator: [""]))
  }

  private static func inert(_ topic: String) -> [String]? {
    let (tables, key) = places(topic)
    let pages = tables.compactMap { table in
      table.inert(key).map { OptionPage.lines(of: $0, in: table) }
    }
    return pages.isEmpty ? nil : Array(pages.joined(separator: [""]))
  }

  private static func verb(_ topic: String, _ program: ProgramDescription) -> [String]? {
    let all = program.allVerbs
    guard let verb = all.first(where: { $0.name == topic || $0.alias == topic }) else {
      return nil
    }
    let (name, help) = Help.named(verb)
    let file = verb.input.shown.map { " " + $0 } ?? ""
    let flags = verb.flags.isEmpty ? "" : " [flags]"
    var lines = ["usage: \(program.name) \(name)\(file)\(flags)", ""]
    lines += HelpLayout.wrap("  " + help, indent: "  ")
    if let alias = verb.alias { lines += ["", "  Also \(alias)."] }
    if !verb.flags.isEmpty { lines += [""] + HelpLayout.columns(verb.flags.map(Help.named)) }
    return lines
  }

  private static func flag(_ topic: String, _ program: ProgramDescription) -> [String]? {
    let name = topic.hasPrefix("-") ? topic : "--" + topic
    if let flag = Flag(name) { return HelpLayout.columns([Help.named(flag)]) }
    return program.verbs.lazy.compactMap { verb in
      verb.flags.first { $0.name == name }.map { flag in
        HelpLayout.columns([Help.named(flag)]) + ["", "  A flag of the verb \(verb.name)."]
      }
    }.first
  }

  /// The options that take a word, and those of the same section that speak of it.
  private static func value(_ topic: String) -> [String]? {
    let found = Pipeline.tables.flatMap { table in
      table.rows.filter { $0.words.contains(topic) }.map { (table, $0) }
    }
    guard let (table, row) = found.first else { return nil }
    let places = found.map { "\($0.name).\($1.name)" }
    var lines = ["\(topic) is a value of \(Spelling.alternatives(places, "and"))."]
    let kin = table.rows.filter { other in
      other.name != row.name
        && (other.architectures.contains { $0.rawValue == topic }
          || other.help.split { !($0.isLetter || $0 == "_") }.contains(Substring(topic)))
    }
    if !kin.isEmpty {
      lines += HelpLayout.wrap(
        "Options that go with it: \(kin.map(\.name).joined(separator: ", ")).", indent: "")
    }
    return lines + [""] + OptionPage.lines(of: row, in: table)
  }
}
