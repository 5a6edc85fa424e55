// Values of settings that say which activations are taken: positions and tokens.

/// The positions of a sequence that are kept, as a slice of Python.
package struct PositionSlice: Sendable, Equatable {
  /// Start, stop and step as `slice()` takes them: one number is the stop.
  private let parts: [Int?]

  package static let all = PositionSlice(parts: [nil])

  private init(parts: [Int?]) { self.parts = parts }

  private var step: Int { parts.count > 2 ? parts[2] ?? 1 : 1 }

  /// The positions that are kept of a sequence of `contextSize` tokens.
  package func positions(contextSize: Int) -> [Int] {
    func place(_ index: Int?, _ fallback: Int) -> Int {
      guard let index else { return fallback }
      return min(max(index < 0 ? index + contextSize : index, 0), contextSize)
    }
    let first = parts.count > 1 ? place(parts[0], 0) : 0
    let end = place(parts.count > 1 ? parts[1] : parts[0], contextSize)
    return first < end ? Array(stride(from: first, to: end, by: step)) : []
  }
}

extension PositionSlice: SettingValue {
  package static var alternatives: [String] { ["a list of up to three whole numbers or nulls"] }

  package init?(setting: JSON) {
    if setting == .null {
      self = .all
      return
    }
    guard let items = setting.array, (1...3).contains(items.count) else { return nil }
    var parts: [Int?] = []
    for item in items {
      guard item == .null || item.integer.map({ $0.magnitude <= 1 << 40 }) == true else {
        return nil
      }
      parts.append(item.integer)
    }
    self.init(parts: parts)
    guard step >= 1 else { return nil }
  }

  package var json: JSON { .array(parts.map { $0.map { .integer($0) } ?? .null }) }
}

/// The tokens whose activations are left out.
package enum TokenExclusion: Sendable, Equatable {
  case none
  /// The tokens that the tokenizer gives a role: beginning, end, separator, padding.
  case special
  case ids([Int])
}

extension TokenExclusion: SettingValue {
  package static var alternatives: [String] { ["true", "false", "a list of token ids"] }

  package init?(setting: JSON) {
    if let flag = setting.bool {
      self = flag ? .special : .none
      return
    }
    guard let items = setting.array else { return nil }
    let ids = items.compactMap(\.integer)
    guard ids.count == items.count, ids.allSatisfy({ $0 >= 0 }) else { return nil }
    self = ids.isEmpty ? .none : .ids(Set(ids).sorted())
  }

  package var json: JSON {
    switch self {
    case .none: .bool(false)
    case .special: .bool(true)
    case .ids(let ids): .array(ids.map { .integer($0) })
    }
  }
}
