// An artifact: files under one name and type, by their MD5. A checkpoint or a finished SAE comes in; its
// files are linked into a folder of their own, since a checkpoint may be gone before they are sent.

import Foundation
import Shared

/// A version of an artifact that waits to be sent.
struct WandbArtifact: Sendable, Equatable {
  struct File: Sendable, Equatable {
    let name: String
    let path: String
    let byteCount: Int
    /// In Base64.
    let md5: String
  }

  let folder: String
  let name: String
  let type: String
  let aliases: [String]
  let metadata: JSON
  /// What the client calls this version, the same however often it is sent.
  let client: String
  let files: [File]

  /// Links files of `source` into `folder` and notes what they are; a name that is not there is left out.
  static func keep(
    _ names: [String], of source: String, in folder: String, name: String, type: String,
    aliases: [String], metadata: JSON
  ) throws {
    let temporary = folder + ".tmp"
    try? System.removeTree(temporary)
    try System.createDirectories(temporary)
    let kept = names.filter { System.exists(source + "/" + $0) }
    for file in kept { try link(source + "/" + file, to: temporary + "/" + file) }
    let record: JSON = [
      "name": .string(name), "type": .string(type), "metadata": metadata,
      "client": .string(WandbRunFolder.newIdentifier(length: 128)),
      "aliases": .array(aliases.map { .string($0) }),
      "files": .array(kept.sorted().map { .string($0) }),
    ]
    try AtomicFile.replace(temporary + "/" + recordName, with: record.canonical)
    try? System.removeTree(folder)
    try System.rename(temporary, to: folder)
  }

  private static let recordName = "artifact.json"

  /// Links a file, or copies it where a link cannot lead there.
  private static func link(_ path: String, to target: String) throws {
    do { try System.link(path, to: target) } catch {
      try FileManager.default.copyItem(atPath: path, toPath: target)
    }
  }

  /// The artifacts that wait in a folder, oldest first.
  static func waiting(in folder: String) -> [String] {
    let names = (try? System.list(folder)) ?? []
    return names.filter { !$0.hasSuffix(".tmp") }.sorted().map { folder + "/" + $0 }
  }

  /// Reads what waits in a folder, and the digests of its files.
  static func read(_ folder: String) throws -> WandbArtifact {
    let record = try JSON(parsing: MappedFile.contents(folder + "/" + recordName))
    let names = record["files"]?.array?.compactMap(\.string) ?? []
    let files = try names.map { name -> File in
      let path = folder + "/" + name
      var digest = Digest(.md5)
      try digest.update(file: path)
      return File(
        name: name, path: path, byteCount: try System.status(path).byteCount,
        md5: Data(digest.finishBytes()).base64EncodedString())
    }
    return WandbArtifact(
      folder: folder, name: record["name"]?.string ?? "", type: record["type"]?.string ?? "",
      aliases: record["aliases"]?.array?.compactMap(\.string) ?? [],
      metadata: record["metadata"] ?? [:], client: record["client"]?.string ?? "", files: files)
  }

  /// By which the server knows equal versions (ArtifactManifestV1 of the official client).
  var digest: String {
    let lines = files.sorted { $0.name < $1.name }.map { "\($0.name):\($0.md5)\n" }
    return Digest.of("wandb-artifact-manifest-v1\n" + lines.joined(), .md5)
  }

  /// The list of its files, of the version that the server calls `identifier`.
  func manifest(_ identifier: String) -> JSON {
    let contents = files.map { file -> (String, JSON) in
      let entry: JSON = [
        "digest": .string(file.md5), "size": .integer(file.byteCount),
        "birthArtifactID": .string(identifier),
      ]
      return (file.name, entry)
    }
    return [
      "version": 1, "storagePolicy": "wandb-storage-policy-v1",
      "storagePolicyConfig": ["storageLayout": "V2"],
      "contents": .object(Dictionary(contents) { first, _ in first }),
    ]
  }
}
