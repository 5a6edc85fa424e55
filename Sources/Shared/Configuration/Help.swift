// The text of `--help` and the option tables of the README, both made from the tables of settings.

/// The text of `--help`.
package enum Help {
  private static let width = 100

  package static func text(for program: ProgramDescription) -> String {
    let verb = program.verbs.isEmpty ? "" : "[VERB] "
    var lines = ["\(program.name): \(program.summary)", ""]
    lines.append(
      "usage: \(program.name) \(verb)--config FILE [--set SECTION.KEY=VALUE ...] [flags]")
    if !program.verbs.isEmpty {
      lines += ["", "verbs:"]
      let names = program.verbs.map { ([$0.name] + $0.operands).joined(separator: " ") }
      lines += columns(zip(names, program.verbs.map(\.help)).map { ($0, $1) })
    }
    for verb in program.verbs where !verb.flags.isEmpty {
      lines += ["", "flags of \(verb.name):"]
      lines += columns(verb.flags.map { ("\($0.name) \($0.value)", $0.help) })
    }
    lines += ["", "flags:"]
    lines += columns(
      Flag.allCases.filter { $0.belongs(to: program) }
        .map { ([$0.rawValue] + [$0.value].compactMap(\.self), $0.help) }
        .map { ($0.joined(separator: " "), $1) })
    for table in tables(of: program) { lines += section(table) }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func tables(of program: ProgramDescription) -> [SectionTable] {
    let names = [""] + program.sections
    return names.compactMap { name in Pipeline.tables.first { $0.name == name } }
  }

  private static func section(_ table: SectionTable) -> [String] {
    let title = table.name.isEmpty ? "settings" : "\(table.name) settings"
    let items = table.rows.map { row in
      let aliases = row.aliases.isEmpty ? "" : " Also \(row.aliases.joined(separator: ", "))."
      let start = OptionTables.shownDefault(row)
      return (row.name, "\(row.help)\(aliases) [\(row.kind); default \(start)]")
    }
    var lines = ["", "\(title) (\(table.summary.lowercasedFirst)):"] + columns(items)
    if !table.inertSettings.isEmpty {
      let names = table.inertSettings.map(\.name).joined(separator: ", ")
      lines += wrap("  Accepted for SAELens's sake, without effect: \(names).", indent: "  ")
    }
    return lines
  }

  /// Two columns, the second wrapped.
  private static func columns(_ items: [(String, String)]) -> [String] {
    let first = (items.map(\.0.count).max() ?? 0) + 4
    return items.flatMap { name, help in
      let start = "  " + name + String(repeating: " ", count: first - name.count - 2)
      return wrap(start + help, indent: String(repeating: " ", count: first))
    }
  }

  /// Breaks a line at spaces; those at its start are kept.
  private static func wrap(_ line: String, indent: String) -> [String] {
    var result: [String] = []
    var rest = line[...]
    while rest.count > width {
      let limit = rest.index(rest.startIndex, offsetBy: width)
      let first = rest.index(rest.startIndex, offsetBy: indent.count)
      guard let space = rest[first...limit].lastIndex(of: " ") else { break }
      result.append(String(rest[..<space]))
      rest = (indent + rest[rest.index(after: space)...])[...]
    }
    return result + [String(rest)]
  }
}

extension String {
  fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

/// The option tables of the README.
package enum OptionTables {
  package static let begin = "<!-- options: begin -->"
  package static let end = "<!-- options: end -->"

  package static var markdown: String {
    (Pipeline.tables.map(settings) + [inert]).joined(separator: "\n")
  }

  private static func settings(_ table: SectionTable) -> String {
    let title =
      table.name.isEmpty ? table.summary : "`\(table.name)`: \(table.summary.lowercasedFirst)"
    let rows = table.rows.map { row in
      let aliases = row.aliases.map { "`\($0)`" }.joined(separator: ", ")
      let also = aliases.isEmpty ? "" : " Also accepted as \(aliases)."
      return "| `\(row.name)` | \(row.kind) | `\(shownDefault(row))` | \(row.help)\(also) |"
    }
    return "### \(title)\n\n| option | type | default | meaning |\n|---|---|---|---|\n"
      + rows.joined(separator: "\n") + "\n"
  }

  private static var inert: String {
    let rows = Pipeline.tables.flatMap { table in
      table.inertSettings.map { setting in
        let values = setting.values?.map { "`\($0.canonical)`" }
        return
          "| `\(table.name).\(setting.name)` | \(values.map { Spelling.alternatives($0) } ?? "any")"
          + " | \(setting.why) |"
      }
    }
    return "### SAELens's options that are accepted and do nothing\n\n"
      + "A configuration may contain them; each is noted once. Other values than those listed are "
      + "errors.\n\n| option | accepted values | why |\n|---|---|---|\n"
      + rows.joined(separator: "\n") + "\n"
  }

  static func shownDefault(_ row: SettingRow) -> String {
    row.defaultValue == .string("") ? "none" : row.defaultValue.canonical
  }
}
