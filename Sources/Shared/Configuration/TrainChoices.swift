// Values of the section `train` that are more than a number or a word.

/// A list of whole numbers above zero.
package struct WholeNumbers: Sendable, Equatable {
  package let values: [Int]

  package init(_ values: [Int] = []) { self.values = values }
}

extension WholeNumbers: SettingValue {
  package static var alternatives: [String] { ["a list of whole numbers above 0"] }

  package init?(setting: JSON) {
    guard let items = setting.array else { return nil }
    let numbers = items.compactMap { Int(setting: $0) }
    guard numbers.count == items.count, numbers.allSatisfy({ $0 > 0 }) else { return nil }
    self.init(numbers)
  }

  package var json: JSON { .array(values.map { .integer($0) }) }
}

/// Where a run starts that was begun before.
package enum Resumption: Sendable, Equatable {
  /// At its newest whole checkpoint.
  case newest
  /// At its beginning.
  case never
}

extension Resumption: SettingValue {
  package static var alternatives: [String] { ["true", "false", "auto"] }

  package init?(setting: JSON) {
    switch setting {
    case .bool(let flag): self = flag ? .newest : .never
    case .string(let word) where word.lowercased() == "auto": self = .newest
    default: return nil
    }
  }

  package var json: JSON { .bool(self == .newest) }
}

/// A token that a configuration repeats, where null says that there is none.
package enum StatedToken: Sendable, Equatable {
  case unstated
  case stated(TokenChoice?)
}

extension StatedToken: SettingValue {
  package static var alternatives: [String] { TokenChoice.alternatives }
  package static var isOptional: Bool { true }

  package init?(setting: JSON) {
    guard let token = TokenChoice?(setting: setting) else { return nil }
    self = .stated(token)
  }

  package var json: JSON {
    switch self {
    case .unstated: .null
    case .stated(let token): token.json
    }
  }
}

/// What an activation function takes in SAELens 4 and 5: the k of topk, which is a setting here.
package struct ActivationFunctionOptions: Sendable, Equatable {
  package var k: Double?

  package init() {}
}

extension ActivationFunctionOptions: SettingValue {
  package static var alternatives: [String] { ["a set of k"] }

  package init?(setting: JSON) {
    if setting == .null { return }
    guard let members = setting.object, members.keys.allSatisfy({ $0 == "k" }) else { return nil }
    guard let given = members["k"] else { return }
    guard let k = Double(setting: given), k > 0 else { return nil }
    self.k = k
  }

  package var json: JSON { .object(k.map { ["k": .number($0)] } ?? [:]) }
}

/// Options of a sweep, each with the values that it takes in turn.
package struct SweepAxes: Sendable, Equatable {
  /// As they were given, in order of name.
  package let axes: [Axis]

  /// One option and its values; an option inside a group is named `sae.k`.
  package struct Axis: Sendable, Equatable {
    package let name: String
    package let values: [JSON]
  }

  package init() { axes = [] }

  package var isEmpty: Bool { axes.isEmpty }
}

extension SweepAxes: SettingValue {
  package static var alternatives: [String] { ["a set of lists of values by option name"] }

  package init?(setting: JSON) {
    guard let members = setting.object, let axes = Self.axes(members, within: "") else {
      return nil
    }
    self.axes = axes
  }

  private static func axes(_ members: [String: JSON], within group: String) -> [Axis]? {
    var axes: [Axis] = []
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      if let inner = value.object {
        guard let found = self.axes(inner, within: group + name + ".") else { return nil }
        axes += found
      } else {
        guard let values = value.array, !values.isEmpty else { return nil }
        axes.append(Axis(name: group + name, values: values))
      }
    }
    return axes
  }

  package var json: JSON {
    .object(Dictionary(axes.map { ($0.name, .array($0.values)) }) { first, _ in first })
  }
}
