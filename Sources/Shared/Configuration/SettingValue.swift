// The types that a setting may have: how each is read from a pipeline file, written back, and named
// in help and errors.

/// What a person should know about a value that is accepted.
package struct SettingNote: Sendable, Equatable {
  package let text: String
  package let weight: RemarkWeight

  package init(_ text: String, _ weight: RemarkWeight) {
    (self.text, self.weight) = (text, weight)
  }
}

/// A type that a property of a section may have.
package protocol SettingValue: Sendable, Equatable {
  /// What may stand in a pipeline file, in words, without null.
  static var alternatives: [String] { get }
  static var isOptional: Bool { get }
  init?(setting: JSON)
  var json: JSON { get }
  /// What a person should know about a spelling that is accepted but not the right one.
  static func note(on given: JSON) -> SettingNote?
  /// What is wrong with single members of a group, by name; empty where the value is read as a whole.
  static func faults(in given: JSON) -> [Complaint]
  /// What to write instead of a word that is none of the alternatives, where it has a meaning elsewhere.
  static func advice(on word: String) -> String?
}

extension SettingValue {
  package static var isOptional: Bool { false }
  package static func note(on given: JSON) -> SettingNote? { nil }
  package static func faults(in given: JSON) -> [Complaint] { [] }
  package static func advice(on word: String) -> String? { nil }
}

extension Int: SettingValue {
  package static var alternatives: [String] { ["a whole number"] }
  package init?(setting: JSON) {
    guard let value = setting.integer, value.magnitude <= Int.largestSetting.magnitude else {
      return nil
    }
    self = value
  }
  package var json: JSON { .integer(self) }
  /// Beyond any size that a machine has, and far enough from overflow for sums of settings.
  private static let largestSetting = 1_000_000_000_000_000
}

extension Double: SettingValue {
  package static var alternatives: [String] { ["a number"] }
  package init?(setting: JSON) {
    guard let value = setting.double, value.isFinite else { return nil }
    self = value
  }
  package var json: JSON { .number(self) }
}

extension Bool: SettingValue {
  package static var alternatives: [String] { ["true", "false"] }
  package init?(setting: JSON) {
    guard let value = setting.bool else { return nil }
    self = value
  }
  package var json: JSON { .bool(self) }
}

extension String: SettingValue {
  package static var alternatives: [String] { ["text"] }
  package init?(setting: JSON) {
    guard let value = setting.string else { return nil }
    self = value
  }
  package var json: JSON { .string(self) }
}

extension Array: SettingValue where Element == String {
  package static var alternatives: [String] { ["a list of texts"] }
  package init?(setting: JSON) {
    guard let items = setting.array else { return nil }
    let texts = items.compactMap(\.string)
    guard texts.count == items.count else { return nil }
    self = texts
  }
  package var json: JSON { .array(map(JSON.string)) }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  package static var alternatives: [String] { Wrapped.alternatives }
  package static var isOptional: Bool { true }
  package init?(setting: JSON) {
    if setting == .null {
      self = .none
    } else {
      guard let value = Wrapped(setting: setting) else { return nil }
      self = .some(value)
    }
  }
  package var json: JSON { self?.json ?? .null }
  package static func note(on given: JSON) -> SettingNote? { Wrapped.note(on: given) }
  package static func faults(in given: JSON) -> [Complaint] { Wrapped.faults(in: given) }
  package static func advice(on word: String) -> String? { Wrapped.advice(on: word) }
}

/// A setting with a few named values, in any case of letters.
package protocol SettingChoice: SettingValue, CaseIterable, RawRepresentable
where RawValue == String {
  /// Spellings that documentation elsewhere gives by mistake.
  static var misspellings: [String: Self] { get }
}

extension SettingChoice {
  package static var misspellings: [String: Self] { [:] }
  package static var alternatives: [String] { allCases.map(\.rawValue) }
  package init?(setting: JSON) {
    guard let value = Self.choice(setting) else { return nil }
    self = value
  }

  /// The value of a word, in any case of letters.
  package static func choice(_ setting: JSON) -> Self? {
    guard let word = setting.string?.lowercased() else { return nil }
    return Self.allCases.first { $0.rawValue.lowercased() == word } ?? Self.misspellings[word]
  }
  package var json: JSON { .string(rawValue) }
  package static func note(on given: JSON) -> SettingNote? {
    guard let word = given.string, let meant = misspellings[word.lowercased()] else { return nil }
    return SettingNote("\"\(word)\" is read as \"\(meant.rawValue)\".", .counts)
  }
}

/// Where a special token of the tokenizer is meant: by role or by id.
package enum TokenChoice: Sendable, Equatable {
  case bos
  case eos
  case sep
  case id(Int)
}

extension TokenChoice: SettingValue {
  package static var alternatives: [String] { ["bos", "eos", "sep", "a token id"] }
  package init?(setting: JSON) {
    switch setting {
    case .string("bos"): self = .bos
    case .string("eos"): self = .eos
    case .string("sep"): self = .sep
    default:
      guard let id = setting.integer, id >= 0 else { return nil }
      self = .id(id)
    }
  }
  package var json: JSON {
    switch self {
    case .bos: .string("bos")
    case .eos: .string("eos")
    case .sep: .string("sep")
    case .id(let id): .integer(id)
    }
  }
}

extension HomeFolder {
  /// A path, or every path of a list, with the home folder in the place of `~`.
  static func expanded(_ given: JSON) -> JSON {
    switch given {
    case .string(let path): .string(expanded(path))
    case .array(let items): .array(items.map { expanded($0) })
    case .object(let members): .object(members.mapValues { expanded($0) })
    default: given
    }
  }
}
