// Activations for SAELens: a finished stage → the folder that `use_cached_activations` opens. Rows go
// back into the order of the corpus, a shard at a time; the folder appears whole or not at all.

package import Shared

/// What came of an export or an import.
package struct ExchangeResult: Sendable, Equatable {
  package let folders: [String]
  package let rows: Int
  package let didWork: Bool

  package init(folders: [String], rows: Int, didWork: Bool) {
    (self.folders, self.rows, self.didWork) = (folders, rows, didWork)
  }

  package var json: JSON {
    .object([
      "folders": .array(folders.map { .string($0) }), "rows": .integer(rows),
      "did_work": .bool(didWork),
    ])
  }
}

/// One export.
package struct Exporting: Sendable {
  /// The names that `--format` knows.
  package static let format = "sae_lens"
  /// About so many bytes make a record batch.
  private static let batchByteCount = 64 << 20

  private let sources: [Source]
  private let mode: Progress.Mode
  private let terminal: Terminal

  /// A hook point's folder and where it goes.
  private struct Source: Sendable {
    let hookName: String
    let folder: StageFolder
    let manifest: Manifest
    let output: String
    let stream: ArrowMatrixStream
  }

  /// Finds the finished stages and proves that their sequences have one length.
  ///
  /// - Parameters:
  ///   - pipeline: the file whose activations are wanted.
  ///   - door: where what made the stages is looked up beside this machine's files.
  ///   - hook: the one hook point to export; nil for all of the pipeline file.
  ///   - output: the folder to make, in which each of several hook points gets one of its own; nil
  ///     for folders named like the stages' with the suffix `.sae_lens`.
  ///   - verification: how the stages are compared with their manifests.
  ///   - mode: whether progress is shown.
  ///   - terminal: where.
  /// - Throws: what is missing, in the way or of unequal length.
  package init(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil, hook: String? = nil,
    output: String? = nil,
    verification: StageFolder.Verification = .sizes, mode: Progress.Mode = .automatic,
    terminal: Terminal = .standardError
  ) throws {
    self.mode = mode
    self.terminal = terminal
    let known = pipeline.cache.allHookNames
    if let hook, !known.contains(hook) {
      throw ExchangeError.notInPipeline(hook: hook, known: known)
    }
    let names = hook.map { [$0] } ?? known
    let inputs = Inputs(pipeline, through: door, text: door)
    sources = try names.map { name in
      guard let folder = try ActivationKey.finished(pipeline, inputs, hookName: name),
        let manifest = try folder.manifest(verify: verification)
      else { throw ExchangeError.notCached(hook: name, store: pipeline.store) }
      let stageName = folder.path.split(separator: "/").last.map { String($0) } ?? name
      var path = output.map(Exporting.plain) ?? stageName + "." + Exporting.format
      if output != nil, names.count > 1 { path += "/" + name }
      if System.exists(path) {
        guard System.isDirectory(path), try System.list(path).isEmpty else {
          throw ExchangeError.outputExists(path)
        }
      }
      return Source(
        hookName: name, folder: folder, manifest: manifest, output: path,
        stream: try Exporting.stream(name, folder, manifest))
    }
  }

  /// A path without slashes at its end.
  private static func plain(_ path: String) -> String {
    var path = path
    while path.hasSuffix("/"), path.count > 1 { path.removeLast() }
    return path
  }

  /// The shape of a stage's sequences, all of which must have as many rows.
  static func stream(
    _ hookName: String, _ folder: StageFolder, _ manifest: Manifest
  ) throws -> ArrowMatrixStream {
    var length: Int?
    var (dIn, type) = (0, TensorType.float32)
    for item in manifest.shards {
      let shard = try ActivationShard.open(folder.path + "/" + item.file)
      guard shard.rows > 0 else { continue }
      length = try CorpusOrder(shard, sequenceLength: length).sequenceLength
      if dIn > 0, shard.dIn != dIn {
        throw ExchangeError.shapeDiffers(
          path: shard.path, shape: [shard.rows, shard.dIn], expected: [shard.rows, dIn])
      }
      dIn = shard.dIn
      type = shard.type == .float16 ? .float16 : .float32
    }
    guard let length, dIn > 0 else { throw ExchangeError.empty(folder.path) }
    let stream = ArrowMatrixStream(
      column: hookName, rows: length, columns: dIn, type: type,
      hasTokens: manifest.details["has_tokens"] != .bool(false))
    guard stream.isPossible else {
      throw ExchangeError.matrixTooLarge(rows: length, columns: dIn)
    }
    return stream
  }

  /// The bytes of activations that will be written.
  package var byteCount: Int {
    sources.reduce(0) { sum, source in
      let row = source.stream.columns * source.stream.type.byteCount + 8
      return sum + source.manifest.rows * row
    }
  }

  /// What would be written.
  package var result: ExchangeResult {
    ExchangeResult(
      folders: sources.map(\.output), rows: sources.reduce(0) { $0 + $1.manifest.rows },
      didWork: false)
  }

  /// Writes the folders.
  package func run() throws -> ExchangeResult {
    for source in sources {
      try DiskSpace.require(byteCount, at: folder(of: source.output))
    }
    for source in sources { try export(source) }
    return ExchangeResult(
      folders: sources.map(\.output), rows: result.rows, didWork: true)
  }

  private func export(_ source: Source) throws {
    let shards = source.manifest.shards.filter { $0.rows > 0 }
    let progress = Progress(
      stage: "export", total: source.manifest.rows, parts: shards.count, mode: mode,
      terminal: terminal)
    let folder = try AtomicFolder.create(source.output)
    var names: [String] = []
    for (index, item) in shards.enumerated() {
      let name = "data-\(paddedNumber(index))-of-\(paddedNumber(shards.count)).arrow"
      let shard = try ActivationShard.open(source.folder.path + "/" + item.file)
      var file = try AtomicFile.create(folder.temporary + "/" + name)
      try Exporting.write(shard, source.stream, to: &file) { progress.advance($0) }
      try file.publishReplacing()
      names.append(name)
      progress.finishPart()
    }
    try AtomicFile.replace(
      folder.temporary + "/dataset_info.json", with: Exporting.information.pretty)
    try AtomicFile.replace(
      folder.temporary + "/state.json",
      with: Exporting.state(names, fingerprint: source.manifest.fingerprint).pretty)
    progress.finish()
    do { try folder.publish() } catch {
      guard error.isOccupied else { throw error }
      // Another process may have exported the same meanwhile.
      guard try Exporting.isExport(of: source.manifest, source.output, files: names) else {
        throw ExchangeError.outputExists(source.output)
      }
    }
  }

  /// Whether a folder holds these files of a stage.
  private static func isExport(
    of manifest: Manifest, _ folder: String, files names: [String]
  ) throws -> Bool {
    let path = folder + "/state.json"
    guard let bytes = try MappedFile.contents(ifThere: path) else { return false }
    let stated = try? JSON(parsing: bytes)
    return stated == state(names, fingerprint: manifest.fingerprint)
  }

  /// Writes a shard as a stream of record batches.
  private static func write(
    _ shard: borrowing ActivationShard, _ stream: ArrowMatrixStream, to file: inout AtomicFile,
    onBatch: (Int) -> Void
  ) throws {
    let order = try CorpusOrder(shard, sequenceLength: stream.rows)
    try stream.writeSchema(to: &file)
    try append(shard, order, 0..<order.sequenceCount, stream, to: &file, onBatch: onBatch)
    try stream.writeEnd(to: &file)
  }

  /// Appends some of a shard's sequences, in the corpus's order, as record batches.
  static func append(
    _ shard: borrowing ActivationShard, _ order: CorpusOrder, _ sequences: Range<Int>,
    _ stream: ArrowMatrixStream, to file: inout AtomicFile, onBatch: (Int) -> Void
  ) throws {
    let tokens = shard.tokens()
    let batch = max(1, min(stream.batchSize(byteCount: batchByteCount), sequences.count))
    var values = AlignedBuffer<Float>(count: batch * stream.rows * stream.columns)
    for start in stride(from: sequences.lowerBound, to: sequences.upperBound, by: batch) {
      if System.isInterrupted {
        throw Interrupted("Interrupted; nothing was exported.", hint: "Run the command again.")
      }
      let end = min(start + batch, sequences.upperBound)
      let rows = order.rows[start * stream.rows..<end * stream.rows]
      var target = values.mutableSpan
      target.withDisjoint { target in
        for (place, row) in rows.enumerated() {
          target.withSlice(place * stream.columns..<(place + 1) * stream.columns) {
            shard.readRows(Int(row)..<Int(row) + 1, into: &$0)
          }
        }
      }
      let ids = rows.map { tokens[Int($0)] }
      try stream.writeBatch(
        values.span.extracting(0..<rows.count * stream.columns), tokens: ids.span, to: &file)
      onBatch(rows.count)
    }
  }

  /// The features are left to the schema of the files: versions of datasets spell them differently.
  private static let information: JSON = [
    "citation": "", "description": "Activations, written by Saeline.", "homepage": "",
    "license": "",
  ]

  /// The seven members that `load_from_disk` requires.
  private static func state(_ files: [String], fingerprint: String) -> JSON {
    .object([
      "_data_files": .array(files.map { .object(["filename": .string($0)]) }),
      "_fingerprint": .string(String(fingerprint.prefix(16))),
      "_format_columns": .null, "_format_kwargs": .object([:]), "_format_type": .null,
      "_output_all_columns": .bool(false), "_split": .null,
    ])
  }
}
