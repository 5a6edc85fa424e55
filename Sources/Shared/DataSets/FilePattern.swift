// Paths with wildcards. Comes in: a pattern. Leaves: the files that it means, sorted.

/// A path with `*`, `?`, `[abc]` and, as a whole part, `**`.
///
/// As in Hugging Face's datasets, names that begin with a point, and folders that begin with two
/// underscores, are met only by parts that begin so too.
enum FilePattern {
  /// The files that a pattern means, below `base` where it is no absolute path; at least one.
  static func matches(
    _ pattern: String, in base: String? = nil, of tree: DataTree
  ) throws -> [String] {
    let isAbsolute = pattern.hasPrefix("/")
    let whole = isAbsolute ? pattern : base.map { DataTree.joined($0, pattern) } ?? pattern
    guard pattern.contains(where: isWildcard) else {
      guard tree.exists(whole) else { throw DataError.noMatch(pattern: tree.name(whole)) }
      return [whole]
    }
    var found = [isAbsolute ? "/" : base ?? ""]
    let parts = pattern.split(separator: "/")
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      // A folder that is met in two ways is looked through once.
      var seen: Set<String> = []
      var visited: Set<String> = []
      found = try found.flatMap { folder -> [String] in
        if part == "**" {
          let folders = try folders(below: folder, tree, &visited)
          guard isLast else { return folders }
          return try folders.flatMap { folder in
            let names = try entries(folder, part, isLast, tree)
            try tree.willCompare(names, with: part)
            return names
          }
        }
        guard part.contains(where: isWildcard) else {
          return [DataTree.joined(folder, String(part))]
        }
        let characters = Array(part)
        let names = try entries(folder, part, isLast, tree)
        try tree.willCompare(names, with: part)
        return names.filter {
          fits(
            characters, Array($0[($0.lastIndex(of: "/").map($0.index(after:)) ?? $0.startIndex)...])
          )
        }
      }.filter { seen.insert($0).inserted }
    }
    found = found.filter { path in
      if case .file? = tree.files.entry(path) { true } else { false }
    }
    guard !found.isEmpty else { throw DataError.noMatch(pattern: tree.name(whole)) }
    return sorted(found)
  }

  static func isWildcard(_ character: Character) -> Bool { "*?[".contains(character) }

  /// Names in the order of their bytes, which is that of Python.
  static func sorted(_ names: [String]) -> [String] {
    names.map { ($0, Array($0.utf8)) }.sorted { $0.1.lexicographicallyPrecedes($1.1) }.map(\.0)
  }

  /// What a folder holds that a part of a pattern may meet.
  private static func entries(
    _ folder: String, _ part: Substring, _ isLast: Bool, _ tree: DataTree
  ) throws -> [String] {
    guard tree.isFolder(folder) else { return [] }
    return try tree.files.list(folder).filter { name in
      guard name.hasPrefix(".") == part.hasPrefix(".") else { return false }
      return isLast || name.hasPrefix("__") == part.hasPrefix("__")
    }.map { DataTree.joined(folder, $0) }
  }

  /// A folder and all below it; links to a folder that they lie in are not followed.
  ///
  /// Where there are no such links, folders that were `visited` before are left out with all below them:
  /// `**` behind `**` would else name every folder once for each that it lies in.
  private static func folders(
    below folder: String, _ tree: DataTree, _ visited: inout Set<String>
  ) throws -> [String] {
    var found: [String] = []
    var open: [(path: String, outer: [String])] = [(folder, [])]
    while let (place, outer) = open.popLast() {
      guard tree.isFolder(place) else { continue }
      let identity = tree.files.folderIdentity(place)
      if let identity {
        if outer.contains(identity) { continue }
      } else if !visited.insert(place).inserted {
        continue
      }
      found.append(place)
      for inner in try entries(place, "", false, tree) where tree.isFolder(inner) {
        open.append((inner, outer + [identity].compactMap { $0 }))
      }
    }
    return found
  }

  /// Whether a name fits a part, tried from the last `*` on.
  private static func fits(_ pattern: [Character], _ name: [Character]) -> Bool {
    // Behind the last one no set of characters begins.
    let lastEnd = pattern.lastIndex(of: "]") ?? -1
    var (p, n) = (0, 0)
    var retry: (pattern: Int, name: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == "*" {
        retry = (p, n)
        p += 1
      } else if let next = step(pattern, p, name[n], lastEnd) {
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
  private static func step(
    _ pattern: [Character], _ place: Int, _ character: Character, _ lastEnd: Int
  ) -> Int? {
    guard place < pattern.count else { return nil }
    if pattern[place] == "?" { return place + 1 }
    guard pattern[place] == "[", place < lastEnd,
      let end = pattern[(place + 1)...].firstIndex(of: "]")
    else {
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
