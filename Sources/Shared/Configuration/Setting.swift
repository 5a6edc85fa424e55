// One declaration per setting. Parsing, checks, help, "did you mean", the option tables of the
// README and the settings in manifests are all read from the tables of these.

/// Which numbers a setting takes.
package enum Bound: Sendable, Equatable {
  case any
  case atLeast(Double)
  case above(Double)
  /// From the first up to, but without, the second.
  case fromUpTo(Double, Double)

  func contains(_ value: Double) -> Bool {
    switch self {
    case .any: true
    case .atLeast(let least): value >= least
    case .above(let limit): value > limit
    case .fromUpTo(let least, let limit): value >= least && value < limit
    }
  }

  /// The bound as it follows "number" in a table.
  var signs: String {
    switch self {
    case .any: ""
    case .atLeast(let least): " ≥ \(plain(least))"
    case .above(let limit): " > \(plain(limit))"
    case .fromUpTo(let least, let limit): " ≥ \(plain(least)) and < \(plain(limit))"
    }
  }

  /// The bound as it follows "a number" in a sentence.
  var words: String {
    switch self {
    case .any: ""
    case .atLeast(let least): " of \(plain(least)) or more"
    case .above(let limit): " above \(plain(limit))"
    case .fromUpTo(let least, let limit): " of \(plain(least)) or more and below \(plain(limit))"
    }
  }

  private func plain(_ value: Double) -> String { JSON.number(value).canonical }
}

/// By way of what a setting changes the bytes that a stage writes.
package enum Reach: Sendable, Equatable {
  /// Which rows of its input are used.
  case rows
  /// The batches that these come in: their size, their order and their scale.
  case stream
  /// What is computed from them.
  case formula
}

/// What a setting changes.
package enum Effect: Sendable, Equatable {
  /// The bytes that a stage writes: it enters the fingerprint.
  case changes(Reach)
  /// As `changes`, but it enters the fingerprint only where it differs from the default.
  ///
  /// For settings that came after a release: stores written before then stay valid.
  case changesWhenSet(Reach)
  /// Which input is read: the fingerprint of that input counts in its place.
  case choosesInput
  case none

  var reach: Reach? {
    switch self {
    case .changes(let reach), .changesWhenSet(let reach): reach
    case .choosesInput, .none: nil
    }
  }
}

/// What there is to say about a setting apart from its place in memory.
package struct SettingRow: Sendable, Equatable {
  package let name: String
  /// Older names of the same setting, which are accepted.
  package let aliases: [String]
  /// What may be given, as a sentence says it.
  package let expected: String
  /// What may be given, as a table says it.
  package let kind: String
  /// The words that may be given, where they are few.
  package let choices: [String]
  package let defaultValue: JSON
  /// The default of SAELens 3 to 5, where it is another.
  package let olderDefault: JSON?
  package let help: String
  package let effect: Effect
  /// The architectures that have it, where not all do.
  package let architectures: [Architecture]
  let meaning: Meaning
  /// What to write instead of a word that is no longer one.
  let advice: @Sendable (_ word: String) -> String?

  package static func == (first: SettingRow, second: SettingRow) -> Bool {
    first.name == second.name && first.expected == second.expected
      && first.defaultValue == second.defaultValue
  }
}

/// What the text of a setting names.
package enum Meaning: Sendable {
  case value
  /// A path, in which a home folder may be written as `~`.
  case path
}

/// A setting of a section: its name, its property and everything that is said about it.
package struct Setting<Owner: Section>: Sendable {
  package let row: SettingRow
  package let read: @Sendable (Owner) -> JSON
  let write: @Sendable (JSON, inout Owner) -> SettingReading

  /// What may be given: "a whole number of 1 or more, or null".
  private static func described<Value: SettingValue>(
    _: Value.Type, _ bound: String, hasArticle: Bool = true
  ) -> String {
    var words = Value.alternatives
    if !hasArticle && words[0].hasPrefix("a ") { words[0].removeFirst(2) }
    words[words.count - 1] += bound
    if !Value.isOptional { return Spelling.alternatives(words) }
    return bound.isEmpty
      ? Spelling.alternatives(words + ["null"]) : Spelling.alternatives(words) + ", or null"
  }

  /// The section with this setting changed; nil where the value may not be given.
  package func changing(_ owner: Owner, to value: JSON) -> Owner? {
    var result = owner
    switch write(value, &result) {
    case .accepted, .noted: return result
    case .refused, .faulty: return nil
    }
  }

  // A copy for every type of every section would cost the compiler more than the rest of this room.
  @_semantics("optimize.sil.specialize.generic.never") @inline(never)
  package init<Value: SettingValue>(
    _ name: String, _ property: any WritableKeyPath<Owner, Value> & Sendable, _ help: String,
    _ bound: Bound = .any, aliases: [String] = [], effect: Effect = .changes(.formula),
    olderDefault: Value? = nil, of architectures: [Architecture] = [],
    names meaning: Meaning = .value
  ) {
    row = SettingRow(
      name: name, aliases: aliases,
      expected: Setting.described(Value.self, bound.words),
      kind: Setting.described(Value.self, bound.signs, hasArticle: false),
      choices: Value.alternatives,
      defaultValue: Owner()[keyPath: property].json, olderDefault: olderDefault?.json, help: help,
      effect: effect, architectures: architectures, meaning: meaning, advice: Value.advice)
    read = { $0[keyPath: property].json }
    write = { given, owner in
      let faults = Value.faults(in: given)
      if !faults.isEmpty { return .faulty(faults) }
      let given = meaning == .path ? HomeFolder.expanded(given) : given
      guard let value = Value(setting: given), value.json.double.map(bound.contains) ?? true else {
        return .refused
      }
      owner[keyPath: property] = value
      return Value.note(on: given).map(SettingReading.noted) ?? .accepted
    }
  }
}

/// What became of a value that was given for a setting.
enum SettingReading {
  case accepted
  case noted(SettingNote)
  case refused
  /// Refused for what single members of the value say.
  case faulty([Complaint])
}

/// An option of SAELens that is accepted so that its configurations carry over, and does nothing.
package struct InertSetting: Sendable {
  package let name: String
  /// Why nothing happens, as a sentence.
  package let why: String
  /// The values that ask for what happens anyway; nil where any value may be given.
  package let values: [JSON]?

  /// An option whose value makes no difference.
  package init(_ name: String, _ why: String) {
    self.name = name
    self.why = why
    values = nil
  }

  /// An option that may only ask for what happens anyway.
  package init(_ name: String, only values: [JSON], _ why: String) {
    self.name = name
    self.why = why
    self.values = values
  }
}

/// Whether a remark tells of something that makes a difference.
package enum RemarkWeight: Sendable, Equatable {
  case counts
  case changesNothing
}

/// Something about one setting that a person should read.
package struct Remark: Sendable, Equatable {
  /// The section; empty for settings that stand outside of sections.
  package let section: String
  package let name: String
  package let text: String
  /// Where the file says it; nil for what a flag says.
  package var place: TextPlace?
  /// Whether what it tells of makes no difference to the run.
  package var weight: RemarkWeight

  package init(
    section: String, name: String, text: String, place: TextPlace? = nil,
    weight: RemarkWeight = .counts
  ) {
    (self.section, self.name, self.text) = (section, name, text)
    (self.place, self.weight) = (place, weight)
  }

  package var key: String { section.isEmpty ? name : section + "." + name }
  package var line: String { key + ": " + text }
}

/// What is wrong with a section as a whole, by the setting to blame.
package struct Complaint: Sendable, Equatable {
  package let name: String
  package let text: String

  package init(_ name: String, _ text: String) {
    self.name = name
    self.text = text
  }
}

/// A group of settings of a pipeline file.
package protocol Section: Sendable, Equatable {
  static var sectionName: String { get }
  static var summary: String { get }
  static var settings: [Setting<Self>] { get }
  static var inertSettings: [InertSetting] { get }
  /// Keys whose members are read as settings of a section, by that section's name.
  static var nested: [String: String] { get }
  /// Sections whose settings are also accepted here.
  static var guests: [String] { get }
  /// Names that were never or are no longer in use, and what to write instead.
  static var formerNames: [String: String] { get }
  init()
  /// Settings that do not fit together.
  var contradictions: [Complaint] { get }
  /// What the stage of this section cannot start without.
  var omissions: [Complaint] { get }
}

extension Section {
  package static var inertSettings: [InertSetting] { [] }
  package static var nested: [String: String] { [:] }
  package static var guests: [String] { [] }
  package static var formerNames: [String: String] { [:] }
  package var contradictions: [Complaint] { [] }
  package var omissions: [Complaint] { [] }

  /// Every setting by its name, defaults included.
  package var resolved: JSON {
    .object(Dictionary(Self.settings.map { ($0.row.name, $0.read(self)) }) { first, _ in first })
  }

  /// The settings that change the bytes which a stage writes.
  package var fingerprintSettings: JSON { fingerprintSettings { _ in true } }

  /// Those that change them by way of the rows that are read, or of the batches that these come in.
  package func fingerprintSettings(reaching reaches: [Reach]) -> JSON {
    fingerprintSettings(where: reaches.contains)
  }

  private func fingerprintSettings(where isWanted: (Reach) -> Bool) -> JSON {
    let entering = Self.settings.filter {
      switch $0.row.effect {
      case .changes(let reach): isWanted(reach)
      case .changesWhenSet(let reach): isWanted(reach) && $0.read(self) != $0.row.defaultValue
      case .choosesInput, .none: false
      }
    }
    return .object(
      Dictionary(entering.map { ($0.row.name, $0.read(self)) }) { first, _ in first })
  }

  /// The names of the settings that choose the input of a stage.
  package static var inputOptions: Set<String> {
    Set(settings.map(\.row).filter { $0.effect == .choosesInput }.map(\.name))
  }

  /// The names of the settings on which the rows of a stage depend, its input among them.
  package static var rowOptions: Set<String> {
    inputOptions.union(settings.map(\.row).filter { $0.effect.reach == .rows }.map(\.name))
  }
}
