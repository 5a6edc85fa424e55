// The stage: text → tokens in blocks → packed sequences in shards → manifest. Any number of
// processes may run it at once; the bytes depend on the settings and the input alone.

package import Shared
import Synchronization

/// What came of a run.
package struct PretokenizeResult: Sendable, Equatable {
  package let folder: String
  package let fingerprint: String
  package let sequences: Int
  package let tokens: Int
  package let tokensPerSecond: Double
  package let didWork: Bool

  package var json: JSON {
    .object([
      "folder": .string(folder), "fingerprint": .string(fingerprint),
      "sequences": .integer(sequences), "tokens": .integer(tokens),
      "tokens_per_second": .number(tokensPerSecond), "did_work": .bool(didWork),
    ])
  }
}

/// Text that fills no sequence.
package struct TooLittleText: Failure, Equatable {
  package let tokens: Int
  package let contextSize: Int
  package var sentence: String {
    "The text has \(tokens) tokens, which fill no sequence of \(contextSize)."
  }
  package var hint: String? {
    "Give more text, a smaller context_size, or set disable_concat_sequences to false."
  }
}

/// One run of the stage.
package struct Pretokenizing: Sendable {
  private let pipeline: Pipeline
  private let tokenizer: Tokenizer
  private let files: [DataFile]
  private let rules: PackingRules
  private let key: StageKey
  private let folder: StageFolder
  private let verification: StageFolder.Verification
  private let mode: Progress.Mode
  private let terminal: Terminal

  private var settings: PretokenizeSettings { pipeline.pretokenize }

  /// Where blocks of tokens lie until the shards are written.
  private var work: StageFolder {
    StageFolder(path: folder.path + "/work", stage: .tokens, fingerprint: nil)
  }

  /// Shards in the making at once: each takes about five times its size.
  private static let mostShardThreads = 4

  /// Opens tokenizer and text and finds the place in the store.
  package init(
    _ pipeline: Pipeline, verification: StageFolder.Verification = .sizes,
    mode: Progress.Mode = .automatic, terminal: Terminal = .standardError
  ) throws {
    self.pipeline = pipeline
    self.verification = verification
    self.mode = mode
    self.terminal = terminal
    let settings = pipeline.pretokenize
    let tokenizer = try Tokenizer.open(settings.tokenizerName)
    self.tokenizer = tokenizer
    files = try DataFiles.find(settings)
    rules = PackingRules(
      contextSize: settings.contextSize,
      beginBatch: try settings.beginBatchToken.map { try tokenizer.id(of: $0) },
      beginSequence: try settings.beginSequenceToken.map { try tokenizer.id(of: $0) },
      separator: try settings.sequenceSeparatorToken.map { try tokenizer.id(of: $0) },
      joining: settings.disableConcatSequences ? .oneDocumentPerSequence : .concatenated)
    key = try PretokenizeKey.make(pipeline, tokenizer: tokenizer, files: files)
    folder = Store(pipeline.store).folder(key)
  }

  package var bill: Bill {
    Bill(
      files: files, contextSize: settings.contextSize, vocabularySize: tokenizer.vocabularySize)
  }

  /// Makes the stage, or finds it made.
  package func run() throws -> PretokenizeResult {
    if let manifest = try folder.manifest(verify: verification) {
      // Left where a worker died between the manifest and its cleaning.
      try System.removeTree(work.path)
      say("tokens: nothing to do (\(folder.path))")
      return result(manifest, tokensPerSecond: Timing.read(folder: folder.path))
    }
    try bill.check(
      store: pipeline.store, freeByteCount: Bill.freeByteCount(pipeline.store))
    let start = System.uptime
    let manifest = try finished(since: start)
    let timing = Timing(
      tokens: manifest.rows * rules.contextSize, seconds: System.uptime - start)
    say(summary(manifest, timing))
    return result(manifest, tokensPerSecond: timing, didWork: true)
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

  private func say(_ text: String) { if mode != .quiet { terminal.print(text) } }

  private func summary(_ manifest: Manifest, _ timing: Timing) -> String {
    "tokens: \(Readable.count(timing.tokens)) tokens in \(Readable.count(manifest.rows)) sequences "
      + "of \(rules.contextSize), \(Readable.count(timing.tokensPerSecond)) tokens/s"
  }

  private func result(
    _ manifest: Manifest, tokensPerSecond timing: Timing?, didWork: Bool = false
  ) -> PretokenizeResult {
    PretokenizeResult(
      folder: folder.path, fingerprint: manifest.fingerprint, sequences: manifest.rows,
      tokens: manifest.rows * rules.contextSize,
      tokensPerSecond: timing?.tokensPerSecond ?? 0, didWork: didWork)
  }

  // MARK: - Phases

  private func make(since start: Double) throws -> Manifest {
    let blocks = InputBlock.cut(files)
    try tokenize(blocks)
    let source = try blocks.indices.map {
      try TokenBlock(open: work.path + "/" + TokenBlock.fileName($0))
    }
    let packing = Packing(TokenBlocks(source), rules)
    guard packing.sequenceCount > 0 else {
      try System.removeTree(work.path)
      throw TooLittleText(tokens: packing.droppedCount, contextSize: rules.contextSize)
    }
    let shards = ShardPlan(
      sequenceCount: packing.sequenceCount, rowsPerShard: rowsPerShard,
      seed: settings.shuffle ? settings.seed : nil)
    try writeShards(shards, packing)
    try copyTokenizer()
    let manifest = try manifest(shards, packing, source)
    try folder.finish(manifest)
    let tokens = packing.sequenceCount * rules.contextSize
    try Timing(tokens: tokens, seconds: System.uptime - start).write(folder: folder.path)
    try System.removeTree(work.path)
    return manifest
  }

  private var rowsPerShard: Int {
    let type = TensorType.unsigned(below: tokenizer.vocabularySize)
    return max(1, (settings.shardMegabytes << 20) / (rules.contextSize * type.byteCount))
  }

  /// Phase 1: every block of input becomes a block of tokens.
  private func tokenize(_ blocks: [InputBlock]) throws {
    let progress = Progress(
      stage: "tokenize", unit: "bytes", total: blocks.reduce(0) { $0 + $1.byteCount }, mode: mode,
      terminal: terminal)
    let encoders = EncoderPool(tokenizer)
    let made = Mutex<Set<Int>>([])
    try work.work(
      units: blocks.count, name: TokenBlock.fileName, threads: Parallel.threadCount,
      produce: { unit, file in
        try checkUnfinished()
        var encoder = encoders.take()
        try TokenBlock.write(
          blocks[unit], column: settings.columnName, encoder: &encoder,
          vocabularySize: tokenizer.vocabularySize, to: &file)
        encoders.put(encoder)
        _ = made.withLock { $0.insert(unit) }
        progress.advance(blocks[unit].byteCount)
      },
      onFinished: { unit in
        if !made.withLock({ $0.contains(unit) }) { progress.skip(blocks[unit].byteCount) }
      })
    progress.finish()
  }

  /// Stops a worker whose stage another one has finished meanwhile.
  private func checkUnfinished() throws(AlreadyFinished) {
    if System.exists(folder.path + "/" + Manifest.fileName) { throw AlreadyFinished() }
  }

  /// Phase 2: every shard takes its sequences out of the blocks.
  private func writeShards(_ shards: ShardPlan, _ packing: Packing<TokenBlocks>) throws {
    let progress = Progress(
      stage: "pack", total: packing.sequenceCount * rules.contextSize, parts: shards.count,
      mode: mode, terminal: terminal)
    let made = Mutex<Set<Int>>([])
    try folder.work(
      units: shards.count, name: TokenShard.fileName,
      threads: min(Parallel.threadCount, Pretokenizing.mostShardThreads),
      produce: { unit, file in
        let tokens = packing.sequences(shards.sequences(unit))
        try TokenShard.write(
          tokens, contextSize: rules.contextSize, vocabularySize: tokenizer.vocabularySize,
          metadata: ["fingerprint": key.fingerprint, "shard": String(unit)], to: &file)
        _ = made.withLock { $0.insert(unit) }
        progress.advance(tokens.count)
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

  /// The tokenizer's files, so that later stages need nothing but the store.
  private func copyTokenizer() throws {
    let origin = Shared.folder(of: tokenizer.path)
    for name in ["tokenizer_config.json", "special_tokens_map.json"]
    where System.exists(origin + "/" + name) {
      try copy(origin + "/" + name, name)
    }
    try copy(tokenizer.path, "tokenizer.json")
  }

  private func copy(_ origin: String, _ name: String) throws {
    let source = try MappedFile.open(origin)
    var file = try AtomicFile.create(folder.path + "/" + name)
    try file.write(source.bytes)
    try file.publishReplacing()
  }

  private func manifest(
    _ shards: ShardPlan, _ packing: Packing<TokenBlocks>, _ blocks: [TokenBlock]
  ) throws -> Manifest {
    let type = TensorType.unsigned(below: tokenizer.vocabularySize)
    return Manifest(
      key: key, name: pipeline.name, tool: "saeline-pretokenize \(Product.version)",
      shards: try (0..<shards.count).map {
        try folder.shard(TokenShard.fileName($0), rows: shards.rows($0).count)
      },
      details: .object([
        "context_size": .integer(rules.contextSize),
        "vocabulary_size": .integer(tokenizer.vocabularySize),
        "sequences": .integer(packing.sequenceCount),
        "tokens": .integer(packing.sequenceCount * rules.contextSize),
        "documents": .integer(blocks.reduce(0) { $0 + $1.documentCount }),
        "dropped_tokens": .integer(packing.droppedCount),
        "replaced_characters": .integer(blocks.reduce(0) { $0 + $1.replacedCount }),
        "dtype": .string(type.rawValue),
      ]))
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
