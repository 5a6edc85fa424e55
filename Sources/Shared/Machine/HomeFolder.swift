// The one rule for paths that a person writes: `~` and `~user` at the beginning mean a home folder, and
// what is relative is relative to the folder that the program was started in.

import Foundation

package enum HomeFolder {
  /// The path with the home folder in the place of `~`; as it is where there is none of that name.
  package static func expanded(_ path: String) -> String {
    guard path.hasPrefix("~") else { return path }
    let parts = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let home = folder(of: String(parts[0].dropFirst())) else { return path }
    return parts.count == 1 ? home : home + "/" + parts[1]
  }

  /// The home folder of a user, or of the one who runs the program.
  private static func folder(of user: String) -> String? {
    if user.isEmpty {
      let given = ProcessInfo.processInfo.environment["HOME"] ?? ""
      return given.isEmpty ? trimmed(NSHomeDirectory()) : trimmed(given)
    }
    return NSHomeDirectoryForUser(user).map(trimmed)
  }

  private static func trimmed(_ folder: String) -> String {
    folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
  }

  /// A path from the root on, as errors show where a relative one was looked for.
  package static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}
