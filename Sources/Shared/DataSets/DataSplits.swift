// The splits of a folder's files. Comes in: names of files, relative to the folder. Leaves: the files
// of a split, by the rules of Hugging Face's datasets.

/// The files of every split.
struct DataSplits {
  private let names: [String]
  /// What the names tell, in the order in which `datasets` lists splits.
  private let told: [(split: String, names: [String])]
  /// Splits that numbered files elsewhere than in `data` state in full; only asked for by name.
  private let numbered: [(split: String, name: String)]

  /// Sorts `names` into splits: by numbered files in `data`, else by words in the names of folders,
  /// else by words in the names of files.
  init(_ names: [String]) {
    self.names = names
    numbered = names.compactMap { name in DataSplits.numbered(name).map { ($0, name) } }
    let shards = numbered.filter { DataSplits.isInData($0.name) }
    guard shards.isEmpty else {
      let splits = Dictionary(grouping: shards, by: \.split).mapValues { $0.map(\.name) }
      let usual = DataSplits.words.map(\.split).filter { splits[$0] != nil }
      let others = FilePattern.sorted(splits.keys.filter { !usual.contains($0) })
      told = (usual + others).map { ($0, splits[$0] ?? []) }
      isNumbered = true
      return
    }
    let byFolder = DataSplits.words.map { split, words in
      (split, DataSplits.files(names, words, [.whole, .start, .end, .middle]) { $0.dropLast() })
    }
    let byName = DataSplits.words.map { split, words in
      (split, DataSplits.files(names, words, [.start, .middle]) { $0.suffix(1) })
    }
    let isByFolder = byFolder.contains { !$0.1.isEmpty }
    told = (isByFolder ? byFolder : byName).filter { !$0.1.isEmpty }
    isNumbered = false
  }

  /// Whether numbered files in `data` tell the splits.
  let isNumbered: Bool
  /// Whether no name tells a split, so that every file is of the split `train`.
  var isUntold: Bool { told.isEmpty }

  /// Every split with its files in the order in which `datasets` reads them.
  var all: [SplitPaths] {
    let all = isUntold ? [(split: DataFilePatterns.mainSplit, names: names)] : told
    return all.map { SplitPaths(name: $0.split, paths: $0.names) }
  }

  /// Further splits that numbered files state in full.
  var stated: [SplitPaths] {
    let known = Set(told.map(\.split) + DataSplits.words.flatMap(\.words))
    let stated = FilePattern.sorted(Array(Set(numbered.map(\.split)).subtracting(known)))
    return stated.map { split in
      SplitPaths(name: split, paths: numbered.filter { $0.split == split }.map(\.name))
    }
  }

  private static let words: [(split: String, words: [String])] = [
    ("train", ["train", "training"]), ("validation", ["validation", "valid", "dev", "val"]),
    ("test", ["test", "testing", "eval", "evaluation"]),
  ]

  /// One name for the spellings of a split.
  static func canonical(_ split: String) -> String {
    words.first { $0.words.contains(split) }?.split ?? split
  }

  /// Where a word stands in a name.
  private enum Place { case whole, start, end, middle }

  /// The files that have one of some words in one of some places of the parts that are looked at.
  ///
  /// Their order is that of the patterns of `datasets`: word by word and place by place.
  private static func files(
    _ names: [String], _ words: [String], _ places: [Place],
    of parts: ([[UInt8]]) -> ArraySlice<[UInt8]>
  ) -> [String] {
    let divided = names.map { name in
      (name: name, parts: parts(name.split(separator: "/").map { Array($0.utf8) }))
    }
    var seen: Set<String> = []
    var found: [String] = []
    for word in words.map({ Array($0.utf8) }) {
      for place in places {
        for file in divided where file.parts.contains(where: { has($0, word, place) }) {
          if seen.insert(file.name).inserted { found.append(file.name) }
        }
      }
    }
    return found
  }

  private static func has(_ part: [UInt8], _ word: [UInt8], _ place: Place) -> Bool {
    switch place {
    case .whole: part == word
    case .start: part.starts(with: word) && isSeparator(part.dropFirst(word.count).first)
    case .end: isSeparator(part.dropLast(word.count).last) && part.suffix(word.count) == word[...]
    case .middle:
      part.indices.contains { start in
        isSeparator(part[start]) && part[(start + 1)...].starts(with: word)
          && isSeparator(part[(start + 1)...].dropFirst(word.count).first)
      }
    }
  }

  private static func isSeparator(_ byte: UInt8?) -> Bool {
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: " "): true
    case let byte?: byte &- 0x30 < 10
    default: false
    }
  }

  private static func isInData(_ name: String) -> Bool {
    name.hasPrefix("data/") && name.dropFirst(5).allSatisfy { $0 != "/" }
  }

  /// The split of a name such as `data/train_sft-00000-of-00004-1a2b.parquet`.
  private static func numbered(_ name: String) -> String? {
    let base = name.split(separator: "/").last ?? ""
    let parts = base.split(separator: "-", omittingEmptySubsequences: false)
    let of = parts.indices.last { index in
      parts[index] == "of" && index >= 2 && index + 1 < parts.count
        && parts[index - 1].utf8.count == 5 && parts[index - 1].allSatisfy(isDigit)
        && parts[index + 1].utf8.count >= 5 && parts[index + 1].prefix(5).allSatisfy(isDigit)
    }
    return of.map { parts[..<($0 - 1)].joined(separator: "-") }
  }

  private static func isDigit(_ character: Character) -> Bool { "0"..."9" ~= character }
}
