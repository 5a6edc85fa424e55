// All that is known of one option: what it means, takes and changes, and who spells it so.

enum OptionPage {
  static func lines(of row: SettingRow, in table: SectionTable) -> [String] {
    let key = table.name.isEmpty ? row.name : "\(table.name).\(row.name)"
    let need = RequiredOptions.words(row, of: table).map { " (\($0))" } ?? ""
    var items = [("takes", row.kind), ("default", OptionTables.shownDefault(row))]
    if let older = row.olderDefault {
      items.append(("older", "\(older.canonical) (the default of SAELens 3 to 5)"))
    }
    if !row.architectures.isEmpty {
      items.append(("goes with", Spelling.alternatives(row.architectures.map(\.rawValue), "and")))
    }
    if !row.aliases.isEmpty { items.append(("also", row.aliases.joined(separator: ", "))) }
    let origin = OptionOrigin.of(row.name, in: table.name)
    items += [
      ("spelling", origin.words), ("used by", user(table) + consequence(row.effect)),
      ("in a file", example(row, table)), ("or", "--set \(key)=\(value(row))"),
    ]
    return HelpLayout.wrap(key + need, indent: "  ") + [""]
      + HelpLayout.wrap("  " + row.help, indent: "  ") + [""]
      + HelpLayout.columns(items)
  }

  static func lines(of inert: InertSetting, in table: SectionTable) -> [String] {
    let values = inert.values.map { Spelling.alternatives($0.map(\.canonical)) }
    return ["\(table.name).\(inert.name) (accepted, without effect)", ""]
      + HelpLayout.wrap("  " + inert.why, indent: "  ") + [""]
      + HelpLayout.columns([
        ("takes", values ?? "any value"), ("spelling", OptionOrigin.saeLens.words),
      ])
  }

  /// The program whose stage reads a section.
  private static func user(_ table: SectionTable) -> String {
    switch table.name {
    case "", LaunchSettings.sectionName: "all three programs"
    case PretokenizeSettings.sectionName: "saeline-pretokenize"
    case CacheSettings.sectionName: "saeline-cache"
    default: "saeline-train"
    }
  }

  private static func consequence(_ effect: Effect) -> String {
    switch effect {
    case .changes, .changesWhenSet: "; another value runs the stage again"
    case .choosesInput: "; chooses its input"
    case .none: ""
    }
  }

  private static func example(_ row: SettingRow, _ table: SectionTable) -> String {
    let member = "\(row.name): \(value(row, quoted: true))"
    return table.name.isEmpty ? member : "\(table.name): { \(member) }"
  }

  /// The default, or where that is nothing what kind of value stands there.
  private static func value(_ row: SettingRow, quoted: Bool = false) -> String {
    switch row.defaultValue {
    case .string(let text) where !text.isEmpty: quoted ? "\"\(text)\"" : text
    case .string, .null: quoted && row.kind.hasPrefix("text") ? "\"…\"" : "…"
    default: row.defaultValue.canonical
    }
  }
}
