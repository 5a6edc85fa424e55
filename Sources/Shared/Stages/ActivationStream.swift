// A stream of activations: a stage of which only some shards are on the disk at any time. Comes in: a pipeline file
// with `cache.max_disk_gb`. Leaves: what the cacher says about the stream once, for all that read it.

extension Pipeline {
  /// The hook points that training reads: the SAE's, and that of a transcoder's targets; none where no section says.
  package var trainedHookNames: [String] {
    guard let hook = train.hookName ?? cache.allHookNames.first else { return [] }
    let targets = train.architecture.isTranscoder ? train.hookNameOut : nil
    return [hook] + [targets].compactMap(\.self)
  }
}

/// The stream of the hook points of one pipeline.
package struct ActivationStream: Sendable, Equatable {
  /// What stream.json says: the manifest of the stage as far as it is known before any shard is made.
  package let manifest: Manifest
  package let folder: StreamFolder
  /// Places for shards.
  package let slots: Int
  /// Places for readers.
  package let seats: Int
  /// The stage of a transcoder's targets.
  package let targets: Targets?

  /// What is said about a transcoder's targets.
  package struct Targets: Sendable, Equatable {
    package let fingerprint: String
    package let hookName: String
    package let dIn: Int

    package init(fingerprint: String, hookName: String, dIn: Int) {
      self.fingerprint = fingerprint
      self.hookName = hookName
      self.dIn = dIn
    }
  }

  package init(
    _ manifest: Manifest, in stage: StageFolder, slots: Int, seats: Int, targets: Targets?
  ) {
    var manifest = manifest
    var details = manifest.details.object ?? [:]
    details["stream"] = ["slots": .integer(slots), "seats": .integer(seats)]
    details["targets"] = targets.map {
      [
        "fingerprint": .string($0.fingerprint), "hook_name": .string($0.hookName),
        "d_in": .integer($0.dIn),
      ]
    }
    manifest.details = .object(details)
    self.manifest = manifest
    self.slots = slots
    self.seats = seats
    self.targets = targets
    folder = StreamFolder(of: stage, partCount: targets == nil ? 1 : 2)
  }

  /// The stream in the folder of a stage; nil where there is none.
  package static func read(_ stage: StageFolder) throws -> ActivationStream? {
    let path = StreamFolder(of: stage, partCount: 1).descriptionPath
    guard let bytes = try MappedFile.contents(ifThere: path) else { return nil }
    let manifest = try Manifest(parsing: bytes, path: path)
    func count(_ key: String) throws(ManifestError) -> Int {
      guard let value = manifest.details["stream"]?[key]?.integer, (1...1 << 20).contains(value)
      else { throw .missingKey(path: path, key: "details.stream." + key) }
      return value
    }
    var targets: Targets?
    if let said = manifest.details["targets"] {
      guard let fingerprint = said["fingerprint"]?.string, let name = said["hook_name"]?.string,
        let dIn = said["d_in"]?.integer, (1...1 << 24).contains(dIn)
      else { throw ManifestError.missingKey(path: path, key: "details.targets") }
      targets = Targets(fingerprint: fingerprint, hookName: name, dIn: dIn)
    }
    return ActivationStream(
      manifest, in: stage, slots: try count("slots"), seats: try count("seats"), targets: targets)
  }

  /// Whether anybody who lives reads it.
  package func hasReaders(_ watch: inout LeaseWatch) throws -> Bool {
    guard System.isDirectory(folder.path) else { return false }
    return try !StreamSeat.demands(of: seats, in: folder, &watch).isEmpty
  }

  /// Writes stream.json, unless it says the same already.
  package func write() throws {
    try System.createDirectories(folder.path)
    let text = manifest.json.pretty
    if let bytes = try? MappedFile.contents(folder.descriptionPath), bytes == Array(text.utf8) {
      return
    }
    try AtomicFile.replace(folder.descriptionPath, with: text)
  }
}

// MARK: - End

/// The mark that all runs of a pipeline file have read a stream to their ends.
package struct StreamEnd: Sendable {
  private let path: String
  private let store: String

  /// Of a pipeline file and the combinations of its sweep, if it has one.
  package init(_ folder: StreamFolder, _ pipeline: Pipeline, _ combinations: [Combination]) {
    let pipelines = combinations.isEmpty ? [pipeline] : combinations.map(\.pipeline)
    let asked = pipelines.map { $0.name + "\n" + $0.train.fingerprintSettings.canonical }
    path =
      "\(folder.path)/read-\(Digest.of(asked.joined(separator: "\n")).prefix(StageKey.shownDigits)).json"
    store = pipeline.store
  }

  private func runPath(_ name: String) -> String { "\(store)/\(Stage.runs.rawValue)/\(name)" }

  /// Notes that runs in these folders are finished.
  package func write(runs: [String]) throws {
    guard System.isDirectory(folder(of: path)) else { return }
    let names = runs.map { JSON.string(String($0.split(separator: "/").last ?? "")) }
    try AtomicFile.replace(path, with: JSON.object(["runs": .array(names)]).canonical)
  }

  /// Whether the runs are finished, and still there.
  package func isReached() throws -> Bool {
    guard try System.isThere(path) else { return false }
    let json = try? JSON(parsing: try MappedFile.contents(path))
    guard let names = json?["runs"]?.array?.compactMap(\.string), !names.isEmpty else {
      return false
    }
    return try names.allSatisfy { name in
      guard name.isPlainName else { return false }
      return try System.isThere(runPath(name) + "/" + Manifest.fileName)
    }
  }
}
