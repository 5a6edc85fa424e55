// The paths below `/api`: who asks, what repositories are and hold, and which revisions they have. Requests
// come in, JSON leaves.

import Shared
import Synchronization

extension LocalHub {
  func interfaceAnswer(
    _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection, _ fault: LocalHubFault.Kind?
  ) throws -> LocalHTTPResponse {
    let parts = Array(request.parts.dropFirst())
    switch (request.method, parts.first ?? "") {
    case (_, "whoami-v2"):
      try requireToken(request)
      return .json([
        "type": "user", "id": "000000000000000000000001", "name": "tester", "fullname": "Tester",
        "orgs": .array([]), "isPro": false,
        "auth": [
          "type": "access_token", "accessToken": ["displayName": "local", "role": "write"],
        ],
      ])
    case ("POST", "validate-yaml"):
      _ = try body(connection)
      return .json(["errors": .array([]), "warnings": .array([])])
    case (_, "repos"): return try repositoriesAnswer(parts, request, connection)
    case (_, "resolve-cache"): return try cachedAnswer(request)
    case (_, "complete-multipart"): return try completeAnswer(parts, request, connection)
    case ("POST", "verify-upload"): return try verifyAnswer(connection)
    default: break
    }
    guard let kind = Self.kind(parts.first), parts.count > 1 else {
      throw LocalHubRefusal(404, nil, "Not Found")
    }
    let place = try place(kind, Array(parts.dropFirst()), of: request) {
      switch $0 {
      case "preupload", "commit", "branch", "tag", "settings", "xet-write-token": .write
      case "auth-check": .read
      default: .describe
      }
    }
    return try answer(place, request, connection, fault)
  }

  private func answer(
    _ place: LocalHubPlace, _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection,
    _ fault: LocalHubFault.Kind?
  ) throws -> LocalHTTPResponse {
    switch (request.method, place.verb) {
    case ("GET", ""), ("GET", "revision"): return try describe(place, request, fault)
    case ("GET", "tree"): return try list(place, request, fault)
    case ("POST", "paths-info"): return try describePaths(place, connection)
    case ("GET", "refs"): return references(place.repository)
    case ("GET", "commits"): return try history(place)
    case ("GET", "auth-check"): return .json([:])
    case ("POST", "preupload"): return try uploadModes(place, connection)
    case ("POST", "commit"): return try commitAnswer(place, connection)
    case (_, "branch"), (_, "tag"): return try referenceAnswer(place, request, connection)
    case ("PUT", "settings"):
      let json = try json(connection)
      try change(place.repository) {
        if let isPrivate = Self.isPrivate(json) { $0.access = isPrivate ? .isPrivate : .open }
      }
      return .json([:])
    default: throw LocalHubRefusal(404, nil, "Not Found")
    }
  }

  /// Changes a repository that is still there.
  func change<Result: Sendable>(
    _ repository: LocalHubRepository, _ change: (inout LocalHubRepository) throws -> Result
  ) throws -> Result {
    try state.withLock { state in
      let key = Self.key(repository.kind, repository.id)
      guard var current = state.repositories[key] else {
        throw LocalHubRefusal(404, "RepoNotFound", "Repository not found")
      }
      defer { state.repositories[key] = current }
      return try change(&current)
    }
  }

  private func describe(
    _ place: LocalHubPlace, _ request: LocalHTTPRequest, _ fault: LocalHubFault.Kind?
  ) throws -> LocalHTTPResponse {
    let (repository, commit) = (place.repository, try place.commit())
    var siblings: [JSON] = []
    let paths = if case .listing(let paths) = fault { paths } else { commit.paths }
    for path in paths {
      var sibling: [String: JSON] = ["rfilename": .string(path)]
      if request.flag("blobs"), let file = commit.files[path] {
        sibling["size"] = .integer(file.byteCount)
        sibling["blobId"] = .string(try file.blob())
        if file.isLarge {
          sibling["lfs"] = .object([
            "sha256": .string(try file.sha256()), "size": .integer(file.byteCount),
            "pointerSize": .integer(try file.pointer().utf8.count),
          ])
        }
      }
      siblings.append(.object(sibling))
    }
    var description: [String: JSON] = [
      "_id": "000000000000000000000002", "id": .string(repository.id),
      "sha": .string(commit.id), "lastModified": .string(commit.date),
      "createdAt": "2024-01-01T00:00:00.000Z", "private": .bool(repository.access == .isPrivate),
      "gated": repository.access == .gated ? "auto" : false, "disabled": false, "downloads": 0,
      "likes": 0, "tags": .array([]), "usedStorage": 0, "siblings": .array(siblings),
      "author": .string(String(repository.id.split(separator: "/").first ?? "")),
    ]
    if repository.kind == .model { description["modelId"] = .string(repository.id) }
    description["cardData"] = card(of: commit)
    if request.flag("securityStatus") {
      description["securityRepoStatus"] = ["scansDone": true, "filesWithIssues": .array([])]
    }
    let wanted = request.query.filter { $0.name == "expand" || $0.name == "expand[]" }.map(\.value)
    if !wanted.isEmpty {
      description = description.filter {
        $0.key == "_id" || $0.key == "id" || wanted.contains($0.key)
      }
    }
    return .json(.object(description))
  }

  /// What stands between the lines `---` at the beginning of the card.
  private func card(of commit: LocalHubCommit) -> JSON? {
    guard let file = commit.files["README.md"], file.byteCount < 1 << 20,
      let bytes = try? file.content.read(0..<file.byteCount)
    else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else {
      return nil
    }
    return try? YAML.parse(Array(lines[1..<end].joined(separator: "\n").utf8))
  }

  private func references(_ repository: LocalHubRepository) -> LocalHTTPResponse {
    func list(_ names: [String: String], _ prefix: String) -> JSON {
      .array(
        names.sorted { $0.key < $1.key }.map { name, commit in
          [
            "name": .string(name), "ref": .string(prefix + name), "targetCommit": .string(commit),
          ]
        })
    }
    let converts = repository.branches.filter { $0.key.hasPrefix("refs/convert/") }
    let branches = repository.branches.filter { !$0.key.hasPrefix("refs/") }
    return .json([
      "branches": list(branches, "refs/heads/"), "tags": list(repository.tags, "refs/tags/"),
      "converts": list(
        Dictionary(uniqueKeysWithValues: converts.map { (String($0.key.dropFirst(13)), $0.value) }),
        "refs/convert/"),
      "pullRequests": .array([]),
    ])
  }

  private func history(_ place: LocalHubPlace) throws -> LocalHTTPResponse {
    _ = try place.commit()
    let commits = place.repository.history(place.revisionAndPath.revision)
    return .json(
      .array(
        commits.map { commit in
          [
            "id": .string(commit.id), "title": .string(commit.title), "message": "",
            "date": .string(commit.date), "authors": .array([["user": "tester"]]),
          ]
        }))
  }

  /// Makes and removes branches and tags.
  private func referenceAnswer(
    _ place: LocalHubPlace, _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    let name = place.rest.joined(separator: "/")
    guard request.method == "POST" else {
      try change(place.repository) {
        if place.verb == "tag" { $0.setTag(name, to: nil) } else { $0.setBranch(name, to: nil) }
      }
      return .json([:])
    }
    let json = try json(connection)
    try change(place.repository) { repository in
      let isTag = place.verb == "tag"
      let new = isTag ? json["tag"]?.string ?? "" : name
      let start = isTag ? name : json["startingPoint"]?.string ?? "main"
      guard (isTag ? repository.tags : repository.branches)[new] == nil else {
        throw LocalHubRefusal(409, nil, "Reference already exists: \(new)")
      }
      guard let commit = repository.commit(start) else {
        throw LocalHubRefusal(404, "RevisionNotFound", "Invalid rev id: \(start)")
      }
      if isTag {
        repository.setTag(new, to: commit.id)
      } else {
        repository.setBranch(new, to: commit.id)
      }
    }
    return .json([:])
  }

  /// Makes and removes repositories.
  private func repositoriesAnswer(
    _ parts: [String], _ request: LocalHTTPRequest, _ connection: LocalHTTPConnection
  ) throws -> LocalHTTPResponse {
    try requireToken(request)
    let json = try json(connection)
    guard let name = json["name"]?.string,
      let kind = LocalHubKind(rawValue: json["type"]?.string ?? "model")
    else { throw LocalHubRefusal(400, nil, "Invalid name or type") }
    let id = name.contains("/") ? name : (json["organization"]?.string ?? "tester") + "/" + name
    let key = Self.key(kind, id)
    let url = JSON.string("\(endpoint)/\(kind.prefix)\(id)")
    switch (request.method, parts.dropFirst().first) {
    case ("POST", "create"):
      var repository = try LocalHubRepository(
        kind, id, access: Self.isPrivate(json) == true ? .isPrivate : .open)
      try repository.commit(
        [".gitattributes": try file(.text(Self.attributes), at: ".gitattributes")], to: "main",
        title: "initial commit")
      let isNew = state.withLock { [repository] state in
        defer { if state.repositories[key] == nil { state.repositories[key] = repository } }
        return state.repositories[key] == nil
      }
      var answer: [String: JSON] = ["url": url, "name": .string(id), "id": .string(id)]
      if isNew { return .json(.object(answer)) }
      let message = "You already created this \(kind.rawValue) repo"
      answer["error"] = .string(message)
      return .json(.object(answer), status: 409, headers: [("X-Error-Message", message)])
    case ("DELETE", "delete"):
      let old = state.withLock { $0.repositories.removeValue(forKey: key) }
      if old == nil { throw LocalHubRefusal(404, "RepoNotFound", "Repository not found") }
      return .json([:])
    default: throw LocalHubRefusal(404, nil, "Not Found")
    }
  }

  /// What a body says about who may read, in its older or newer words.
  private static func isPrivate(_ json: [String: JSON]) -> Bool? {
    json["private"]?.bool ?? json["visibility"]?.string.map { $0 == "private" }
  }
}
