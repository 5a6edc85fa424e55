// The questions of the client in GraphQL, told apart by their names. A query and its variables come in; the
// data of its answer leaves.

import Foundation
import Shared
import Synchronization

extension LocalWandb {
  func graphAnswer(_ body: [UInt8]) throws -> LocalHTTPResponse {
    let asked = try JSON(parsing: body)
    let words = (asked["query"]?.string ?? "").split { " \n\t({".contains($0) }
    let name = words.dropFirst().first.map(String.init) ?? ""
    return .json(["data": data(name, asked["variables"] ?? [:])])
  }

  private func data(_ name: String, _ variables: JSON) -> JSON {
    let entity = JSON.string(options.entity)
    switch name {
    case "Viewer":
      return [
        "viewer": [
          "id": "user", "entity": entity, "username": entity, "email": "me@localhost",
          "flags": "{}", "teams": ["edges": []],
        ]
      ]
    case "ServerFeaturesQuery": return ["serverInfo": ["features": []]]
    case "RunResumeStatus": return resumeStatus(variables)
    case "UpsertBucket": return upsert(variables)
    case "CreateRunFiles": return runFiles(variables)
    case "ArtifactType": return ["project": ["artifact": .null]]
    case "CreateArtifact": return createArtifact(variables["input"] ?? [:])
    case "CreateArtifactManifest": return manifest(variables)
    case "CreateArtifactFiles": return artifactFiles(variables["input"] ?? [:])
    case "CommitArtifact": return commit(variables)
    case "ClientIDMapping": return ["clientIDMapping": .null]
    default: return [:]
    }
  }

  private func key(_ variables: JSON, name: String = "name") -> String {
    let entity = variables["entity"]?.string ?? options.entity
    return
      "\(entity)/\(variables["project"]?.string ?? "uncategorized")/\(variables[name]?.string ?? "")"
  }

  private func resumeStatus(_ variables: JSON) -> JSON {
    let run = state.withLock { $0.runs[key(variables)] }
    let model: [String: JSON] = [
      "name": variables["project"] ?? "", "entity": ["name": .string(options.entity)],
    ]
    guard let run else { return ["model": .object(model.merging(["bucket": .null]) { $1 })] }
    func tail(_ lines: [String]) -> JSON {
      .string(JSON.array(lines.suffix(1).map { .string($0) }).canonical)
    }
    let bucket: JSON = [
      "name": .string(run.name), "id": .string(run.identifier),
      "summaryMetrics": .string(run.summary), "displayName": .string(run.displayName),
      "logLineCount": .integer(run.output.count), "historyLineCount": .integer(run.history.count),
      "eventsLineCount": .integer(run.events.count), "historyTail": tail(run.history),
      "eventsTail": tail(run.events), "config": .string(run.config.canonical),
      "tags": .array(run.tags.map { .string($0) }), "notes": run.notes.map { .string($0) } ?? .null,
      "wandbConfig": .string("{\"t\":1}"),
    ]
    return ["model": .object(model.merging(["bucket": bucket]) { $1 })]
  }

  private func upsert(_ variables: JSON) -> JSON {
    let key = key(variables)
    let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return state.withLock { state in
      var run =
        state.runs[key] ?? LocalWandbRun(entity: parts[0], project: parts[1], name: parts[2])
      let isNew = state.runs[key] == nil
      run.upsertCount += 1
      if let text = variables["config"]?.string, let config = try? JSON(parsing: Array(text.utf8)) {
        run.config = config
      }
      if let text = variables["displayName"]?.string { run.displayName = text }
      if run.displayName.isEmpty { run.displayName = "fine-run-\(state.runs.count + 1)" }
      if let text = variables["groupName"]?.string { run.group = text }
      if let text = variables["notes"]?.string { run.notes = text }
      if let text = variables["host"]?.string { run.host = text }
      if let text = variables["summaryMetrics"]?.string { run.summary = text }
      if let tags = variables["tags"]?.array { run.tags = tags.compactMap(\.string) }
      (run.state, run.exitCode) = ("running", nil)
      state.runs[key] = run
      let project: JSON = [
        "id": .string("project:" + parts[1]), "name": .string(parts[1]),
        "entity": ["id": .string("entity:" + parts[0]), "name": .string(parts[0])],
      ]
      return [
        "upsertBucket": [
          "bucket": [
            "id": .string(run.identifier), "name": .string(run.name),
            "displayName": .string(run.displayName), "description": .null,
            "config": .string(run.config.canonical), "sweepName": .null, "project": project,
            "historyLineCount": .integer(run.history.count),
          ], "inserted": .bool(isNew),
        ]
      ]
    }
  }

  private func runFiles(_ variables: JSON) -> JSON {
    let key = key(variables, name: "run")
    let names = variables["files"]?.array?.compactMap(\.string) ?? []
    let files = names.map { name -> JSON in
      let address = "\(storageEndpoint)/run/\(key)/\(LocalHTTPRequest.encoded(name))"
      return ["name": .string(name), "uploadUrl": .string(address)]
    }
    return [
      "createRunFiles": [
        "runID": .string("run:" + key), "uploadHeaders": [], "files": .array(files),
      ]
    ]
  }
}

// MARK: - Artifacts

extension LocalWandb {
  private func createArtifact(_ input: JSON) -> JSON {
    state.withLock { state in
      let name = input["artifactCollectionName"]?.string ?? ""
      let digest = input["digest"]?.string ?? ""
      let aliases = input["aliases"]?.array?.compactMap { $0["alias"]?.string } ?? []
      let latest = state.artifacts.lastIndex { $0.name == name && $0.isCommitted }
      let known: JSON = latest.map { ["id": .string(state.artifacts[$0].identifier)] } ?? .null
      if let latest, state.artifacts[latest].digest == digest {
        let missing = aliases.filter { !state.artifacts[latest].aliases.contains($0) }
        state.artifacts[latest].aliases += missing
        return Self.created(state.artifacts[latest].identifier, "COMMITTED", known)
      }
      let artifact = LocalWandbArtifact(
        identifier: "artifact-\(state.artifacts.count)", run: input["runName"]?.string ?? "",
        type: input["artifactTypeName"]?.string ?? "", name: name, digest: digest,
        aliases: aliases, metadata: input["metadata"]?.string ?? "null")
      state.artifacts.append(artifact)
      return Self.created(artifact.identifier, "PENDING", known)
    }
  }

  private static func created(_ identifier: String, _ state: JSON, _ latest: JSON) -> JSON {
    [
      "createArtifact": [
        "artifact": [
          "id": .string(identifier), "state": state,
          "artifactSequence": ["id": "sequence", "latestArtifact": latest],
        ]
      ]
    ]
  }

  private func manifest(_ variables: JSON) -> JSON {
    let identifier = variables["artifactID"]?.string ?? ""
    return [
      "createArtifactManifest": [
        "artifactManifest": [
          "id": .string("manifest-of-" + identifier),
          "file": [
            "id": "file", "uploadUrl": .string("\(storageEndpoint)/manifest/\(identifier)"),
            "uploadHeaders": ["Content-Type: application/json"],
          ],
        ]
      ]
    ]
  }

  private func artifactFiles(_ input: JSON) -> JSON {
    let edges = (input["artifactFiles"]?.array ?? []).map { file -> JSON in
      let identifier = file["artifactID"]?.string ?? ""
      let name = file["name"]?.string ?? ""
      state.withLock { state in
        for index in state.artifacts.indices where state.artifacts[index].identifier == identifier {
          state.artifacts[index].announced[name] = file["md5"]?.string
        }
      }
      let address = "\(storageEndpoint)/artifact/\(identifier)/\(LocalHTTPRequest.encoded(name))"
      return [
        "node": [
          "storagePath": .string("\(identifier)/\(name)"), "uploadUrl": .string(address),
          "uploadHeaders": [], "uploadMultipartUrls": .null,
          "artifact": ["id": .string(identifier)],
        ]
      ]
    }
    return ["createArtifactFiles": ["files": ["edges": .array(edges)]]]
  }

  private func commit(_ variables: JSON) -> JSON {
    let identifier = variables["artifactID"]?.string ?? ""
    let digest = state.withLock { state -> String in
      guard let index = state.artifacts.firstIndex(where: { $0.identifier == identifier }) else {
        return ""
      }
      state.artifacts[index].isCommitted = true
      return state.artifacts[index].digest
    }
    return [
      "commitArtifact": ["artifact": ["id": .string(identifier), "digest": .string(digest)]]
    ]
  }
}
