// Uploads to the local Hub: batches of Git LFS, content in one piece or in parts, and its verification.
// Bytes come in and are kept in files; only what has the right hash becomes an object.

import Shared
import Synchronization

extension LocalHub {
  /// Answers `POST …/preupload/REVISION`: which files go into git and which are large.
  func uploadModes(
    _ place: LocalHubPlace, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    let files = try json(connection)["files"]?.array ?? []
    let commit = try place.commit()
    let modes = try files.compactMap { file -> JSON? in
      guard let path = file.object?["path"]?.string, let size = file.object?["size"]?.integer
      else { return nil }
      var mode: [String: JSON] = ["path": .string(path), "shouldIgnore": false]
      mode["uploadMode"] = isLarge(path, byteCount: size) ? "lfs" : "regular"
      if let old = commit.files[path] { mode["oid"] = .string(try old.etag()) }
      return .object(mode)
    }
    return .json(["files": .array(modes)])
  }

  /// Answers a batch of Git LFS: where to put what is not there yet.
  func batchAnswer(
    _ kind: LocalHubKind, _ id: String, _ request: LocalHTTPRequest,
    _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    _ = try repository(kind, id, of: request, for: .write)
    let json = try json(connection)
    let known = state.withLock { Set($0.objects.keys) }
    let transfers = json["transfers"]?.array?.compactMap { $0.string } ?? ["basic"]
    var usesParts = false
    let objects = (json["objects"]?.array ?? []).compactMap { object -> JSON? in
      guard let hash = object.object?["oid"]?.string, let size = object.object?["size"]?.integer
      else { return nil }
      var answer: [String: JSON] = [
        "oid": .string(hash), "size": .integer(size), "authenticated": true,
      ]
      if !known.contains(hash) {
        let inParts = size >= options.multipartByteCount && transfers.contains("multipart")
        usesParts = usesParts || inParts
        answer["actions"] = .object([
          "upload": inParts ? uploadInParts(hash, size) : upload(hash),
          "verify": ["href": .string("\(endpoint)/api/verify-upload")],
        ])
      }
      return .object(answer)
    }
    return .json([
      "transfer": usesParts ? "multipart" : "basic", "objects": .array(objects),
    ])
  }

  private func upload(_ hash: String) -> JSON {
    ["href": .string("\(contentEndpoint)/uploads/\(hash)?X-Amz-Signature=local")]
  }

  private func uploadInParts(_ hash: String, _ byteCount: Int) -> JSON {
    var header: [String: JSON] = ["chunk_size": .string(String(options.partByteCount))]
    for part in 0...((max(byteCount, 1) - 1) / options.partByteCount) {
      header[String(part + 1)] = .string(
        "\(contentEndpoint)/uploads/\(hash)/\(part + 1)?X-Amz-Signature=local")
    }
    return [
      "href": .string("\(endpoint)/api/complete-multipart/\(hash)"), "header": .object(header),
    ]
  }

  /// Answers `PUT /uploads/HASH` and `PUT /uploads/HASH/PART` of the second host.
  func storeAnswer(
    _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    guard request.method == "PUT", request.value("X-Amz-Signature") != nil,
      request.headers["authorization"] == nil
    else { throw LocalHubRefusal(400, nil, "Only one auth mechanism allowed") }
    guard request.headers["transfer-encoding"] == nil else {
      throw LocalHubRefusal(
        501, nil, "A header you provided implies functionality that is not implemented")
    }
    let names = request.parts.dropFirst()
    guard let hash = names.first, hash.allSatisfy({ $0.isHexDigit }), names.count <= 2,
      names.dropFirst().allSatisfy({ Int($0) != nil })
    else { throw LocalHubRefusal(404, nil, "NoSuchKey") }
    try System.createDirectories(folder)
    var file = try AtomicFile.create("\(folder)/\(names.joined(separator: "."))")
    var digest = Digest()
    try connection.readBody { piece in
      try file.write(piece.span.raw)
      digest.update(piece.span.raw)
    }
    let (path, found) = (file.path, digest.finish())
    try file.publishReplacing()
    if names.count == 1 { try keep(path, as: hash, found: found) }
    return LocalHTTPResponse(status: 200, headers: [("ETag", "\"\(found.prefix(32))\"")])
  }

  /// Answers `POST /api/complete-multipart/HASH`: the parts become one object.
  func completeAnswer(
    _ parts: [String], _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    let json = try json(connection)
    guard let hash = parts.dropFirst().first, json["oid"]?.string == hash,
      let list = json["parts"]?.array
    else { throw LocalHubRefusal(400, nil, "Malformed completion") }
    var file = try AtomicFile.create("\(folder)/\(hash)")
    var digest = Digest()
    for (index, part) in list.enumerated() {
      let path = "\(folder)/\(hash).\(index + 1)"
      guard part.object?["partNumber"]?.integer == index + 1, System.exists(path),
        part.object?["etag"]?.string == "\"\(try Digest.ofFile(path).prefix(32))\""
      else { throw LocalHubRefusal(400, nil, "InvalidPart") }
      let source = try InputFile(path)
      for start in stride(from: 0, to: source.byteCount, by: 1 << 20) {
        let piece = try source.read(at: start, count: 1 << 20)
        try file.write(piece.span.raw)
        digest.update(piece.span.raw)
      }
      try System.remove(path)
    }
    let path = file.path
    try file.publishReplacing()
    try keep(path, as: hash, found: digest.finish())
    return .json(["success": true])
  }

  private func keep(_ path: String, as hash: String, found: String) throws {
    guard found == hash else {
      throw LocalHubRefusal(400, nil, "The content has the hash \(found), not \(hash)")
    }
    state.withLock { $0.objects[hash] = .file(path) }
  }

  /// Answers `POST /api/verify-upload`.
  func verifyAnswer(_ connection: LocalHTTPConnection) throws -> LocalHTTPResponse {
    let json = try json(connection)
    guard let content = state.withLock({ $0.objects[json["oid"]?.string ?? ""] }),
      try content.byteCount() == json["size"]?.integer
    else { throw LocalHubRefusal(404, nil, "The object is not there in full") }
    return .json([:])
  }
}
