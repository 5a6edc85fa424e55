// The types that a setting may have: how each is read from a pipeline file, written back, and named
// in help and errors.

/// A type that a property of a section may have.
package protocol SettingValue: Sendable, Equatable {
  /// What may stand in a pipeline file, in words, without null.
  static var alternatives: [String] { get }
  static var isOptional: Bool { get }
  init?(setting: JSON)
  var json: JSON { get }
  /// What a person should know about a spelling that is accepted but not the right one.
  static func note(on given: JSON) -> String?
}

extension SettingValue {
  package static var isOptional: Bool { false }
  package static func note(on given: JSON) -> String? { nil }
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
  package static func note(on given: JSON) -> String? { Wrapped.note(on: given) }
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
    guard let word = setting.string?.lowercased(),
      let value = Self.allCases.first(where: { $0.rawValue.lowercased() == word })
        ?? Self.misspellings[word]
    else { return nil }
    self = value
  }
  package var json: JSON { .string(rawValue) }
  package static func note(on given: JSON) -> String? {
    guard let word = given.string, let meant = misspellings[word.lowercased()] else { return nil }
    return "\"\(word)\" is read as \"\(meant.rawValue)\"."
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
