// One unit of input becomes parts of tokens. Comes in: documents from any reader. Leaves: files of
// bounded size; the same documents give the same bytes, however often the work is done.

package import Shared
import Synchronization

/// What a unit's tokens are made with.
package struct TokenRules: Sendable {
  /// One more than the greatest id that may come.
  package let vocabularySize: Int
  package let contextSize: Int
  /// The token whose places packing must know.
  package let beginBatch: UInt32?
  package let invalidRecords: InvalidRecords

  /// What happens to a record that cannot be read.
  package enum InvalidRecords: Sendable { case refused, skipped }

  package init(
    vocabularySize: Int, contextSize: Int, beginBatch: UInt32?, invalidRecords: InvalidRecords
  ) {
    self.vocabularySize = vocabularySize
    self.contextSize = contextSize
    self.beginBatch = beginBatch
    self.invalidRecords = invalidRecords
  }
}

/// Why a document cannot become tokens of a row.
package enum TokenRowError: Failure, Equatable {
  case tooShort(place: String, count: Int, contextSize: Int)
  case beyondVocabulary(place: String, token: Int, vocabularySize: Int)
  case tooManyTokens(place: String)

  package var sentence: String {
    switch self {
    case .tooShort(let place, let count, let contextSize):
      "\(place) has \(count) tokens; a tokenized row needs at least \(contextSize)."
    case .beyondVocabulary(let place, let token, let vocabularySize):
      "\(place) holds the token \(token); the tokenizer has \(vocabularySize) tokens."
    case .tooManyTokens(let place): "\(place) has more tokens than can be counted."
    }
  }

  package var hint: String? {
    switch self {
    case .tooShort:
      "Set pretokenize.context_size to the length of the rows or less, or "
        + "pretokenize.skip_invalid to true."
    case .beyondVocabulary:
      "Set pretokenize.tokenizer_name to the tokenizer that the rows were made with."
    case .tooManyTokens: "Cut the document into smaller ones."
    }
  }
}

/// Tokenizes the documents of one unit and writes its parts.
package struct TokenSink: DocumentSink {
  private let rules: TokenRules
  /// The path of a part before the main file.
  private let partPath: @Sendable (Int) -> String
  private let tokensPerPart: Int
  /// nil where documents are ids.
  private var encoder: TokenEncoder?
  private var ids: [UInt32] = []
  private var part: PartContent
  private var partCount = 0
  private var counts = TokenBlock.Counts()
  private let replacedBefore: Int
  private var place = ""
  private var rowNumber = 0

  package init(
    _ rules: TokenRules, encoder: consuming TokenEncoder?,
    tokensPerPart: Int = TokenBlock.tokensPerPart, partPath: @escaping @Sendable (Int) -> String
  ) {
    self.rules = rules
    self.partPath = partPath
    self.tokensPerPart = tokensPerPart
    replacedBefore = encoder?.replacedCount ?? 0
    self.encoder = encoder
    part = PartContent(TensorType.unsigned(below: rules.vocabularySize))
  }

  /// Says, for errors, what the next documents are rows of.
  package mutating func begin(_ place: String) {
    self.place = place
    rowNumber = 0
  }

  package mutating func text(_ bytes: Span<UInt8>) throws {
    guard bytes.count > TokenSink.largeByteCount else { return try encode(bytes) }
    try TokenSink.largeDocument.withLock { _ in try encode(bytes) }
  }

  /// Documents above this size are tokenized by one thread at a time: what they need, up to ten
  /// times their size where they are no text at all, is there once and not for every thread.
  private static let largeByteCount = 4 << 20
  private static let largeDocument = Mutex<Void>(())

  private mutating func encode(_ bytes: Span<UInt8>) throws {
    var ids: [UInt32] = []
    swap(&ids, &self.ids)
    // Untouched memory costs nothing, and growing step by step would need old and new at once.
    if bytes.count > TokenSink.largeByteCount { ids.reserveCapacity(bytes.count) }
    encoder?.encode(bytes, into: &ids)
    try add(ids.span)
    ids.removeAll(keepingCapacity: ids.capacity <= 1 << 20)
    swap(&ids, &self.ids)
  }

  package mutating func tokens(_ given: Span<UInt32>) throws {
    guard given.count >= rules.contextSize else {
      return try invalid(
        TokenRowError.tooShort(
          place: nextRow, count: given.count, contextSize: rules.contextSize))
    }
    let row = given.extracting(0..<rules.contextSize)
    let size = rules.vocabularySize
    var largest = 0
    for index in row.indices {
      largest = max(largest, Int(row[index]))
      guard largest < size else {
        return try invalid(
          TokenRowError.beyondVocabulary(
            place: nextRow, token: largest, vocabularySize: size))
      }
    }
    counts.largest = max(counts.largest, largest)
    try add(row)
  }

  package mutating func invalid(_ problem: any Failure) throws {
    guard rules.invalidRecords == .skipped else { throw problem }
    rowNumber += 1
    counts.invalid += 1
  }

  package mutating func replaced(_ count: Int) { counts.replaced += count }

  private var nextRow: String { "\(place), row \(rowNumber + 1)," }

  private mutating func add(_ tokens: Span<UInt32>) throws {
    guard part.tokenCount + tokens.count <= Int(UInt32.max) else {
      throw TokenRowError.tooManyTokens(place: nextRow)
    }
    rowNumber += 1
    counts.documents += 1
    part.append(tokens, begin: rules.beginBatch)
    let isFull =
      part.tokenCount >= tokensPerPart || part.documentCount >= TokenBlock.documentsPerPart
    if isFull { try publishPart() }
  }

  private mutating func publishPart() throws {
    // A unit may take hours; it is begun anew, but its parts are kept.
    try Interrupted.checkBetweenShards()
    let path = partPath(partCount)
    // Whoever did this unit before wrote the same bytes.
    if !System.exists(path) {
      var file = try AtomicFile.create(path)
      try part.write(metadata: [:], to: &file)
      _ = try file.publishIfAbsent()
    }
    partCount += 1
    part.removeAll()
  }

  /// Writes the main file; gives the encoder back for the next unit.
  package consuming func finish(to file: inout AtomicFile) throws -> TokenEncoder? {
    counts.replaced += (encoder?.replacedCount ?? 0) - replacedBefore
    var metadata = counts.metadata
    metadata["parts"] = String(partCount)
    try part.write(metadata: metadata, to: &file)
    return encoder
  }
}

/// The content of a part in the making.
private struct PartContent {
  private let type: TensorType
  private var narrow: [UInt16] = []
  private var wide: [UInt32] = []
  /// Length and, above it, first token.
  private var documents: [UInt64] = []
  /// One bit per token, up to the last that is set.
  private var begins: [UInt8] = []

  init(_ type: TensorType) { self.type = type }

  var tokenCount: Int { type == .uint16 ? narrow.count : wide.count }
  var documentCount: Int { documents.count }

  mutating func append(_ tokens: Span<UInt32>, begin: UInt32?) {
    let head = tokens.count > 0 ? tokens[0] : 0
    documents.append(UInt64(head) << 32 | UInt64(tokens.count))
    if let begin { mark(tokens, begin) }
    if type == .uint16 {
      narrow.reserveRoom(for: tokens.count)
      for index in tokens.indices { narrow.append(UInt16(tokens[index])) }
    } else {
      wide.reserveRoom(for: tokens.count)
      wide.append(copying: tokens)
    }
  }

  private mutating func mark(_ tokens: Span<UInt32>, _ begin: UInt32) {
    let first = tokenCount
    for index in tokens.indices where tokens[index] == begin {
      let place = first + index
      let missing = place / 8 + 1 - begins.count
      if missing > 0 { begins += [UInt8](repeating: 0, count: missing) }
      begins[place / 8] |= 1 << UInt8(place % 8)
    }
  }

  mutating func removeAll() {
    // A part of one huge document must not keep its memory.
    let keeps = tokenCount <= 2 * TokenBlock.tokensPerPart
    narrow.removeAll(keepingCapacity: keeps)
    wide.removeAll(keepingCapacity: keeps)
    documents.removeAll(keepingCapacity: true)
    begins.removeAll(keepingCapacity: keeps)
  }

  /// Writes a whole part; widest numbers first, so that all lie at multiples of their size.
  func write(metadata: [String: String], to file: inout AtomicFile) throws {
    let missing = begins.isEmpty ? 0 : (tokenCount + 7) / 8 - begins.count
    // As many bytes as keep the tokens behind them aligned.
    let bitmap = begins + [UInt8](repeating: 0, count: missing)
    let aligned = bitmap + [UInt8](repeating: 0, count: (4 - bitmap.count % 4) % 4)
    var writer = SafetensorsWriter(metadata: metadata)
    writer.declare("documents", .uint32, shape: [documents.count, 2])
    writer.declare("begins", .uint8, shape: [aligned.count])
    writer.declare("tokens", type, shape: [tokenCount])
    try writer.writeHeader(to: &file)
    try file.write(documents.span.raw)
    try file.write(aligned.span.raw)
    if type == .uint16 {
      try file.write(narrow.span.raw)
    } else {
      try file.write(wide.span.raw)
    }
  }
}

extension Array {
  /// Makes room as appending would, in steps that stay small beside large arrays.
  fileprivate mutating func reserveRoom(for more: Int) {
    guard count + more > capacity else { return }
    reserveCapacity(Swift.max(count + more, capacity + capacity / 2))
  }
}
