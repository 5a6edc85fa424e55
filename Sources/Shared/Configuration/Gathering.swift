// Brings the keys of a pipeline file home: older names, nested and flat spellings, options that do
// nothing, and keys that nobody knows.

struct Gathering {
  /// Who says a value.
  enum Source { case file, flag, defaults }

  /// A value under the key by which it was given.
  struct Given {
    let key: String
    var value: JSON
    let source: Source
  }

  /// A setting's place: its section and newest name.
  struct Home: Hashable {
    let section: String
    let name: String

    init(_ section: String, _ name: String) {
      (self.section, self.name) = (section, name)
    }
  }

  private(set) var problems: [Remark] = []
  /// The problems beyond those that are listed.
  private(set) var unlistedCount = 0
  private(set) var notes: [Remark] = []
  private(set) var given: [Home: [Given]] = [:]
  /// The keys that stand directly in the section `train`.
  private(set) var trainKeys: Set<String> = []
  private var refused: Set<String> = []
  /// The text that the keys stand in; nil for those of a flag.
  private let document: JSON5Document?
  /// The section that a text without sections is.
  private let section: String?
  private static let problemLimit = 20

  init(_ document: JSON5Document?, within section: String? = nil) {
    self.document = document
    self.section = section
    for twice in document?.duplicates.prefix(Gathering.problemLimit) ?? [] {
      let text = "is given twice, first in line \(twice.first.line)."
      problems.append(Remark(section: "", name: twice.key, text: text, place: twice.place))
    }
  }

  private var source: Source { document == nil ? .flag : .file }

  /// Takes in the members of a whole file.
  mutating func add(_ members: [String: JSON]) {
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      if let table = Gathering.table(key), !key.isEmpty {
        if let inner = value.object {
          add(inner, to: table, under: key)
        } else {
          problem(key, "must be a section { … }, but is \(Gathering.shown(value)).")
        }
      } else if let row = Gathering.table("")?.row(key) {
        take(value, as: key, home: Home("", row.name))
      } else if key == DefaultsVersion.key {
        // Beside the sections it means the one section that has it.
        take(value, as: key, home: Home(TrainSettings.sectionName, key))
      } else {
        unknown(key, key, outside: nil)
      }
    }
  }

  private mutating func add(_ members: [String: JSON], to table: SectionTable, under prefix: String)
  {
    if prefix == TrainSettings.sectionName { trainKeys.formUnion(members.keys) }
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      let full = prefix + "." + key
      if let owner = table.nested[key].flatMap(Gathering.table) {
        if let inner = value.object {
          add(inner, to: owner, under: full)
        } else {
          problem(full, "must be a group { … }, but is \(Gathering.shown(value)).")
        }
        continue
      }
      let hosts = [table] + table.guests.compactMap(Gathering.table)
      if let (host, row) = hosts.lazy.compactMap({ host in host.row(key).map { (host, $0) } }).first
      {
        take(value, as: full, home: Home(host.name, row.name))
      } else if let (host, inert) = hosts.lazy.compactMap({ host in
        host.inert(key).map { (host, $0) }
      }).first {
        addInert(inert, value, of: host, as: full)
      } else {
        unknown(full, key, outside: table)
      }
    }
  }

  private mutating func take(_ value: JSON, as key: String, home: Home) {
    given[home, default: []].append(Given(key: key, value: value, source: source))
  }

  private mutating func addInert(
    _ inert: InertSetting, _ value: JSON, of table: SectionTable, as key: String
  ) {
    // 0 and 0.0 are one value.
    let isAccepted = inert.values?.contains { $0.canonical == value.canonical } ?? true
    guard isAccepted else {
      let place = document?.place(ofValue: written(key))
      problem(key, "\(Gathering.shown(value)) is not supported. \(inert.why)", place: place)
      return
    }
    note(
      Remark(
        section: table.name, name: inert.name, text: "has no effect. \(inert.why)",
        weight: .changesNothing))
  }

  mutating func note(_ remark: Remark) {
    if !notes.contains(remark) { notes.append(remark) }
  }

  /// Complains of settings that were given under two names.
  mutating func settle() {
    for (home, all) in given.sorted(by: { $0.value[0].key < $1.value[0].key }) where all.count > 1 {
      let keys = Spelling.alternatives(all.map(\.key), "and")
      complain(home, "is given more than once, as \(keys).")
    }
  }

  /// Puts the value of a `--set` in place of whatever the file says.
  mutating func replace(by override: Override) {
    var alone = Gathering(nil)
    alone.add(override.members)
    given.merge(alone.given) { _, new in new }
    problems += alone.problems
    for remark in alone.notes { note(remark) }
  }

  /// Sets all that was given.
  mutating func apply(to pipeline: inout Pipeline) {
    for table in Pipeline.tables {
      var values: [String: JSON] = [:]
      for (home, all) in given where home.section == table.name {
        values[home.name] = all.last?.value
      }
      if table.name == TrainSettings.sectionName {
        // Older defaults are no statement of the file's.
        pipeline.train.stated = Set(
          values.keys.filter { given[Home(table.name, $0)]?.last?.source != .defaults })
      }
      for (row, reading) in table.apply(values, &pipeline) {
        switch reading {
        case .accepted: break
        case .noted(let about):
          note(
            Remark(
              section: table.name, name: row.name, text: about.text, weight: about.weight))
        case .refused: refuse(values[row.name] ?? .null, for: row, of: table)
        case .faulty(let faults):
          refused.insert(table.name)
          for fault in faults { complain(Home(table.name, row.name), fault.text, at: fault.name) }
        }
      }
    }
  }

  private mutating func refuse(_ value: JSON, for row: SettingRow, of table: SectionTable) {
    var advice = value.string.flatMap { word in
      row.advice(word) ?? Spelling.nearest(word, in: row.choices).map { "did you mean \($0)?" }
    }
    if table.name == TrainSettings.sectionName, let items = value.array, !items.isEmpty {
      advice = advice ?? "several values are train: { sweep: { \(row.name): [ … ] } }"
    }
    let end = advice.map { "; \($0)" + ($0.hasSuffix("?") ? "" : ".") } ?? "."
    let home = Home(table.name, row.name)
    complain(
      home, "must be \(row.expected), but is \(Gathering.shown(value))\(end)",
      place: given[home]?.last.flatMap { given in
        given.source == .file ? document?.place(ofValue: written(given.key)) : nil
      })
    refused.insert(table.name)
  }

  /// Looks for settings that do not fit together, and for what a stage lacks.
  ///
  /// Sections with a refused value are left out: what follows from its default would mislead.
  ///
  /// - Returns: the combinations of a sweep, each of which was looked at.
  mutating func check(_ pipeline: Pipeline, running: String?) -> [Combination] {
    let sweep = SweepPlan(pipeline, running: running, leavingOut: refused)
    for remark in sweep.problems {
      complain(Home(remark.section, remark.name), remark.text)
    }
    for remark in sweep.notes { note(remark) }
    let train = TrainSettings.sectionName
    for name in sweep.options where given[Home(train, name)] != nil {
      if given[Home(train, name)]?.last?.source == .defaults { continue }
      note(
        Remark(section: train, name: name, text: "gives way to the values of train.sweep."))
    }
    checkArchitecture(pipeline.train, sweep.combinations)
    return sweep.combinations
  }
}

// MARK: - Problems

extension Gathering {
  var sortedProblems: [Remark] {
    problems.enumerated().sorted { first, second in
      switch (first.element.place, second.element.place) {
      case (let one?, let other?): one == other ? first.offset < second.offset : one < other
      case (nil, nil): first.offset < second.offset
      case (let one, _): one != nil
      }
    }.map(\.element)
  }

  /// Notes what is wrong with a key as it stands in the file.
  private mutating func problem(_ key: String, _ text: String, place: TextPlace? = nil) {
    let place = place ?? keyPlace(key)
    list(Remark(section: "", name: Gathering.clipped(key), text: text, place: place))
  }

  /// Notes what is wrong with a setting, or with the member of its value that `part` names.
  mutating func complain(
    _ home: Home, _ text: String, at part: String? = nil, place: TextPlace? = nil
  ) {
    let name = home.name + (part.map { "." + $0 } ?? "")
    let remark = Remark(
      section: home.section, name: name, text: text, place: place ?? self.place(of: home, part))
    if !problems.contains(remark) { list(remark) }
  }

  private mutating func list(_ remark: Remark) {
    if problems.count < Gathering.problemLimit {
      problems.append(remark)
    } else {
      unlistedCount += 1
    }
  }

  /// Where the file says a setting, or the section that should; nil for what a flag says.
  private func place(of home: Home, _ part: String?) -> TextPlace? {
    guard let document else { return nil }
    // What sections disagree on is said by the whole name.
    if home.section.isEmpty, let dot = home.name.firstIndex(of: ".") {
      let name = home.name[home.name.index(after: dot)...]
      return place(of: Home(String(home.name[..<dot]), String(name)), part)
    }
    let name = home.name.split(separator: ".", maxSplits: 1).map(String.init)
    let parts = (name.count > 1 ? "." + name[1] : "") + (part.map { "." + $0 } ?? "")
    let stated = given[home] ?? given[Home(home.section, name.first ?? "")] ?? []
    if let given = stated.last, given.source != .defaults {
      if given.source == .flag { return nil }
      return keyPlace(given.key + parts) ?? keyPlace(given.key)
    }
    return keyPlace(home.section) ?? document.beginning
  }

  /// A key as the text has it.
  private func written(_ key: String) -> String {
    guard let section, key.hasPrefix(section + ".") else { return key }
    return String(key.dropFirst(section.count + 1))
  }

  private func keyPlace(_ key: String) -> TextPlace? { document?.place(ofKey: written(key)) }

  private mutating func unknown(_ full: String, _ key: String, outside table: SectionTable?) {
    guard problems.count < Gathering.problemLimit else {
      unlistedCount += 1
      return
    }
    problem(full, Gathering.guess(key, outside: table))
  }

  static func table(_ name: String) -> SectionTable? {
    Pipeline.tables.first { $0.name == name }
  }

  /// A value as it is quoted in an error.
  static func shown(_ value: JSON) -> String {
    if case .number(let number) = value, !number.isFinite { return "not finite" }
    if let text = value.string, text.utf8.count > 400 {
      return shown(.string(String(text.unicodeScalars.prefix(100))))
    }
    let text = value.canonical
    return text.count <= 60 ? text : text.prefix(60) + "…"
  }

  private static func clipped(_ key: String) -> String { JSON.clipped(key) }

  /// What a person probably meant by a key that `table` does not have.
  private static func guess(_ key: String, outside table: SectionTable?) -> String {
    let owners = Pipeline.tables.filter { $0.name != table?.name && $0.row(key) != nil }
    if let table {
      if let newer = table.formerNames[key] { return "is unknown; write \(newer)." }
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

// MARK: - Changes to what was given

extension Gathering {
  /// The value that a setting has last, by whomever.
  func value(_ section: String, _ name: String) -> JSON? { given[Home(section, name)]?.last?.value }

  /// Gives a setting its value where neither file nor flags do.
  mutating func supply(_ value: JSON, for home: Home) {
    if given[home] == nil { given[home] = [Given(key: "", value: value, source: .defaults)] }
  }

  /// Gives settings of a section the values that they have nowhere else.
  mutating func supply(_ options: [String: JSON], to section: String) {
    for (name, value) in options.sorted(by: { $0.key < $1.key }) {
      supply(value, for: Home(section, name))
    }
  }

  /// Gives a setting another value than the file and the flags do.
  mutating func change(_ home: Home, to value: JSON) {
    guard var all = given[home], !all.isEmpty else { return supply(value, for: home) }
    all[all.count - 1].value = value
    given[home] = all
  }

  /// Forgets what was given.
  mutating func drop(_ home: Home) { given[home] = nil }

  /// Gives to one setting what was given to another.
  mutating func move(_ home: Home, to other: Home) {
    guard let all = given.removeValue(forKey: home) else { return }
    given[other, default: []] += all
  }
}
