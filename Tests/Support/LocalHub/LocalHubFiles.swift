// The files themselves: resolve, the redirect to the second host, and ranges. Paths come in, bytes leave.

import Shared
import Synchronization

extension LocalHub {
  /// Answers everything outside of `/api`: files, and the batches of uploads.
  func pageAnswer(
    _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    let isDataSet = request.parts.first == "datasets"
    let parts = Array(request.parts.dropFirst(isDataSet ? 1 : 0))
    let kind = isDataSet ? LocalHubKind.dataset : .model
    if let index = parts.firstIndex(where: { $0.hasSuffix(".git") }),
      Array(parts[(index + 1)...]) == ["info", "lfs", "objects", "batch"]
    {
      let id = parts[...index].joined(separator: "/").dropLast(4)
      return try batchAnswer(kind, String(id), request, connection)
    }
    let place = try place(kind, parts, of: request) { _ in .read }
    guard place.verb == "resolve" || place.verb == "raw" else {
      throw LocalHubRefusal(404, nil, "Sorry, we can't find the page you are looking for.")
    }
    return try resolve(place, request)
  }

  private func resolve(
    _ place: LocalHubPlace, _ request: LocalHTTPRequest
  ) throws -> LocalHTTPResponse {
    let (commit, path, file) = try place.file()
    let etag = try file.etag()
    let repository = place.repository
    let location =
      "\(repository.kind.rawValue)s/\(repository.id)/\(commit.id)/"
      + LocalHTTPRequest.encoded(path, keeping: "/")
    let headers: [(name: String, value: String)] = [("X-Repo-Commit", commit.id)]
    let linked = [
      ("X-Linked-Size", String(file.byteCount)), ("X-Linked-ETag", "\"\(etag)\""),
    ]
    if file.isLarge {
      let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=\(etag)"
      var response = LocalHTTPResponse.redirect(
        302, to: "\(contentEndpoint)/repos/\(location)?\(query)")
      response.headers += headers + linked
      if options.advertisesXet {
        response.headers += [
          ("X-Xet-Hash", etag),
          (
            "Link",
            "<\(endpoint)/api/\(repository.kind.rawValue)s/\(repository.id)/xet-read-token/\(commit.id)>; rel=\"xet-auth\""
          ),
        ]
      }
      return response
    }
    if options.redirectsSmallFiles {
      var response = LocalHTTPResponse.redirect(
        307, to: "/api/resolve-cache/\(location)?etag=%22\(etag)%22")
      response.headers += headers + linked
      return response
    }
    return try send(file, path: path, request, headers: headers)
  }

  /// Answers `/api/resolve-cache/models/owner/name/COMMIT/path`.
  func cachedAnswer(_ request: LocalHTTPRequest) throws -> LocalHTTPResponse {
    let place = try committedPlace(Array(request.parts.dropFirst(2)), request)
    let (commit, path, file) = try place.file()
    return try send(file, path: path, request, headers: [("X-Repo-Commit", commit.id)])
  }

  /// Answers the second host: large files, which anyone may read who was sent there, and uploads.
  func contentAnswer(
    _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    if request.parts.first == "uploads" { return try storeAnswer(request, connection) }
    guard request.parts.first == "repos", request.value("X-Amz-Signature") != nil else {
      throw LocalHubRefusal(403, nil, "AccessDenied")
    }
    let parts = Array(request.parts.dropFirst())
    guard let kind = Self.kind(parts.first), let index = parts.firstIndex(where: Self.isHash),
      let repository = found(kind, parts[1..<index].joined(separator: "/"))
    else { throw LocalHubRefusal(404, nil, "NoSuchKey") }
    let place = LocalHubPlace(repository: repository, verb: "", rest: Array(parts[index...]))
    let (_, path, file) = try place.file()
    return try send(file, path: path, request, headers: [])
  }

  private func committedPlace(
    _ parts: [String], _ request: LocalHTTPRequest
  ) throws -> LocalHubPlace {
    guard let kind = Self.kind(parts.first), let index = parts.firstIndex(where: Self.isHash)
    else { throw LocalHubRefusal(404, "EntryNotFound", "Entry not found") }
    let id = parts[1..<index].joined(separator: "/")
    let repository = try repository(kind, id, of: request, for: .read)
    return LocalHubPlace(repository: repository, verb: "", rest: Array(parts[index...]))
  }

  private func send(
    _ file: LocalHubFile, path: String, _ request: LocalHTTPRequest,
    headers: [(name: String, value: String)]
  ) throws -> LocalHTTPResponse {
    let etag = try file.etag()
    let name = path.split(separator: "/").last ?? ""
    var headers =
      headers + [
        ("ETag", "\"\(etag)\""), ("Accept-Ranges", "bytes"),
        ("Content-Type", path.hasSuffix(".json") ? "application/json" : "application/octet-stream"),
        ("Content-Disposition", "inline; filename*=UTF-8''\(name); filename=\"\(name)\";"),
      ]
    let range: Range<Int>?
    do { range = try request.range(of: file.byteCount, etag: etag) } catch {
      return LocalHTTPResponse(
        status: 416, headers: headers + [("Content-Range", "bytes */\(file.byteCount)")])
    }
    if let range {
      headers.append(
        ("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.byteCount)"))
    }
    return LocalHTTPResponse(
      status: range == nil ? 200 : 206, headers: headers,
      body: .part(file.content, range ?? 0..<file.byteCount))
  }

  static func kind(_ plural: String?) -> LocalHubKind? {
    plural.flatMap { $0.hasSuffix("s") ? LocalHubKind(rawValue: String($0.dropLast())) : nil }
  }

  private static func isHash(_ text: String) -> Bool {
    text.utf8.count == 40 && text.allSatisfy { $0.isHexDigit }
  }
}
