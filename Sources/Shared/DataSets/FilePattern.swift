// Paths with wildcards. Comes in: a pattern. Leaves: the files that it means, sorted.

/// A path with `*`, `?`, `[abc]` and, as a whole part, `**`.
enum FilePattern {
  /// The files that a pattern means; at least one.
  static func matches(_ pattern: String) throws -> [String] {
    guard pattern.contains(where: isWildcard) else {
      guard System.exists(pattern) else { throw DataError.noMatch(pattern: pattern) }
      return [pattern]
    }
    // What stands before the first part with a wildcard is taken as it is.
    let wildcard = pattern.firstIndex(where: isWildcard) ?? pattern.startIndex
    let slash = pattern[..<wildcard].lastIndex(of: "/")
    var found = [slash.map { String(pattern[...$0]) } ?? ""]
    let rest = slash.map { pattern[pattern.index(after: $0)...] } ?? pattern[...]
    for part in rest.split(separator: "/") {
      found = try found.flatMap { folder -> [String] in
        if part == "**" { return try folders(below: folder) }
        guard part.contains(where: isWildcard) else { return [joined(folder, String(part))] }
        return try names(in: folder).filter { fits(Array(part), Array($0)) }
          .map { joined(folder, $0) }
      }
    }
    var seen: Set<String> = []
    found = found.filter {
      System.exists($0) && !System.isDirectory($0) && seen.insert($0).inserted
    }
    guard !found.isEmpty else { throw DataError.noMatch(pattern: pattern) }
    return found.sorted()
  }

  private static func isWildcard(_ character: Character) -> Bool { "*?[".contains(character) }

  private static func joined(_ folder: String, _ name: String) -> String {
    folder.isEmpty || folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// What a folder holds, hidden names left out.
  private static func names(in folder: String) throws -> [String] {
    let place = folder.isEmpty ? "." : folder
    guard System.isDirectory(place) else { return [] }
    return try System.list(place).filter { !$0.hasPrefix(".") }
  }

  /// A folder and all below it.
  private static func folders(below folder: String) throws -> [String] {
    let inner = try names(in: folder).map { joined(folder, $0) }.filter { System.isDirectory($0) }
    return try [folder] + inner.flatMap { try folders(below: $0) }
  }

  /// Whether a name fits a part, tried from the last `*` on.
  private static func fits(_ pattern: [Character], _ name: [Character]) -> Bool {
    var (p, n) = (0, 0)
    var retry: (pattern: Int, name: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == "*" {
        retry = (p, n)
        p += 1
      } else if let next = step(pattern, p, name[n]) {
        (p, n) = (next, n + 1)
      } else if let last = retry {
        retry = (last.pattern, last.name + 1)
        (p, n) = (last.pattern + 1, last.name + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }

  /// The place behind what matches one character; nil where it does not fit.
  private static func step(_ pattern: [Character], _ place: Int, _ character: Character) -> Int? {
    guard place < pattern.count else { return nil }
    if pattern[place] == "?" { return place + 1 }
    guard pattern[place] == "[", let end = pattern[(place + 1)...].firstIndex(of: "]") else {
      return pattern[place] == character ? place + 1 : nil
    }
    var members = pattern[(place + 1)..<end]
    let isNegated = members.first == "!" || members.first == "^"
    if isNegated { members = members.dropFirst() }
    return contains(Array(members), character) != isNegated ? end + 1 : nil
  }

  private static func contains(_ members: [Character], _ character: Character) -> Bool {
    var index = 0
    while index < members.count {
      if index + 2 < members.count, members[index + 1] == "-" {
        if members[index] <= character, character <= members[index + 2] { return true }
        index += 3
      } else {
        if members[index] == character { return true }
        index += 1
      }
    }
    return false
  }
}
