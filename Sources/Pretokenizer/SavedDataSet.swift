// The tokenized rows as a data set for SAELens and Hugging Face's datasets: Parquet files with
// `input_ids`, and `sae_lens.json`. Comes in: a finished token stage. Leaves: the folder `save_path`.

package import Shared

/// A place that cannot take the data set.
package enum SavePathError: Failure, Equatable {
  case noFolder(path: String)
  case otherFile(path: String, file: String)
  case otherRows(path: String)

  package var sentence: String {
    switch self {
    case .noFolder(let path): "\(path) is a file where a folder is needed."
    case .otherFile(let path, let file):
      "\(path) holds \(file), which is not part of this data set."
    case .otherRows(let path): "\(path) holds a data set of other rows."
    }
  }

  package var hint: String? { "Set pretokenize.save_path to a new or empty folder." }
}

/// The copy of a token stage that `save_path` asks for.
package struct SavedDataSet: Sendable {
  package let folder: String
  private let stage: StageFolder
  private let settings: PretokenizeSettings

  /// The version of SAELens whose record `sae_lens.json` is.
  private static let recordVersion = "6.54.12"
  private static let leaseName = ".saeline" + Lease.suffix

  package init(_ folder: String, of stage: StageFolder, _ settings: PretokenizeSettings) {
    self.folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    self.stage = stage
    self.settings = settings
  }

  /// The name of the file with the rows of a shard, such as `train-00000-of-00002.parquet`.
  private static func fileName(_ shard: Int, of count: Int) -> String {
    "train-\(paddedNumber(shard))-of-\(paddedNumber(count)).parquet"
  }

  private var recordPath: String { folder + "/" + RecordedOptions.fileName }

  /// The record, with the stage that the files were made of and their sizes.
  private func record(_ sizes: [String: JSON]) -> JSON {
    let options = RecordedOptions.record(settings, column: settings.columnName) { $0 }
    let ours: [String: JSON] = [
      "sae_lens_version": .string(SavedDataSet.recordVersion),
      "saeline_version": .string(Product.version),
      "saeline_fingerprint": .string(stage.fingerprint ?? ""), "saeline_files": .object(sizes),
    ]
    return .object((options.object ?? [:]).merging(ours) { $1 })
  }

  /// Writes the files, and the record last; false where all was there, or where another process has written it.
  package func write(_ manifest: Manifest) throws -> Bool {
    let names = manifest.shards.indices.map {
      SavedDataSet.fileName($0, of: manifest.shards.count)
    }
    try check()
    try check(names)
    let lease = folder + "/" + SavedDataSet.leaseName
    if isComplete(names) {
      // That of a process that died before it gave it back, or before it had it.
      var watch = LeaseWatch()
      _ = try? watch.look(at: lease)
      try? removeClaims { $0.isAbandoned }
      return false
    }
    try System.createDirectories(folder)
    // One at a time: what the others would write is the same.
    return try Lease.holding(
      lease,
      waiting: "Stopped while another process writes \(folder)."
    ) {
      if isComplete(names) { return false }
      try writeFiles(names, manifest)
      return true
    }
  }

  private func writeFiles(_ names: [String], _ manifest: Manifest) throws {
    for name in try System.list(folder) where SavedDataSet.isUnfinished(name) {
      try System.remove(folder + "/" + name)
    }
    // Whoever is about to claim the lease tries again.
    try removeClaims { _ in true }
    try System.remove(recordPath)
    for (name, shard) in zip(names, manifest.shards) {
      let rows = try TokenShard.read(stage.path + "/" + shard.file)
      var writer = try ParquetWriter.create(
        folder + "/" + name, contextSize: rows.contextSize)
      try writer.append(rows.tokens.span)
      try writer.finish()
    }
    try AtomicFile.replace(recordPath, with: record(sizes(names)).pretty)
  }

  /// Removes leases that have not got their name yet.
  private func removeClaims(where isOne: (TemporaryName) -> Bool) throws {
    for name in try System.list(folder) {
      guard let claim = TemporaryName(name), claim.base == SavedDataSet.leaseName, isOne(claim)
      else { continue }
      try System.remove(folder + "/" + name)
    }
  }

  /// Whether a name is of a file of this data set that is still being written, or of one that never was.
  private static func isUnfinished(_ name: String) -> Bool {
    guard let temporary = TemporaryName(name) else { return false }
    return isRows(temporary.base) || temporary.base == RecordedOptions.fileName
  }

  private static func isRows(_ name: String) -> Bool {
    name.hasPrefix("train-") && name.hasSuffix(".parquet")
  }

  /// Whether the record is that of these files, which was written after them.
  private func isComplete(_ names: [String]) -> Bool {
    guard let found = try? JSON(parsing: MappedFile.contents(recordPath)) else { return false }
    guard let sizes = try? sizes(names) else { return false }
    return found == record(sizes)
  }

  private func sizes(_ names: [String]) throws -> [String: JSON] {
    var sizes: [String: JSON] = [:]
    for name in names { sizes[name] = .integer(try System.status(folder + "/" + name).byteCount) }
    return sizes
  }

  /// Refuses a place with something else in it; needs no rows, so it comes before the work.
  package func check() throws {
    guard let there = try System.find(folder) else { return }
    guard there.isDirectory else { throw SavePathError.noFolder(path: folder) }
    for name in try System.list(folder) where !name.hasPrefix(".") {
      let isOurs = SavedDataSet.isRows(name) || SavedDataSet.isUnfinished(name)
      guard isOurs || name == RecordedOptions.fileName else {
        throw SavePathError.otherFile(path: folder, file: name)
      }
    }
    guard let bytes = try MappedFile.contents(ifThere: recordPath) else { return }
    let found = try? JSON(parsing: bytes)
    guard found?["saeline_fingerprint"]?.string == stage.fingerprint else {
      throw SavePathError.otherRows(path: folder)
    }
  }

  /// Refuses a folder with files of another number of shards.
  private func check(_ names: [String]) throws {
    guard System.isDirectory(folder) else { return }
    let ours = Set(names + [RecordedOptions.fileName])
    for name in try System.list(folder)
    where !ours.contains(name) && !name.hasPrefix(".") && !SavedDataSet.isUnfinished(name) {
      throw SavePathError.otherFile(path: folder, file: name)
    }
  }
}
