// The page of all options, docs/options.md, made from the tables of settings.

package enum OptionTables {
  /// The whole page.
  package static var page: String {
    let opening = """
      # Options

      Every option of a pipeline file, made from the declarations that the programs read. `saeline-train help
      OPTION` shows the same of one option, with who spells it so; required ones are marked. An older default is
      that of SAELens 3 to 5, which the option `defaults` tells about.

      """
    return opening + "\n" + (Pipeline.tables.map(settings) + [inert]).joined(separator: "\n")
  }

  private static func settings(_ table: SectionTable) -> String {
    let title =
      table.name.isEmpty ? table.summary : "`\(table.name)`: \(table.summary.lowercasedFirst)"
    let rows = table.rows.map { row in
      let aliases = row.aliases.map { "`\($0)`" }.joined(separator: ", ")
      let also = aliases.isEmpty ? "" : " Also accepted as \(aliases)."
      let need = RequiredOptions.words(row, of: table).map { " **\($0.capitalizedFirst).**" } ?? ""
      let older = row.olderDefault.map { ", older `\($0.canonical)`" } ?? ""
      return
        "| `\(row.name)` | \(row.kind) | `\(shownDefault(row))`\(older) | \(row.help)\(also)\(need) |"
    }
    return "## \(title)\n\n| option | type | default | meaning |\n|---|---|---|---|\n"
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
    return "## SAELens's options that are accepted and do nothing\n\n"
      + "A configuration may contain them; each is noted once. Other values than those listed are "
      + "errors.\n\n| option | accepted values | why |\n|---|---|---|\n"
      + rows.joined(separator: "\n") + "\n"
  }

  static func shownDefault(_ row: SettingRow) -> String {
    row.defaultValue == .string("") ? "none" : row.defaultValue.canonical
  }
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
