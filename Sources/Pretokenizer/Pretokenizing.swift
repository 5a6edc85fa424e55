// The stage: text → tokens in blocks → packed sequences in shards → manifest. Any number of
// processes may run it at once; the bytes depend on the settings and the input alone.

package import Shared
import Synchronization

/// One run of the stage.
package struct Pretokenizing: Sendable {
  private let pipeline: Pipeline
  /// nil where rows of ids have none.
  private let tokenizer: Tokenizer?
  let text: DataSet
  private let door: (any HubDoor)?
  let reading: ReadingRules
  private let rules: PackingRules
  private let key: StageKey
  /// Of the files that the key was taken of.
  private let marks: InputMarks
  let folder: StageFolder
  private let verification: StageFolder.Verification
  private let mode: Progress.Mode
  private let terminal: Terminal
  private let environment: [String: String]

  private var settings: PretokenizeSettings { pipeline.pretokenize }

  /// Where blocks of tokens lie until the shards are written.
  var work: StageFolder {
    StageFolder(path: folder.path + "/work", stage: .tokens, fingerprint: nil)
  }

  /// One more than the greatest id that may come; of any where there is no tokenizer.
  private var vocabularyLimit: Int { tokenizer?.vocabularySize ?? 1 << 32 }

  private var tokenType: TensorType { TensorType.unsigned(below: vocabularyLimit) }

  /// Opens tokenizer and text, which are looked for unless they are given, and finds the place in the
  /// store.
  package init(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil,
    inputs given: PretokenizeInputs? = nil,
    verification: StageFolder.Verification = .sizes, mode: Progress.Mode = .automatic,
    terminal: Terminal = .standardError,
    environment: [String: String] = HubEnvironment.variables
  ) throws {
    self.pipeline = pipeline
    self.door = door
    self.environment = environment
    self.verification = verification
    self.mode = mode
    self.terminal = terminal
    let settings = pipeline.pretokenize
    let inputs = try given ?? PretokenizeInputs.find(settings, through: door)
    text = inputs.text
    marks = try InputMarks(
      inputs.text.files.map(\.path) + (inputs.tokenizer.map(TokenizerLocation.sources) ?? []))
    tokenizer = try inputs.tokenizer.map(Tokenizer.open)
    reading = try ReadingRules(settings, text)
    rules = try PackingRules(settings, tokenizer, reading.column.content)
    try PackingContradictions.check(pipeline, reading.column.content)
    key = try PretokenizeKey.make(pipeline, tokenizer: tokenizer, text: text)
    // The tokenizer was read before its digest was taken.
    try marks.check(tokenizer.map { TokenizerLocation.sources($0.path) } ?? [])
    folder = Store(pipeline).folder(key)
  }

  package var bill: PretokenizeBill {
    PretokenizeBill(
      text, reading, contextSize: settings.contextSize, vocabularySize: vocabularyLimit)
  }

  /// The bill with the rates of a sample of the text.
  package var measuredBill: PretokenizeBill {
    PretokenizeBill(
      text, reading, contextSize: settings.contextSize, vocabularySize: vocabularyLimit,
      rates: TextTrial.measure(text.files, reading, tokenizer),
      digestBytesPerSecond: Digest.measureSpeed(), threads: Parallel.threadCount)
  }

  /// Makes the stage, or finds it made.
  package func run() throws -> PretokenizeResult {
    try saved?.check()
    // What keeps the upload from happening is said before any work.
    let upload = try TokenUpload(
      recorded, folder, environment: environment, mode: mode, terminal: terminal)
    if let manifest = try standing() {
      try clearUp(manifest)
      LastUse.mark(folder.path)
      say("tokens: nothing to do (\(folder.path))")
      summarize(manifest, Timing.read(folder: folder.path))
      try save(manifest)
      return result(
        manifest, tokensPerSecond: Timing.read(folder: folder.path), page: try upload?.run(manifest)
      )
    }
    try DiskSpace.require(bill.diskByteCount, at: pipeline.store)
    try warn()
    let start = System.uptime
    let manifest = try finished(since: start)
    let timing = Timing(
      tokens: manifest.rows * rules.contextSize, seconds: System.uptime - start)
    summarize(manifest, timing)
    try save(manifest)
    return result(
      manifest, tokensPerSecond: timing, didWork: true, page: try upload?.run(manifest))
  }

  /// Removes what a worker left that died between the manifest and its clearing up.
  private func clearUp(_ manifest: Manifest) throws {
    try folder.clearUp(manifest)
    guard folder.access == .written, try System.isThere(work.path) else { return }
    do { try System.removeTree(work.path) } catch {
      guard error.isAbsence || error.isReadOnly else { throw error }
    }
  }

  /// The manifest of a finished stage; a damaged tokenizer in it is made again.
  private func standing() throws -> Manifest? {
    do { return try folder.manifest(verify: verification) } catch let error as ManifestError {
      guard case .damagedFile(let path, _) = error, folder.access == .written else { throw error }
      terminal.print("warning: " + error.sentence + " It is made again.")
      try copyTokenizer()
      guard let manifest = try folder.manifest(verify: verification) else {
        throw ManifestError.damagedFile(path: path, stage: .tokens)
      }
      return manifest
    }
  }

  /// The manifest of the stage, which this worker or another one finishes.
  private func finished(since start: Double) throws -> Manifest {
    do { return try make(since: start) } catch {
      // Whoever finishes the stage clears the blocks away, under the eyes of slower workers.
      guard let manifest = try folder.manifest() else { throw error }
      try System.removeTree(work.path)
      return manifest
    }
  }

  /// The settings as other programs are told them: rows of ids have no tokenizer.
  private var recorded: PretokenizeSettings {
    var settings = settings
    if tokenizer == nil { settings.tokenizerName = nil }
    return settings
  }

  /// The copy for other programs, where one is asked for.
  private var saved: SavedDataSet? {
    guard let path = settings.savePath, !path.isEmpty else { return nil }
    return SavedDataSet(path, of: folder, recorded)
  }

  private func save(_ manifest: Manifest) throws {
    guard let saved else { return }
    let isNew = try saved.write(manifest)
    say(
      isNew
        ? "tokens: saved as a data set in \(saved.folder)" : "tokens: \(saved.folder) is complete")
  }

  private func say(_ text: String) { if mode != .quiet { terminal.print(text) } }

  /// Warns of inputs that moved or disagree, and notes what the text's files leave open.
  private func warn() throws {
    if let moved = BegunInput(text, key)?.warning(beside: folder) {
      terminal.print("warning: " + moved)
    }
    for note in text.notes + [text.documentNote].compactMap({ $0 }) { say("note: " + note) }
    if reading.column.content == .text, let tokenizer {
      if let sentence = try MissingTokens(settings, tokenizer).sentence { say("note: " + sentence) }
      if let warning = TokenizerAgreement.warning(pipeline, through: door) {
        say("warning: " + warning)
      }
    }
    guard reading.column.content == .tokens,
      let recorded = RecordedOptions(text.home)
    else { return }
    for sentence in recorded.differences(settings) { terminal.print("warning: " + sentence) }
  }

  private func summarize(_ manifest: Manifest, _ timing: Timing?) {
    guard mode != .quiet else { return }
    StageSummary(manifest, timing, folder: folder.path).table.print(to: terminal)
  }

  private func result(
    _ manifest: Manifest, tokensPerSecond timing: Timing?, didWork: Bool = false, page: String?
  ) -> PretokenizeResult {
    PretokenizeResult(
      folder: folder.path, fingerprint: manifest.fingerprint, sequences: manifest.rows,
      tokens: manifest.rows * rules.contextSize,
      tokensPerSecond: timing?.tokensPerSecond ?? 0, didWork: didWork, page: page)
  }

  // MARK: - Phases

  private func make(since start: Double) throws -> Manifest {
    try BegunInput(text, key)?.write(work)
    let text = try InputResolver.readable(text, settings, through: door)
    let blocks = try InputBlock.cut(text, reading)
    try tokenize(blocks)
    let source = try TokenParts(
      folder: work.path, units: blocks.count, bytesPerToken: tokenType.byteCount)
    let packing = try Packing(source, rules)
    guard packing.sequenceCount > 0 else {
      try System.removeTree(work.path)
      throw TooLittleText(tokens: packing.droppedCount, contextSize: rules.contextSize)
    }
    let shards = try ShardDeal(
      sequenceCount: packing.sequenceCount, contextSize: rules.contextSize,
      rowsPerShard: rowsPerShard, seed: settings.shuffle ? settings.seed.value : nil)
    try writeShards(shards, packing)
    try copyTokenizer()
    try folder.finish { try manifest(shards, packing, source.counts) }
    guard let manifest = try folder.readManifest() else { throw AlreadyFinished() }
    let tokens = packing.sequenceCount * rules.contextSize
    try Timing(tokens: tokens, seconds: System.uptime - start).write(folder: folder.path)
    try System.removeTree(work.path)
    return manifest
  }

  private var rowsPerShard: Int {
    max(1, (settings.shardMegabytes << 20) / (rules.contextSize * tokenType.byteCount))
  }

  /// Phase 1: every block of input becomes parts of tokens.
  private func tokenize(_ blocks: [InputBlock]) throws {
    let progress = Progress(
      stage: "tokenize", unit: "bytes", total: blocks.reduce(0) { $0 + $1.byteCount }, mode: mode,
      terminal: terminal)
    let encoders = tokenizer.map { EncoderPool($0) }
    let made = Mutex<Set<Int>>([])
    try work.work(
      units: blocks.count, name: TokenBlock.fileName, threads: Parallel.threadCount,
      produce: { unit, file in
        try checkUnfinished()
        try tokenize(blocks[unit], unit, encoders, to: &file)
        _ = made.withLock { $0.insert(unit) }
        progress.advance(blocks[unit].byteCount)
      },
      onFinished: { unit in
        if !made.withLock({ $0.contains(unit) }) { progress.skip(blocks[unit].byteCount) }
      }, onWaiting: { progress.note("pretokenize: " + $0) })
    progress.finish()
  }

  private func tokenize(
    _ block: InputBlock, _ unit: Int, _ encoders: EncoderPool?, to file: inout AtomicFile
  ) throws {
    let tokenRules = TokenRules(
      vocabularySize: vocabularyLimit, contextSize: rules.contextSize, beginBatch: rules.beginBatch,
      invalidRecords: settings.skipInvalid ? .skipped : .refused)
    let folder = work.path
    var sink = TokenSink(tokenRules, encoder: encoders?.take()) { part in
      folder + "/" + TokenBlock.fileName(unit, part: part)
    }
    for piece in block.pieces {
      sink.begin(piece.place)
      try piece.read(reading, into: &sink)
    }
    try marks.check(Set(block.pieces.map(\.file.path)))
    if let encoder = try sink.finish(to: &file) { encoders?.put(encoder) }
  }

  /// Copies the tokenizer's files, so that later stages need nothing but the store.
  private func copyTokenizer() throws {
    guard let tokenizer else { return }
    let copy = try tokenizer.copy()
    try marks.check(TokenizerLocation.sources(tokenizer.path))
    try copy.write(to: folder.path)
  }

  /// Stops a worker whose stage another one has finished meanwhile.
  private func checkUnfinished() throws(AlreadyFinished) {
    if System.exists(folder.path + "/" + Manifest.fileName) { throw AlreadyFinished() }
  }

  /// Phase 2: every shard takes its sequences out of the parts.
  private func writeShards(_ shards: ShardDeal, _ packing: Packing<TokenParts>) throws {
    let progress = Progress(
      stage: "pack", total: packing.sequenceCount * rules.contextSize, parts: shards.count,
      mode: mode, terminal: terminal)
    let made = Mutex<Set<Int>>([])
    let threads = ShardMemory.threads(
      atMost: Parallel.threadCount, rowsPerShard: rowsPerShard, contextSize: rules.contextSize,
      bytesPerToken: tokenType.byteCount)
    try folder.work(
      units: shards.count, name: TokenShard.fileName, threads: threads,
      produce: { unit, file in
        try TokenShard.write(
          encoded: packing.rows(shards.places(unit)), contextSize: rules.contextSize,
          vocabularySize: vocabularyLimit,
          metadata: ["fingerprint": key.fingerprint, "shard": String(unit)], to: &file)
        _ = made.withLock { $0.insert(unit) }
        progress.advance(shards.rows(unit).count * rules.contextSize)
      },
      onFinished: { unit in
        progress.finishPart()
        if !made.withLock({ $0.contains(unit) }) {
          progress.skip(shards.rows(unit).count * rules.contextSize)
        }
      })
    progress.finish()
  }

  // MARK: - End

  private func manifest(
    _ shards: ShardDeal, _ packing: Packing<TokenParts>, _ counts: TokenBlock.Counts
  ) throws -> Manifest {
    var manifest = Manifest(
      key: key, name: pipeline.name, tool: "saeline-pretokenize \(Product.version)",
      shards: try (0..<shards.count).map {
        try folder.shard(TokenShard.fileName($0), rows: shards.rows($0).count)
      },
      details: .object([
        "context_size": .integer(rules.contextSize),
        "vocabulary_size": .integer(tokenizer?.vocabularySize ?? counts.largest + 1),
        "sequences": .integer(packing.sequenceCount),
        "tokens": .integer(packing.sequenceCount * rules.contextSize),
        "documents": .integer(counts.documents),
        "invalid_documents": .integer(counts.invalid),
        "dropped_tokens": .integer(packing.droppedCount),
        "replaced_characters": .integer(counts.replaced),
        "dtype": .string(tokenType.rawValue),
        "is_dataset_tokenized": .bool(reading.column.content == .tokens),
        "sae_lens": RecordedOptions.record(recorded, column: reading.column.name) {
          $0.split(separator: "/").last.map { String($0) } ?? $0
        },
      ]))
    if tokenizer != nil { manifest.files = try Tokenizer.fileNames.map { try folder.file($0) } }
    return manifest
  }
}

extension Tokenizer {
  /// The files that a token stage holds of its tokenizer.
  fileprivate static let fileNames = ["tokenizer.json", "tokenizer_config.json"]

  /// What they hold.
  fileprivate func copy() throws -> TokenizerCopy {
    TokenizerCopy(configuration: configuration, contents: try contents())
  }
}

/// The tokenizer as a token stage holds it.
private struct TokenizerCopy {
  let configuration: String
  let contents: [UInt8]

  func write(to folder: String) throws(SystemError) {
    try AtomicFile.replace(folder + "/tokenizer_config.json", with: configuration)
    var file = try AtomicFile.create(folder + "/tokenizer.json")
    try file.write(contents.span.raw)
    try file.publishReplacing()
  }
}

extension PackingRules {
  /// The rules that the settings ask for; rows that are tokenized already are taken as they are.
  fileprivate init(
    _ settings: PretokenizeSettings, _ tokenizer: Tokenizer?, _ content: ColumnContent
  ) throws {
    guard content == .text, let tokenizer else {
      self.init(contextSize: settings.contextSize, joining: .oneDocumentPerSequence)
      return
    }
    self.init(
      contextSize: settings.contextSize,
      beginBatch: try settings.beginBatchToken.flatMap { try tokenizer.id(of: $0) },
      beginSequence: try settings.beginSequenceToken.flatMap { try tokenizer.id(of: $0) },
      separator: try settings.sequenceSeparatorToken.flatMap { try tokenizer.id(of: $0) },
      joining: settings.disableConcatSequences ? .oneDocumentPerSequence : .concatenated,
      batchSize: settings.pretokenizeBatchSize)
  }
}

/// Another worker has written the manifest.
private struct AlreadyFinished: Error {}

/// Encoders, each used by one thread at a time.
private final class EncoderPool: Sendable {
  private let tokenizer: Tokenizer
  private let free = Mutex<[TokenEncoder]>([])

  init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

  func take() -> TokenEncoder {
    free.withLock { $0.popLast() } ?? TokenEncoder(tokenizer)
  }

  func put(_ encoder: TokenEncoder) { free.withLock { $0.append(encoder) } }
}
