// The files of a data set as `data_files` states them: a text, a list of texts, or texts and lists by
// the name of their split.

/// Names and patterns of files, by split.
package struct DataFilePatterns: Sendable, Equatable {
  /// The files of a split.
  package struct Split: Sendable, Equatable {
    package let name: String
    /// In the order in which they are read.
    package let patterns: [String]

    package init(name: String, patterns: [String]) {
      self.name = name
      self.patterns = patterns
    }
  }

  /// How the splits were stated.
  private enum Form: Sendable { case text, list, mapping }

  package let splits: [Split]
  private let form: Form

  /// The split of files that are listed without one.
  package static let mainSplit = "train"

  /// Every name and pattern.
  package var patterns: [String] { splits.flatMap(\.patterns) }

  /// The same with every name and pattern changed.
  package func map(_ change: (String) -> String) -> DataFilePatterns {
    DataFilePatterns(
      splits: splits.map { Split(name: $0.name, patterns: $0.patterns.map(change)) }, form: form)
  }
}

extension DataFilePatterns: ExpressibleByArrayLiteral, ExpressibleByStringLiteral {
  package init(arrayLiteral patterns: String...) {
    self.init(
      splits: [Split(name: DataFilePatterns.mainSplit, patterns: patterns)], form: .list)
  }

  package init(stringLiteral pattern: String) {
    self.init(
      splits: [Split(name: DataFilePatterns.mainSplit, patterns: [pattern])], form: .text)
  }
}

extension DataFilePatterns: SettingValue {
  package static var alternatives: [String] {
    ["text", "a list of texts", "a set of these by split"]
  }

  package init?(setting: JSON) {
    switch setting {
    case .string(let pattern): self.init(stringLiteral: pattern)
    case .array(let items) where items.contains { $0.object != nil }:
      var splits: [Split] = []
      var names: Set<String> = []
      for item in items {
        guard item.object?.count == 2, let name = item["split"]?.string,
          let patterns = item["path"].flatMap(DataFilePatterns.texts),
          names.insert(name).inserted
        else { return nil }
        splits.append(Split(name: name, patterns: patterns))
      }
      self.init(splits: splits, form: .mapping)
    case .array:
      guard let patterns = DataFilePatterns.texts(setting) else { return nil }
      self.init(
        splits: [Split(name: DataFilePatterns.mainSplit, patterns: patterns)], form: .list)
    case .object(let members):
      var splits: [Split] = []
      for (name, value) in members.sorted(by: { $0.key < $1.key }) {
        guard let patterns = DataFilePatterns.texts(value) else { return nil }
        splits.append(Split(name: name, patterns: patterns))
      }
      self.init(splits: splits, form: .mapping)
    default: return nil
    }
  }

  /// A text, or a list of texts.
  private static func texts(_ value: JSON) -> [String]? {
    if let text = value.string { return [text] }
    guard let items = value.array else { return nil }
    let texts = items.compactMap(\.string)
    return texts.count == items.count ? texts : nil
  }

  package var json: JSON {
    switch form {
    case .text: .string(splits[0].patterns[0])
    case .list: splits[0].patterns.json
    case .mapping: .object(Dictionary(splits.map { ($0.name, $0.patterns.json) }) { $1 })
    }
  }
}
