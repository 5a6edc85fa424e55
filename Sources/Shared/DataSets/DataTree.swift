// Where the files of data sets lie: on this machine, or in a repository of the Hub. Comes in: paths.
// Leaves: what is there, under the name by which people are told it.

/// A tree of files that data sets lie in.
package struct DataTree: Sendable {
  package let files: any FileTree
  /// What stands before the paths for people, such as `hf://datasets/owner/name@revision`; empty for
  /// files of this machine.
  package let address: String
  /// What comparing names with patterns has cost so far.
  private let compared = Counter()

  /// A card may have any number of patterns for any number of files: more is not looked through.
  private static let comparisonLimit = 4_000_000_000

  /// The files of this machine.
  package static let local = DataTree(files: LocalTree(), address: "")

  /// The files of a repository of the Hub, read by requests of ranges.
  package static func repository(_ files: any FileTree, address: String) -> DataTree {
    DataTree(files: RangedTree(files, address: address), address: address)
  }

  private init(files: any FileTree, address: String) {
    self.files = files
    self.address = address
  }

  package var isLocal: Bool { address.isEmpty }

  func exists(_ path: String) -> Bool { files.exists(path) }
  func isFolder(_ path: String) -> Bool { files.isFolder(path) }

  /// A path as people are told it.
  func name(_ path: String) -> String {
    if isLocal { return path }
    return path.isEmpty ? address : address + "/" + path
  }

  /// Bounds what a repository's own patterns cost, by the lengths of names and parts of patterns.
  func willCompare(_ names: [String], with part: Substring) throws(DataError) {
    guard !isLocal else { return }
    let cost = names.reduce(0) { $0 + $1.utf8.count } * (1 + part.utf8.count / 8)
    guard compared.take(cost) + cost <= DataTree.comparisonLimit else {
      throw .tooManyPatterns(place: address)
    }
  }

  /// A small file as a whole.
  func contents(_ path: String) throws -> [UInt8] {
    let file = try files.open(path)
    return try file.read(at: 0, count: file.byteCount)
  }

  static func joined(_ folder: String, _ name: String) -> String {
    folder.isEmpty || folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// The path of a file inside a tree, told from what stands before it for people.
  func path(named name: String) -> String {
    isLocal ? name : String(name.dropFirst(address.utf8.count + 1))
  }
}
