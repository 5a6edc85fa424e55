// A section without its type, so that one loop can treat them all.

/// The table of one section and how values reach it.
package struct SectionTable: Sendable {
  package let name: String
  package let summary: String
  package let rows: [SettingRow]
  package let inertSettings: [InertSetting]
  /// Keys whose members are read as settings of a section, by that section's name.
  let nested: [String: String]
  /// Sections whose settings are also accepted here.
  let guests: [String]
  /// Names that are not in use, and what to write instead.
  let formerNames: [String: String]
  /// Sets the values by name and returns what became of each.
  let apply: @Sendable ([String: JSON], inout Pipeline) -> [(SettingRow, SettingReading)]
  let contradictions: @Sendable (Pipeline) -> [Remark]
  let omissions: @Sendable (Pipeline) -> [Remark]
  package let resolved: @Sendable (Pipeline) -> JSON

  init<Owner: Section>(_ property: any WritableKeyPath<Pipeline, Owner> & Sendable) {
    name = Owner.sectionName
    summary = Owner.summary
    rows = Owner.settings.map(\.row)
    inertSettings = Owner.inertSettings
    nested = Owner.nested
    guests = Owner.guests
    formerNames = Owner.formerNames
    apply = { values, pipeline in
      Owner.settings.compactMap { setting in
        guard let value = values[setting.row.name] else { return nil }
        return (setting.row, setting.write(value, &pipeline[keyPath: property]))
      }
    }
    let remark = { @Sendable (found: Complaint) in
      Remark(section: Owner.sectionName, name: found.name, text: found.text)
    }
    contradictions = { $0[keyPath: property].contradictions.map(remark) }
    omissions = { $0[keyPath: property].omissions.map(remark) }
    resolved = { $0[keyPath: property].resolved }
  }

  /// The setting of this name or older name.
  func row(_ key: String) -> SettingRow? {
    rows.first { $0.name == key || $0.aliases.contains(key) }
  }

  func inert(_ key: String) -> InertSetting? {
    inertSettings.first { $0.name == key }
  }

  /// Every key that may stand in this section.
  var keys: [String] {
    rows.flatMap { [$0.name] + $0.aliases } + inertSettings.map(\.name) + nested.keys.sorted()
  }
}
