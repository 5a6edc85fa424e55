// Files of the project that tests read, found from the place of this file.

import Foundation

package enum ProjectFiles {
  package static var root: String {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }

  /// The text of a file of the project.
  package static func text(_ path: String) throws -> String {
    try String(contentsOfFile: root + "/" + path, encoding: .utf8)
  }

  package static func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: root + "/" + path))
  }

  package static func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: root + "/" + folder).sorted()
  }

  /// Whether a test may write what it would otherwise compare; `SAELINE_UPDATE_README=1` says so.
  package static var mayUpdate: Bool {
    ProcessInfo.processInfo.environment["SAELINE_UPDATE_README"] == "1"
  }
}
