// Plain text for a terminal of 80 columns. Comes in: names and what is said about them. Leaves: lines.

enum HelpLayout {
  static let width = 80

  /// Two columns, the second wrapped; the first is at least `least` wide.
  static func columns(_ items: [(String, String)], least: Int = 0) -> [String] {
    let first = max(least, (items.map(\.0.count).max() ?? 0) + 4)
    return items.flatMap { name, text in
      let start = "  " + name + String(repeating: " ", count: first - name.count - 2)
      return wrap(start + text, indent: String(repeating: " ", count: first))
    }
  }

  /// Names, each with its text wrapped below it.
  static func stacked(_ items: [(String, String)]) -> [String] {
    items.flatMap { name, text in
      wrap("  " + name, indent: "    ") + wrap("      " + text, indent: "      ")
    }
  }

  /// Breaks a line at spaces; those at its start are kept.
  static func wrap(_ line: String, indent: String) -> [String] {
    var result: [String] = []
    var rest = line[...]
    while rest.count > width {
      let limit = rest.index(rest.startIndex, offsetBy: width)
      let first = rest.index(rest.startIndex, offsetBy: indent.count)
      guard let space = rest[first...limit].lastIndex(of: " ") else { break }
      result.append(String(rest[..<space]))
      rest = (indent + rest[rest.index(after: space)...])[...]
    }
    return result + [String(rest)]
  }
}

extension String {
  var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
