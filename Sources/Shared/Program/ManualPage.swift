// The page for man that a program prints of itself. Comes in: what it tells about itself and the tables of
// settings. Leaves: text in the macros of man(7).

enum ManualPage {
  static func text(of program: ProgramDescription) -> String {
    let verbs = program.allVerbs
    var lines = [
      ".TH \(escaped(program.name.uppercased())) 1 \"\" \"\(Product.name) \(Product.version)\"",
      ".nh", ".ad l", ".SH NAME",
      "\(escaped(program.name)) \\- \(escaped(program.summary.lowercasedFirst))",
      ".SH SYNOPSIS",
      ".B \(escaped(program.name))",
      "[\\fIVERB\\fR] \\fIFILE\\fR [\\fB\\-\\-set\\fR \\fISECTION.KEY=VALUE\\fR ...] [\\fIflags\\fR]",
      ".SH DESCRIPTION",
      escaped(
        "\(program.summary) FILE is the pipeline file (JSON5) that the three programs share. Results go to "
          + "standard output, text for people to standard error."),
      ".SH VERBS", "In place of the program's stage:",
    ]
    for verb in verbs {
      lines += item(Help.named(verb))
      for flag in verb.flags { lines += [".RS"] + item(Help.named(flag)) + [".RE"] }
    }
    lines += [".SH FLAGS"] + Flag.of(program).flatMap { item(Help.named($0)) }
    lines.append(".SH SETTINGS")
    for table in Help.tables(of: program) { lines += settings(table) }
    lines += [".SH EXIT STATUS"]
    for (code, words) in ExitCode.described { lines += item(("\(code.rawValue)", words)) }
    if !program.examples.isEmpty { lines.append(".SH EXAMPLES") }
    for example in program.examples {
      lines += item(("\(program.name) \(example.words)", example.purpose))
    }
    lines += [".SH SEE ALSO", seeAlso(program)]
    return lines.joined(separator: "\n") + "\n"
  }

  private static func settings(_ table: SectionTable) -> [String] {
    let title = table.name.isEmpty ? table.summary : "\(table.name): \(table.summary)"
    return [".SS \(escaped(title))"]
      + table.rows.flatMap { row in
        let need = RequiredOptions.words(row, of: table).map { " (\($0))" } ?? ""
        let also = row.aliases.isEmpty ? "" : " Also \(row.aliases.joined(separator: ", "))."
        return item(
          (
            row.name + need,
            "\(row.help)\(also) [\(row.kind)] Default: \(OptionTables.shownDefault(row))."
          ))
      }
  }

  private static func item(_ item: (name: String, text: String)) -> [String] {
    [".TP", ".B \(escaped(item.name))", escaped(item.text)]
  }

  private static func seeAlso(_ program: ProgramDescription) -> String {
    ["saeline-pretokenize", "saeline-cache", "saeline-train"].filter { $0 != program.name }
      .map { "\\fB\(escaped($0))\\fR(1)" }.joined(separator: ", ")
  }

  /// A code point as roff names it, in four digits or more.
  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// A text in which nothing is a request or an escape of roff.
  private static func escaped(_ text: String) -> String {
    let inner = text.reduce(into: "") { result, character in
      switch character {
      case "\\": result += "\\e"
      case "-": result += "\\-"
      case "\"": result += "\\(dq"
      default:
        // Pages are read in any encoding.
        result += character.unicodeScalars.map { scalar in
          scalar.isASCII ? String(scalar) : "\\[u\(hexadecimal(scalar.value))]"
        }.joined()
      }
    }
    return inner.hasPrefix(".") || inner.hasPrefix("'") ? "\\&" + inner : inner
  }
}

extension ExitCode {
  /// The codes in order with what they mean.
  static let described: [(ExitCode, String)] = [
    (.done, "Done, or nothing to do."), (.failed, "Failed."),
    (.wrongInput, "Wrong input or configuration; one sentence says what, where and what to do."),
    (.interrupted, "Interrupted; the same command continues."),
  ]
}
