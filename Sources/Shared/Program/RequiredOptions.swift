// Which options a person has to give. Nothing is declared here: it is what sections complain of where an
// option is left out.

enum RequiredOptions {
  /// "required", or with what it is; nil for an option that may be left out.
  static func words(_ row: SettingRow, of table: SectionTable) -> String? {
    if always(table).contains(row.name) { return "required" }
    guard table.name == TrainSettings.sectionName, let kinds = byOption[row.name] else {
      return nil
    }
    return "required with \(Spelling.alternatives(kinds.map(\.rawValue)))"
  }

  /// The names of what the stage of a section cannot start without.
  static func always(_ table: SectionTable) -> [String] {
    table.omissions(Pipeline()).map(\.name)
  }

  /// The architectures that cannot do without an option, by the option's name.
  private static let byOption: [String: [Architecture]] = {
    var found: [String: [Architecture]] = [:]
    for kind in Architecture.allCases {
      var settings = TrainSettings()
      // Long enough for every schedule: what a short run lacks is no option.
      settings.trainingTokens = 1 << 50
      settings.architecture = kind
      for name in Set(settings.contradictions.map(\.name)) { found[name, default: []].append(kind) }
    }
    return found
  }()
}
