// Listings of a commit's files, page by page, and the hostile ones that faults ask for. A place in a
// repository comes in, entries leave.

import Shared

extension LocalHub {
  /// Answers `tree`: the entries of a folder, or of all folders below it.
  func list(
    _ place: LocalHubPlace, _ request: LocalHTTPRequest, _ fault: LocalHubFault.Kind?
  ) throws -> LocalHTTPResponse {
    let (commit, path) = (try place.commit(), place.revisionAndPath.path)
    let expand = request.flag("expand")
    let most = min(options.pageEntryCount, expand ? 50 : 1_000)
    let count = request.value("limit").flatMap { Int($0) }.map { max(1, min(most, $0)) } ?? most
    let start = request.value("cursor").flatMap { Int($0) } ?? 0
    switch fault {
    case .listing(let paths):
      return .json(.array(paths.map { Self.invented($0) }))
    case .longListing(let total):
      return longListing(
        request, start..<min(total ?? .max, start + count), isLast: start + count >= total ?? .max)
    default: break
    }
    let entries = try entries(of: commit, below: path, isRecursive: request.flag("recursive"))
    guard path.isEmpty || !entries.isEmpty else {
      throw LocalHubRefusal(
        404, "EntryNotFound", "\(path) does not exist on \"\(place.revisionAndPath.revision)\"")
    }
    let page = try entries.dropFirst(start).prefix(count).map {
      try describe($0, in: commit, expanded: expand)
    }
    let isLast = start + count >= entries.count
    return .json(
      .array(page), headers: isLast ? [] : [link(to: start + count, of: request)])
  }

  /// Answers `paths-info`: those of the paths that there are.
  func describePaths(
    _ place: LocalHubPlace, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    let commit = try place.commit()
    let bytes = try body(connection)
    var (paths, expand) = ([String](), false)
    if bytes.first == UInt8(ascii: "{"), let json = try JSON(parsing: bytes).object {
      paths = json["paths"]?.array?.compactMap { $0.string } ?? []
      expand = json["expand"]?.bool ?? false
    } else {
      let pairs = LocalHTTPRequest.pairs(of: String(decoding: bytes, as: UTF8.self))
      paths = pairs.filter { $0.name == "paths" }.map(\.value)
      expand = pairs.contains { $0.name == "expand" && $0.value.lowercased() == "true" }
    }
    let folders = Set(commit.paths.flatMap { Self.folders(above: $0) })
    let known = paths.filter { commit.files[$0] != nil || folders.contains($0) }
    return .json(.array(try known.map { try describe($0, in: commit, expanded: expand) }))
  }

  /// The paths of files and folders below a folder, sorted.
  private func entries(
    of commit: LocalHubCommit, below folder: String, isRecursive: Bool
  ) throws -> [String] {
    let prefix = folder.isEmpty ? "" : folder + "/"
    var found: Set<String> = []
    for path in commit.paths where path.hasPrefix(prefix) {
      for entry in Self.folders(above: path) + [path]
      where entry.hasPrefix(prefix) && entry.utf8.count > prefix.utf8.count {
        if isRecursive || !entry.utf8.dropFirst(prefix.utf8.count).contains(UInt8(ascii: "/")) {
          found.insert(entry)
        }
      }
    }
    return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func folders(above path: String) -> [String] {
    var (found, folder) = ([String](), "")
    for part in path.split(separator: "/").dropLast() {
      folder += (folder.isEmpty ? "" : "/") + part
      found.append(folder)
    }
    return found
  }

  private func describe(
    _ path: String, in commit: LocalHubCommit, expanded: Bool
  ) throws -> JSON {
    var entry: [String: JSON] = ["path": .string(path), "type": "directory", "size": 0]
    entry["oid"] = .string(SHA1.of(Array("\(commit.id) \(path)".utf8)))
    if let file = commit.files[path] {
      entry["type"] = "file"
      entry["size"] = .integer(file.byteCount)
      entry["oid"] = .string(try file.blob())
      if file.isLarge {
        entry["lfs"] = .object([
          "oid": .string(try file.sha256()), "size": .integer(file.byteCount),
          "pointerSize": .integer(try file.pointer().utf8.count),
        ])
        if options.advertisesXet { entry["xetHash"] = .string(try file.sha256()) }
      }
    }
    if expanded {
      entry["lastCommit"] = .object([
        "id": .string(commit.id), "title": .string(commit.title), "date": .string(commit.date),
      ])
      if entry["type"] == "file" {
        entry["securityFileStatus"] = [
          "status": "safe", "avScan": .null, "pickleImportScan": .null,
        ]
      }
    }
    return .object(entry)
  }

  private func link(to cursor: Int, of request: LocalHTTPRequest) -> (name: String, value: String) {
    let kept = request.query.filter { $0.name != "cursor" }.map {
      "\(LocalHTTPRequest.encoded($0.name))=\(LocalHTTPRequest.encoded($0.value))&"
    }
    let path = request.target.prefix { $0 != "?" }
    return ("Link", "<\(endpoint)\(path)?\(kept.joined())cursor=\(cursor)>; rel=\"next\"")
  }

  private func longListing(
    _ request: LocalHTTPRequest, _ range: Range<Int>, isLast: Bool
  ) -> LocalHTTPResponse {
    .json(
      .array(range.map { Self.invented("invented/\($0).json") }),
      headers: isLast ? [] : [link(to: range.upperBound, of: request)])
  }

  /// An entry for a file that nobody has.
  private static func invented(_ path: String) -> JSON {
    [
      "path": .string(path), "type": "file", "size": 1,
      "oid": "0123456789012345678901234567890123456789",
    ]
  }
}
