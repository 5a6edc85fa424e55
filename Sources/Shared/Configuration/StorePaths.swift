// The stores of a pipeline file: one folder, or a list of which the first is written to.

/// Where stages are written and found.
package struct StorePaths: Sendable, Equatable {
  /// The store that is written to, then those that are only read.
  package let paths: [String]

  package init(_ path: String, reading others: [String] = []) { paths = [path] + others }

  package var written: String { paths[0] }
  package var read: [String] { Array(paths.dropFirst()) }
}

extension StorePaths: SettingValue {
  package static var alternatives: [String] { String.alternatives + [String].alternatives }

  package init?(setting: JSON) {
    guard let texts = setting.string.map({ [$0] }) ?? [String](setting: setting), !texts.isEmpty,
      Set(texts).count == texts.count
    else { return nil }
    paths = texts
  }

  package var json: JSON { paths.count == 1 ? .string(paths[0]) : .array(paths.map(JSON.string)) }
}
