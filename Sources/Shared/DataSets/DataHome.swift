// The folder that a data set is at home in, here or in a repository. Comes in: the name of a file that may stand
// beside the data. Leaves: its bytes.

/// A folder of a tree.
package struct DataHome: Sendable, Equatable {
  private let tree: DataTree
  /// Its path inside of the tree.
  package let folder: String

  package init(_ folder: String, in tree: DataTree = .local) {
    self.folder = folder
    self.tree = tree
  }

  package static func == (first: DataHome, second: DataHome) -> Bool {
    (first.folder, first.tree.address) == (second.folder, second.tree.address)
  }

  /// A small file beside the data, as people are told it; nil where there is none, or where it is larger.
  package func file(
    _ name: String, atMost byteCount: Int
  ) throws -> (path: String, bytes: [UInt8])? {
    let path = DataTree.joined(folder, name)
    guard case .file(let size)? = tree.files.entry(path), size <= byteCount else { return nil }
    return (tree.name(path), try tree.contents(path))
  }
}
