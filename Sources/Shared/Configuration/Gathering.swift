// Brings the keys of a pipeline file home: older names, nested and flat spellings, options that do
// nothing, and keys that nobody knows.

struct Gathering {
  /// A value under the key by which a person gave it.
  private struct Given {
    let key: String
    let value: JSON
  }

  /// A setting's place: its section and newest name.
  private struct Home: Hashable {
    let section: String
    let name: String
  }

  var problems: [Remark] = []
  private(set) var notes: [Remark] = []
  private var given: [Home: [Given]] = [:]

  /// Takes in the members of a whole file.
  mutating func add(_ members: [String: JSON]) {
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      if let table = Gathering.table(key), !key.isEmpty {
        if let inner = value.object {
          add(inner, to: table, under: key)
        } else {
          problem("", key, "must be a section { … }, but is \(Gathering.shown(value)).")
        }
      } else if let row = Gathering.table("")?.row(key) {
        given[Home(section: "", name: row.name), default: []].append(Given(key: key, value: value))
      } else {
        problem("", key, Gathering.guess(key, outside: nil))
      }
    }
  }

  private mutating func add(_ members: [String: JSON], to table: SectionTable, under prefix: String)
  {
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      let full = prefix + "." + key
      if let owner = table.nested[key].flatMap(Gathering.table) {
        if let inner = value.object {
          add(inner, to: owner, under: full)
        } else {
          problem("", full, "must be a group { … }, but is \(Gathering.shown(value)).")
        }
        continue
      }
      let hosts = [table] + table.guests.compactMap(Gathering.table)
      if let (host, row) = hosts.lazy.compactMap({ host in host.row(key).map { (host, $0) } }).first
      {
        given[Home(section: host.name, name: row.name), default: []]
          .append(Given(key: full, value: value))
      } else if let (host, inert) = hosts.lazy.compactMap({ host in
        host.inert(key).map { (host, $0) }
      }).first {
        addInert(inert, value, of: host, as: full)
      } else {
        problem("", full, Gathering.guess(key, outside: table))
      }
    }
  }

  private mutating func addInert(
    _ inert: InertSetting, _ value: JSON, of table: SectionTable, as key: String
  ) {
    // 0 and 0.0 are one value.
    let isAccepted = inert.values?.contains { $0.canonical == value.canonical } ?? true
    guard isAccepted else {
      problem("", key, "\(Gathering.shown(value)) is not supported. \(inert.why)")
      return
    }
    let remark = Remark(section: table.name, name: inert.name, text: "has no effect. \(inert.why)")
    if !notes.contains(remark) { notes.append(remark) }
  }

  /// Complains of settings that were given under two names.
  mutating func settle() {
    for (home, all) in given where all.count > 1 {
      let keys = Spelling.alternatives(all.map(\.key), "and")
      problem(home.section, home.name, "is given more than once, as \(keys).")
    }
    problems.sort { $0.key < $1.key }
  }

  /// Puts the value of a `--set` in place of whatever the file says.
  mutating func replace(by override: Override) {
    var alone = Gathering()
    alone.add(override.members)
    given.merge(alone.given) { _, new in new }
    problems += alone.problems
    notes += alone.notes.filter { !notes.contains($0) }
  }

  /// Sets all that was given.
  mutating func apply(to pipeline: inout Pipeline) {
    for table in Pipeline.tables {
      var values: [String: JSON] = [:]
      for (home, all) in given where home.section == table.name {
        values[home.name] = all.last?.value
      }
      if table.name == TrainSettings.sectionName { pipeline.train.stated = Set(values.keys) }
      for (row, reading) in table.apply(values, &pipeline) {
        switch reading {
        case .accepted: break
        case .noted(let text): notes.append(Remark(section: table.name, name: row.name, text: text))
        case .refused: refuse(values[row.name] ?? .null, for: row, of: table)
        }
      }
    }
  }

  private mutating func refuse(_ value: JSON, for row: SettingRow, of table: SectionTable) {
    let nearest = value.string.flatMap { Spelling.nearest($0, in: row.choices) }
    let advice = nearest.map { "; did you mean \($0)?" } ?? "."
    problem(
      table.name, row.name, "must be \(row.expected), but is \(Gathering.shown(value))\(advice)")
    refused.insert(table.name)
  }

  private var refused: Set<String> = []

  /// Looks for settings that do not fit together, and for what a stage lacks.
  ///
  /// Sections with a refused value are left out: what follows from its default would mislead.
  ///
  /// - Returns: the combinations of a sweep, each of which was looked at.
  mutating func check(_ pipeline: Pipeline, running: String?) -> [Combination] {
    let sweep = SweepPlan(pipeline, running: running, leavingOut: refused)
    problems += sweep.problems
    notes += sweep.notes.filter { !notes.contains($0) }
    let train = TrainSettings.sectionName
    for name in sweep.options where given[Home(section: train, name: name)] != nil {
      notes.append(
        Remark(section: train, name: name, text: "gives way to the values of train.sweep."))
    }
    return sweep.combinations
  }

  private mutating func problem(_ section: String, _ name: String, _ text: String) {
    problems.append(Remark(section: section, name: name, text: text))
  }

  static func table(_ name: String) -> SectionTable? {
    Pipeline.tables.first { $0.name == name }
  }

  /// A value as it is quoted in an error.
  static func shown(_ value: JSON) -> String {
    if case .number(let number) = value, !number.isFinite { return "not finite" }
    let text = value.canonical
    return text.count <= 60 ? text : text.prefix(60) + "…"
  }

  /// What a person probably meant by a key that `table` does not have.
  private static func guess(_ key: String, outside table: SectionTable?) -> String {
    let owners = Pipeline.tables.filter { $0.name != table?.name && $0.row(key) != nil }
    if let table {
      if !owners.isEmpty {
        let places = owners.map { $0.name.isEmpty ? "the top of the file" : $0.name }
        return "is unknown here; it belongs to \(Spelling.alternatives(places))."
      }
      let nearest = Spelling.nearest(key, in: table.keys)
      return nearest.map { "is unknown; did you mean \($0)?" } ?? "is unknown."
    }
    if !owners.isEmpty {
      let places = owners.map { $0.name + "." + key }
      return "is unknown here; did you mean \(Spelling.alternatives(places))?"
    }
    let names = Pipeline.tables.map(\.name).filter { !$0.isEmpty } + (Self.table("")?.keys ?? [])
    if let nearest = Spelling.nearest(key, in: names) {
      return "is unknown; did you mean \(nearest)?"
    }
    return "is unknown; sections are \(Spelling.alternatives(names, "and"))."
  }
}
