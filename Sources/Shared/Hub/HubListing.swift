// The list of a repository's files. Comes in: the server's pages, or the file in which huggingface_hub keeps
// them. Leaves: files, checked and sorted, or a reason to refuse them.

/// Gathers the files of a repository page by page, within bounds.
package struct HubListing {
  /// What a listing may have; the Hub itself asks for fewer than 100,000 files in a repository.
  package enum Limit {
    package static let fileCount = 300_000
    package static let pageByteCount = 8 << 20
    package static let byteCount = 256 << 20
    /// Of a file, so that sums of all stay numbers.
    package static let fileByteCount = 1 << 44
  }

  private let repository: HubRepository
  private var files: [HubFile] = []
  private var byteCount = 0

  package init(_ repository: HubRepository) { self.repository = repository }

  /// Takes one page of the tree API.
  package mutating func add(_ page: [UInt8], hasNext: Bool) throws {
    byteCount += page.count
    guard byteCount <= Limit.byteCount else {
      throw refused("it is longer than \(Readable.bytes(Limit.byteCount))")
    }
    let value: JSON
    do { value = try JSON(parsing: page) } catch { throw refused("it is no JSON") }
    guard let entries = value.array else { throw refused("it is no list") }
    // A list that grows by nothing may go on for ever.
    guard !entries.isEmpty || !hasNext else { throw refused("it has an empty page") }
    for entry in entries where entry["type"]?.string == "file" {
      guard let path = entry["path"]?.string else { throw refused("a file has no path") }
      let lfs = entry["lfs"]
      try add(
        path, byteCount: (lfs?["size"] ?? entry["size"])?.integer,
        blob: entry["oid"]?.string, sha256: lfs?.object == nil ? nil : lfs?["oid"]?.string ?? "",
        xet: entry["xetHash"]?.string)
    }
  }

  private mutating func add(
    _ path: String, byteCount: Int?, blob: String?, sha256: String?, xet: String?
  ) throws {
    guard HubPath.isSafe(path) else {
      throw refused("the path \(HubListing.shown(path)) may lead out of its folder")
    }
    guard let byteCount, 0...Limit.fileByteCount ~= byteCount else {
      throw refused("\(path) has no size")
    }
    guard let blob, HubFile.isHexadecimal(blob, 40) else { throw refused("\(path) has no hash") }
    if let sha256, !HubFile.isHexadecimal(sha256, 64) { throw refused("\(path) has no hash") }
    guard files.count < Limit.fileCount else {
      throw refused("it has more than \(Limit.fileCount) files")
    }
    files.append(
      HubFile(
        path: path, byteCount: byteCount, digest: sha256.map { .sha256($0) } ?? .gitBlob(blob),
        blob: blob, xet: xet.flatMap { HubFile.isHexadecimal($0, 64) ? $0 : nil }))
  }

  /// The files in the order of their paths.
  package func sorted() throws -> [HubFile] {
    let sorted = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    var paths = Set<String>(minimumCapacity: sorted.count)
    for file in sorted {
      // Two spellings of the same letters are one name to Swift, and to some file systems.
      guard paths.insert(file.path).inserted else { throw refused("\(file.path) comes twice") }
    }
    // Few files can lie in many folders with long paths, which are all held.
    var (folders, folderByteCount) = (Set<String>(), 0)
    for file in sorted {
      var rest = file.path[...]
      while let slash = rest.lastIndex(of: "/") {
        rest = rest[..<slash]
        let folder = String(rest)
        // A folder that is known is known with all above it.
        guard folders.insert(folder).inserted else { break }
        guard !paths.contains(folder) else {
          throw refused("\(folder) is both a file and a folder")
        }
        folderByteCount += folder.utf8.count
        guard folderByteCount <= Limit.byteCount else {
          throw refused(
            "the paths of its folders are longer than \(Readable.bytes(Limit.byteCount))")
        }
      }
    }
    return sorted
  }

  private func refused(_ what: String) -> HubError { .listing(repository, what) }

  /// A path as a sentence may hold it.
  private static func shown(_ path: String) -> String {
    // JSON leaves the second range of control characters, and a letter may have any number of accents.
    let start = String(String.UnicodeScalarView(path.unicodeScalars.prefix(80)))
    return JSON.string(start).canonical.unicodeScalars.reduce(into: "") { text, scalar in
      if 0x80...0x9F ~= scalar.value {
        text += "\\u00" + String(scalar.value, radix: 16)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}

// MARK: - The listing that Python keeps

extension HubListing {
  /// The version of huggingface_hub's `trees/<commit>.json`.
  private static let formatVersion = 1

  /// The text of `trees/<commit>.json`, byte for byte as huggingface_hub writes it.
  package static func kept(_ files: [HubFile]) -> String {
    var items: [String] = []
    // Python sorts by code points, which is the order of UTF-8's bytes.
    for file in files {
      var members = ["\"size\": \(file.byteCount)", "\"blob_id\": \"\(file.blob)\""]
      if case .sha256(let hash) = file.digest {
        members += ["\"lfs_sha256\": \"\(hash)\"", "\"lfs_size\": \(file.byteCount)"]
      }
      if let xet = file.xet { members.append("\"xet_hash\": \"\(xet)\"") }
      items.append("  \(ascii(file.path)): {\n   \(members.joined(separator: ",\n   "))\n  }")
    }
    let body = items.isEmpty ? "{}" : "{\n\(items.joined(separator: ",\n"))\n }"
    return "{\n \"format_version\": \(formatVersion),\n \"files\": \(body)\n}"
  }

  /// Reads what `kept` wrote; nil where it is another version or broken.
  package static func read(_ bytes: [UInt8], of repository: HubRepository) -> [HubFile]? {
    guard let value = try? JSON(parsing: bytes), value["format_version"]?.integer == formatVersion,
      let members = value["files"]?.object
    else { return nil }
    var listing = HubListing(repository)
    for (path, entry) in members {
      do {
        try listing.add(
          path, byteCount: (entry["lfs_size"] ?? entry["size"])?.integer,
          blob: entry["blob_id"]?.string, sha256: entry["lfs_sha256"]?.string,
          xet: entry["xet_hash"]?.string)
      } catch { return nil }
    }
    return try? listing.sorted()
  }

  /// A JSON string of ASCII alone, as Python's `json.dump` writes it.
  private static func ascii(_ text: String) -> String {
    var result = "\""
    for unit in text.utf16 {
      switch unit {
      case 0x22: result += "\\\""
      case 0x20...0x7E: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      default:
        let digits = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return result + "\""
  }
}
