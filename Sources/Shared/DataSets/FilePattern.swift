// Paths with wildcards. Comes in: a pattern. Leaves: the files that it means, sorted.

/// A path with `*`, `?`, `[abc]` and, as a whole part, `**`.
///
/// As in Hugging Face's datasets, names that begin with a point, and folders that begin with two
/// underscores, are met only by parts that begin so too.
enum FilePattern {
  /// The files that a pattern means, below `base` where it is no absolute path; at least one.
  static func matches(_ pattern: String, in base: String? = nil) throws -> [String] {
    let isAbsolute = pattern.hasPrefix("/")
    let whole = isAbsolute ? pattern : base.map { joined($0, pattern) } ?? pattern
    guard pattern.contains(where: isWildcard) else {
      guard System.exists(whole) else { throw DataError.noMatch(pattern: whole) }
      return [whole]
    }
    var found = [isAbsolute ? "/" : base ?? ""]
    let parts = pattern.split(separator: "/")
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      found = try found.flatMap { folder -> [String] in
        if part == "**" {
          let folders = try folders(below: folder)
          return isLast ? try folders.flatMap { try entries($0, part, isLast) } : folders
        }
        guard part.contains(where: isWildcard) else { return [joined(folder, String(part))] }
        return try entries(folder, part, isLast).filter {
          fits(Array(part), Array($0.split(separator: "/").last ?? ""))
        }
      }
    }
    var seen: Set<String> = []
    found = found.filter {
      System.exists($0) && !System.isDirectory($0) && seen.insert($0).inserted
    }
    guard !found.isEmpty else { throw DataError.noMatch(pattern: whole) }
    return sorted(found)
  }

  static func isWildcard(_ character: Character) -> Bool { "*?[".contains(character) }

  /// Names in the order of their bytes, which is that of Python.
  static func sorted(_ names: [String]) -> [String] {
    names.map { ($0, Array($0.utf8)) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }.map(\.0)
  }

  private static func joined(_ folder: String, _ name: String) -> String {
    folder.isEmpty || folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// What a folder holds that a part of a pattern may meet.
  private static func entries(
    _ folder: String, _ part: Substring, _ isLast: Bool
  ) throws -> [String] {
    let place = folder.isEmpty ? "." : folder
    guard System.isDirectory(place) else { return [] }
    return try System.list(place).filter { name in
      guard name.hasPrefix(".") == part.hasPrefix(".") else { return false }
      return isLast || name.hasPrefix("__") == part.hasPrefix("__")
    }.map { joined(folder, $0) }
  }

  /// A folder and all below it; links to a folder that they lie in are not followed.
  private static func folders(
    below folder: String, within outer: [System.Status] = []
  ) throws -> [String] {
    let place = folder.isEmpty ? "." : folder
    guard System.isDirectory(place) else { return [] }
    let status = try System.status(place)
    guard !outer.contains(where: { ($0.device, $0.inode) == (status.device, status.inode) })
    else { return [] }
    let inner = try entries(folder, "", false).filter { System.isDirectory($0) }
    return try [folder] + inner.flatMap { try folders(below: $0, within: outer + [status]) }
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
