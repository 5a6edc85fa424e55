// The manifest of a stage: what a finished folder of the store holds and where it comes from. A
// stage is done if and only if its manifest exists; it is written last.

/// The stages of the pipeline; the raw value is the folder in the store.
package enum Stage: String, Sendable, CaseIterable {
  case tokens
  case activations
  case runs

  /// The program that makes the folders of this stage.
  package var program: String {
    switch self {
    case .tokens: "saeline-pretokenize"
    case .activations: "saeline-cache"
    case .runs: "saeline-train"
    }
  }
}

/// What a finished stage folder says about itself.
package struct Manifest: Sendable, Equatable {
  /// The version of the layout that this code writes and reads.
  package static let formatVersion = 1
  package static let fileName = "manifest.json"
  /// Rows of a stage, at most; sizes that are computed from so many stay in range.
  private static let rowLimit = 1 << 44
  /// Bytes of a file, at most, so that sums of them stay numbers.
  fileprivate static let byteLimit = 1 << 40

  /// A file of the stage.
  package struct Shard: Sendable, Equatable {
    /// Rows, at most: they are numbered in 32 bits.
    fileprivate static let rowLimit = 1 << 32

    package let file: String
    package let rows: Int
    package let bytes: Int
    package let sha256: String

    package init(file: String, rows: Int, bytes: Int, sha256: String) {
      self.file = file
      self.rows = rows
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// A file of the stage that holds no rows.
  package struct File: Sendable, Equatable {
    package let name: String
    package let bytes: Int
    package let sha256: String
  }

  package var stage: Stage
  package var name: String
  package var fingerprint: String
  /// The fingerprint of the stage that this one was made from.
  package var input: String?
  /// Program and version that finished the folder.
  package var tool: String
  /// The settings that determine the bytes; the fingerprint is taken over them.
  package var settings: JSON
  /// The identities of model, tokenizer and data files.
  package var identities: [String: String]
  package var shards: [Shard]
  /// Other files of the folder that later stages read, such as a tokenizer.
  package var files: [File] = []
  /// What the next stage needs to know.
  package var details: JSON

  package init(
    key: StageKey, name: String, tool: String, shards: [Shard], details: JSON
  ) {
    stage = key.stage
    self.name = name
    fingerprint = key.fingerprint
    input = key.input
    self.tool = tool
    settings = key.settings
    identities = key.identities
    self.shards = shards
    self.details = details
  }

  /// Rows of all shards.
  package var rows: Int { shards.reduce(0) { $0 + $1.rows } }
}

extension Manifest {
  /// Where a manifest states the digest of what else it says.
  private static let digestKey = "sha256"

  /// The SHA-256 of the canonical JSON of the other members.
  private static func digest(of members: [String: JSON]) -> String {
    Digest.of(JSON.object(members.filter { $0.key != digestKey }).canonical)
  }

  package var json: JSON {
    var members: [String: JSON] = [
      "format_version": .integer(Manifest.formatVersion),
      "stage": .string(stage.rawValue),
      "name": .string(name),
      "fingerprint": .string(fingerprint),
      "tool": .string(tool),
      "settings": settings,
      "identities": .object(identities.mapValues { .string($0) }),
      "shards": .array(shards.map(\.json)),
      "details": details,
    ]
    if let input { members["input"] = .string(input) }
    if !files.isEmpty { members["files"] = .array(files.map(\.json)) }
    members[Manifest.digestKey] = .string(Manifest.digest(of: members))
    return .object(members)
  }

  /// Reads a manifest; `path` is named in errors.
  package init(parsing bytes: [UInt8], path: String) throws(ManifestError) {
    guard let json = try? JSON(parsing: bytes), let members = json.object else {
      throw .malformed(path: path)
    }
    func require<Value>(_ key: String, _ value: Value?) throws(ManifestError) -> Value {
      guard let value else { throw .missingKey(path: path, key: key) }
      return value
    }
    let version = try require("format_version", json["format_version"]?.integer)
    guard version == Manifest.formatVersion else {
      throw .unknownVersion(path: path, version: version)
    }
    stage = try require("stage", json["stage"]?.string.flatMap { Stage(rawValue: $0) })
    name = try require("name", json["name"]?.string)
    fingerprint = try require("fingerprint", json["fingerprint"]?.string)
    input = json["input"]?.string
    tool = try require("tool", json["tool"]?.string)
    settings = try require("settings", json["settings"])
    details = try require("details", json["details"])
    let given = try require("identities", json["identities"]?.object)
    identities = given.compactMapValues(\.string)
    try require("identities", identities.count == given.count ? () : nil)
    shards = []
    for value in try require("shards", json["shards"]?.array) {
      shards.append(try require("shards", Shard(json: value)))
    }
    for value in json["files"]?.array ?? [] {
      files.append(try require("files", File(json: value)))
    }
    let rows = shards.reduce(0) { $0 + $1.rows }
    try require("shards", rows <= Manifest.rowLimit ? () : nil)
    if let stated = members[Manifest.digestKey], stated.string != Manifest.digest(of: members) {
      throw .damaged(path: path)
    }
  }
}

extension Manifest.Shard {
  fileprivate var json: JSON {
    .object([
      "file": .string(file), "rows": .integer(rows), "bytes": .integer(bytes),
      "sha256": .string(sha256),
    ])
  }

  /// Reads a shard's record; nil where it is incomplete or names a file outside its folder.
  fileprivate init?(json: JSON) {
    guard let file = json["file"]?.string, let rows = json["rows"]?.integer,
      let bytes = json["bytes"]?.integer, let sha256 = json["sha256"]?.string,
      (0...Manifest.Shard.rowLimit).contains(rows), (0...Manifest.byteLimit).contains(bytes),
      file.isPlainName
    else { return nil }
    self.init(file: file, rows: rows, bytes: bytes, sha256: sha256)
  }
}

extension Manifest.File {
  fileprivate var json: JSON {
    ["file": .string(name), "bytes": .integer(bytes), "sha256": .string(sha256)]
  }

  /// Reads a file's record; nil where it is incomplete or names a file outside its folder.
  fileprivate init?(json: JSON) {
    guard let name = json["file"]?.string, let bytes = json["bytes"]?.integer,
      let sha256 = json["sha256"]?.string, (0...Manifest.byteLimit).contains(bytes),
      name.isPlainName
    else { return nil }
    self.init(name: name, bytes: bytes, sha256: sha256)
  }
}

/// Why a finished folder is refused.
package enum ManifestError: Failure, Equatable {
  case malformed(path: String)
  case damaged(path: String)
  /// A number that contradicts others.
  case implausible(path: String, key: String)
  case missingKey(path: String, key: String)
  case unknownVersion(path: String, version: Int)
  case wrongStage(path: String, stage: Stage, expected: Stage)
  case wrongFingerprint(path: String, fingerprint: String, expected: String)
  case missingShard(path: String, stage: Stage)
  case wrongSize(path: String, byteCount: Int, expected: Int, stage: Stage)
  case wrongDigest(path: String, sha256: String, expected: String, stage: Stage)
  /// A file that holds no rows and that the stage's program makes again.
  case damagedFile(path: String, stage: Stage)
  case madeOtherwise(path: String, sha256: String, expected: String, stage: Stage)

  /// Whether the manifest may be whole, only not of this version or stage.
  var isForeign: Bool {
    switch self {
    case .unknownVersion, .wrongStage: true
    default: false
    }
  }

  package var sentence: String {
    switch self {
    case .malformed(let path): "\(path) is no manifest: it is not a JSON object."
    case .damaged(let path):
      "\(path) is damaged: what it says does not have the SHA-256 that it states."
    case .implausible(let path, let key): "\(path): \(key) contradicts the rest of the store."
    case .missingKey(let path, let key): "\(path): \(key) is missing or malformed."
    case .unknownVersion(let path, let version):
      "\(path) has the format version \(version); this program reads version "
        + "\(Manifest.formatVersion)."
    case .wrongStage(let path, let stage, let expected):
      "\(path) belongs to the stage \(stage.rawValue) where \(expected.rawValue) is expected."
    case .wrongFingerprint(let path, let fingerprint, let expected):
      "\(path) has the fingerprint \(fingerprint) where \(expected) is expected."
    case .missingShard(let path, _): "\(path) is missing, but its folder's manifest lists it."
    case .wrongSize(let path, let byteCount, let expected, _):
      "\(path) has \(byteCount) bytes; its manifest says \(expected)."
    case .wrongDigest(let path, let sha256, let expected, _):
      "\(path) has the SHA-256 \(sha256); its manifest says \(expected)."
    case .damagedFile(let path, _): "\(path) is not the file that its folder's manifest lists."
    case .madeOtherwise(let path, let sha256, let expected, _):
      "\(path) was made again with the SHA-256 \(sha256); its manifest says \(expected)."
    }
  }

  package var hint: String? {
    switch self {
    case .unknownVersion: "Use the version of the program that wrote it, or another store."
    case .wrongDigest(_, _, _, let stage) where stage != .runs:
      "Run \(stage.program) again with --verify, which makes again what is damaged."
    case .missingShard(let path, let stage), .wrongSize(let path, _, _, let stage),
      .wrongDigest(let path, _, _, let stage):
      "Delete the folder \(folder(of: path)) and run \(stage.program) again."
    case .damaged(let path), .implausible(let path, _):
      "Delete \(path) and run the stage that made it again; its shards are kept."
    case .damagedFile(_, let stage): "Run \(stage.program) again, which makes it again."
    case .madeOtherwise(let path, _, _, let stage):
      "Processors of different kinds differ in last bits: delete the folder \(folder(of: path)) and "
        + "run \(stage.program) again."
    case .malformed(let path), .missingKey(let path, _), .wrongStage(let path, _, _),
      .wrongFingerprint(let path, _, _):
      "Delete the folder \(folder(of: path)) and run the stage that made it again."
    }
  }
}
