// Files and artifacts on their way to the server: it is asked where they go, and they are sent there. Comes
// in: what is in the run's folder. Leaves: requests, each of which may fail and is then made again.

import Foundation
import Shared

extension WandbTransfer {
  /// Sends the files that W&B shows of a run.
  func sendFiles() throws {
    let files = WandbDetails.files(facts, folder, summary: summaryText)
    let answer = try session.ask(
      WandbQueries.runFiles,
      [
        "entity": .string(place?.entity ?? ""), "project": .string(place?.project ?? ""),
        "run": .string(folder.identifier),
        "files": .array(files.keys.sorted().map { .string($0) }),
      ])
    let places = answer["createRunFiles"]
    let headers = places?["uploadHeaders"]?.array?.compactMap(\.string) ?? []
    for place in places?["files"]?.array ?? [] {
      guard let name = place["name"]?.string, let address = place["uploadUrl"]?.string,
        let bytes = files[name]
      else { continue }
      try session.put(.bytes(bytes), to: address, headers: headers)
      moved()
    }
  }

  /// Sends a version of an artifact, unless the server has it.
  func send(_ artifact: WandbArtifact) throws {
    let answer = try session.ask(WandbQueries.createArtifact, input(artifact))
    guard let made = answer["createArtifact"]?["artifact"], let identifier = made["id"]?.string
    else { throw WandbFailure(reason: "the server makes no artifact \(artifact.name)") }
    if made["state"]?.string == "COMMITTED" { return }
    let latest = made["artifactSequence"]?["latestArtifact"]?["id"] ?? .null
    let record = try manifest(identifier, base: latest, digest: "", hasUpload: false)
    for file in artifact.files {
      try send(file, of: identifier, manifest: record["id"] ?? .null)
    }
    let text = artifact.manifest(identifier).canonical
    var digest = Digest(.md5)
    let bytes = Array(text.utf8)
    digest.update(bytes.span.raw)
    let final = try manifest(
      identifier, base: latest, digest: Data(digest.finishBytes()).base64EncodedString(),
      hasUpload: true)
    if let address = final["file"]?["uploadUrl"]?.string {
      let headers = final["file"]?["uploadHeaders"]?.array?.compactMap(\.string) ?? []
      try session.put(.bytes(bytes), to: address, headers: headers)
    }
    _ = try session.ask(WandbQueries.commitArtifact, ["artifactID": .string(identifier)])
  }

  private func input(_ artifact: WandbArtifact) -> JSON {
    let aliases = (["latest"] + artifact.aliases).map { alias -> JSON in
      ["alias": .string(alias), "artifactCollectionName": .string(artifact.name)]
    }
    let input: JSON = [
      "entityName": .string(place?.entity ?? ""), "projectName": .string(place?.project ?? ""),
      "runName": .string(folder.identifier), "artifactTypeName": .string(artifact.type),
      "artifactCollectionName": .string(artifact.name), "digest": .string(artifact.digest),
      "digestAlgorithm": "MANIFEST_MD5", "aliases": .array(aliases),
      "metadata": .string(artifact.metadata.canonical), "enableDigestDeduplication": true,
      "clientID": .string(artifact.client), "sequenceClientID": .string(artifact.client),
    ]
    return ["input": input]
  }

  private func manifest(
    _ identifier: String, base: JSON, digest: String, hasUpload: Bool
  ) throws -> JSON {
    let answer = try session.ask(
      WandbQueries.createManifest,
      [
        "artifactID": .string(identifier), "baseArtifactID": base, "name": "wandb_manifest.json",
        "digest": .string(digest), "entityName": .string(place?.entity ?? ""),
        "projectName": .string(place?.project ?? ""), "runName": .string(folder.identifier),
        "manifestType": "FULL", "includeUpload": .bool(hasUpload),
      ])
    return answer["createArtifactManifest"]?["artifactManifest"] ?? [:]
  }

  private func send(
    _ file: WandbArtifact.File, of artifact: String, manifest: JSON
  ) throws {
    let asked: JSON = [
      "artifactID": .string(artifact), "artifactManifestID": manifest, "md5": .string(file.md5),
      "name": .string(file.name),
    ]
    let answer = try session.ask(
      WandbQueries.createArtifactFiles,
      ["input": ["artifactFiles": [asked], "storageLayout": "V2"]])
    let node = answer["createArtifactFiles"]?["files"]?["edges"]?.array?.first?["node"]
    // Without an address the server has the content already.
    guard let address = node?["uploadUrl"]?.string else { return }
    let headers = node?["uploadHeaders"]?.array?.compactMap(\.string) ?? []
    let source = WatchedSource(try InputFile(file.path), moved: moved)
    try session.put(.file(source, 0..<file.byteCount), to: address, headers: headers)
  }
}

/// A file that says whenever it is read on.
private final class WatchedSource: ByteSource {
  private let source: InputFile
  private let moved: @Sendable () -> Void

  init(_ source: InputFile, moved: @escaping @Sendable () -> Void) {
    self.source = source
    self.moved = moved
  }

  var path: String { source.path }
  var byteCount: Int { source.byteCount }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    moved()
    return try source.read(at: offset, count: count)
  }
}
