// A folder of a test's own, which is gone when the test has ended.

import Foundation
import Shared

/// Owns a folder with a name that no other test has.
package struct TemporaryFolder: ~Copyable, Sendable {
  package let path: String

  package init() throws {
    path = NSTemporaryDirectory() + "/saeline-" + UUID().uuidString
    try System.createDirectories(path)
  }

  deinit { try? System.removeTree(path) }

  /// The path of a file in the folder.
  package func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file into the folder.
  ///
  /// - Returns: its path.
  @discardableResult
  package func write(_ bytes: [UInt8], to name: String) throws -> String {
    var file = try AtomicFile.create(self.file(name))
    try file.write(bytes.span.raw)
    try file.publishReplacing()
    return self.file(name)
  }
}

/// The bytes of a file.
package func contents(of path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}
