// What scripts tell the local Hub and ask it, below paths that begin with two underscores: `GET /__log`,
// `POST /__faults`, `PUT /__put`. The record of requests leaves as JSON.

import Shared

extension LocalHub {
  func controlAnswer(
    _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    switch (request.method, request.parts[0]) {
    case ("GET", "__log"):
      // The record of this very request is still open.
      return .json(.array(log.all.filter { $0.path != "/__log" }.map(\.json)))
    case ("DELETE", "__log"):
      log.clear()
    case ("POST", "__faults"):
      let body = try body(connection)
      let wanted = try JSON(parsing: body).array ?? []
      let faults = wanted.compactMap { LocalHubFault($0) }
      guard faults.count == wanted.count else {
        throw LocalHubRefusal(400, nil, "The body is no list of faults.")
      }
      for fault in faults { self.faults.add(fault) }
    case ("DELETE", "__faults"):
      faults.clear()
    case ("PUT", "__put"):
      return try put(request, connection)
    default: throw LocalHubRefusal(404, nil, "Not Found")
    }
    return .json([:])
  }

  /// Adds a file, which is the body or the file of this machine that `file=PATH` names.
  ///
  /// `PUT /__put?kind=dataset&id=owner/name&branch=main&path=README.md&access=private`
  private func put(
    _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    guard let kind = LocalHubKind(rawValue: request.value("kind") ?? "model"),
      let id = request.value("id"), let path = request.value("path")
    else { throw LocalHubRefusal(400, nil, "kind, id and path are needed") }
    let content: LocalHubContent =
      if let file = request.value("file") { .file(file) } else { .bytes(try body(connection)) }
    let commit = try add(
      [path: content], to: id, kind, branch: request.value("branch") ?? "main",
      access: request.value("access").flatMap { LocalHubAccess(rawValue: $0) })
    if let tag = request.value("tag") { addTag(tag, at: commit, of: id, kind) }
    if let name = request.value("formerName") { addFormerName(name, of: id, kind) }
    return .json(["commit": .string(commit)])
  }
}
