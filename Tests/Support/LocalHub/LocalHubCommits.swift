// Commits through the API: a header and operations, one JSON object a line. Lines come in; all of them or
// none become a commit.

import Foundation
import Shared
import Synchronization

extension LocalHub {
  /// Answers `POST …/commit/REVISION`.
  func commitAnswer(
    _ place: LocalHubPlace, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    let lines = try body(connection).split(separator: 10)
    let branch = place.revisionAndPath.revision
    var (title, parent) = ("", String?.none)
    var changes: [(path: String, file: LocalHubFile?)] = []
    for line in lines {
      guard let object = try? JSON(parsing: Array(line)).object, let key = object["key"]?.string,
        let value = object["value"]?.object
      else { throw LocalHubRefusal(400, nil, "A line of the commit is no operation") }
      if key == "header" {
        title = value["summary"]?.string ?? ""
        parent = value["parentCommit"]?.string
      } else {
        changes += try self.changes(key, value, in: place)
      }
    }
    guard !title.isEmpty else { throw LocalHubRefusal(400, nil, "The commit has no summary") }
    let commit = try change(place.repository) { repository in
      if let parent, repository.commit(branch)?.id != parent {
        throw LocalHubRefusal(
          412, nil, "A commit has happened since. Please refresh and try again.")
      }
      return try repository.commit(
        Dictionary(changes.map { ($0.path, $0.file) }) { $1 }, to: branch, title: title)
    }
    let page = "\(endpoint)/\(place.repository.kind.prefix)\(place.repository.id)"
    return .json([
      "success": true, "commitOid": .string(commit), "hookOutput": "",
      "commitUrl": .string("\(page)/commit/\(commit)"),
    ])
  }

  /// What one line does to the files.
  private func changes(
    _ key: String, _ value: [String: JSON], in place: LocalHubPlace
  ) throws -> [(path: String, file: LocalHubFile?)] {
    guard let path = value["path"]?.string, !path.isEmpty, !path.hasPrefix("/"),
      !path.split(separator: "/").contains("..")
    else { throw LocalHubRefusal(400, nil, "Invalid path") }
    let present = try place.commit().files
    switch key {
    case "file":
      guard value["encoding"]?.string == "base64", let text = value["content"]?.string,
        let data = Data(base64Encoded: text)
      else { throw LocalHubRefusal(400, nil, "Invalid content of \(path)") }
      return [(path, try LocalHubFile(.bytes([UInt8](data)), isLarge: false))]
    case "lfsFile":
      guard value["algo"]?.string == "sha256", let hash = value["oid"]?.string,
        let content = state.withLock({ $0.objects[hash] })
      else { throw LocalHubRefusal(400, nil, "The content of \(path) was not uploaded") }
      return [(path, try LocalHubFile(content, isLarge: true, sha256: hash))]
    case "deletedFile":
      guard present[path] != nil else {
        throw LocalHubRefusal(404, "EntryNotFound", "A file with this name doesn't exist")
      }
      return [(path, nil)]
    case "deletedFolder":
      let prefix = path.hasSuffix("/") ? path : path + "/"
      return present.keys.filter { $0.hasPrefix(prefix) }.map { ($0, nil) }
    default: throw LocalHubRefusal(400, nil, "Unknown operation \(key)")
    }
  }
}
