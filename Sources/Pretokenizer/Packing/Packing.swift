// Documents of any length become sequences of one length, SAELens's concat-and-batch. Comes in:
// documents of tokens. Leaves: how many sequences they fill, and the tokens of any of them.

/// How documents are packed; the tokens that nil stands for are left out.
package struct PackingRules: Sendable, Equatable {
  package var contextSize: Int
  /// At position 0 of every sequence.
  package var beginBatch: UInt32?
  /// Before every document.
  package var beginSequence: UInt32?
  /// Between two documents of a sequence.
  package var separator: UInt32?
  package var joining = Joining.concatenated
  /// Documents after which packing starts anew and the unfinished sequence is dropped.
  package var batchSize: Int?

  /// Whether a sequence may hold parts of several documents.
  package enum Joining: Sendable { case concatenated, oneDocumentPerSequence }

  package init(
    contextSize: Int, beginBatch: UInt32? = nil, beginSequence: UInt32? = nil,
    separator: UInt32? = nil, joining: Joining = .concatenated, batchSize: Int? = nil
  ) {
    self.contextSize = contextSize
    self.beginBatch = beginBatch
    self.beginSequence = beginSequence
    self.separator = separator
    self.joining = joining
    self.batchSize = batchSize
  }
}

/// A place between two tokens of the documents; small, since many are remembered.
private struct PackingCursor: Sendable {
  var part: Int32 = 0
  var document: Int32 = -1
  /// The next token, counted within the part.
  var index: UInt32 = 0
  /// Tokens that are left of the document.
  var remaining: UInt32 = 0
  /// The first token of the document.
  var head: UInt32 = 0
  /// Whether the document's begin-sequence token is still to come.
  var isFresh = true
}

/// The sequences of a source, found once and then readable in any order.
package struct Packing<Source: TokenSource>: Sendable {
  package let rules: PackingRules
  private let source: Source
  /// The start of every `stride`-th sequence.
  private var marks: [PackingCursor] = []
  private var stride = 1
  package private(set) var sequenceCount = 0
  /// Tokens of documents that ended up in no sequence.
  package private(set) var droppedCount = 0

  /// Walks once over all documents; the memory of the plan does not grow beyond `mostMarks`.
  package init(_ source: Source, _ rules: PackingRules, mostMarks: Int = 1 << 20) throws {
    precondition(rules.contextSize > 1 && mostMarks > 1, "a sequence needs room for text")
    self.source = source
    self.rules = rules
    var reader = source.reader()
    var cursor = try start(&reader)
    var used = 0
    while true {
      let mark = cursor
      var sink = CountingSink()
      guard try fill(&cursor, &reader, &sink) else { break }
      if sequenceCount % stride == 0 { remember(mark, mostMarks) }
      sequenceCount += 1
      used += sink.taken
    }
    droppedCount = source.tokenCount - used
  }

  /// Keeps the start of the next sequence; where there are too many, every second one is forgotten.
  private mutating func remember(_ mark: PackingCursor, _ mostMarks: Int) {
    if marks.count == mostMarks {
      for index in 0..<(mostMarks + 1) / 2 { marks[index] = marks[2 * index] }
      marks.removeLast(mostMarks / 2)
      stride *= 2
      guard sequenceCount % stride == 0 else { return }
    }
    marks.append(mark)
  }

  /// Reads sequences into rows `[places.count, contextSize]` of little-endian tokens.
  ///
  /// `places` are in the order of their sequences, so that files are read forwards.
  package func rows(_ places: [DealtSequence]) throws -> [UInt8] {
    let rowByteCount = rules.contextSize * source.bytesPerToken
    var sink = FillingSink(
      bytes: [UInt8](repeating: 0, count: places.count * rowByteCount), width: source.bytesPerToken)
    var reader = source.reader()
    var cursor = PackingCursor()
    var next = Int.max
    for place in places {
      let sequence = place.sequence
      if next > sequence || next / stride < sequence / stride {
        next = sequence / stride * stride
        cursor = marks[sequence / stride]
      }
      while next < sequence {
        var skipped = CountingSink()
        _ = try fill(&cursor, &reader, &skipped)
        next += 1
      }
      sink.begin(at: place.row * rowByteCount)
      let isWhole = try fill(&cursor, &reader, &sink)
      precondition(isWhole, "the plan promised this sequence")
      next += 1
    }
    return sink.bytes
  }
}

// MARK: - Walking

extension Packing {
  private func start(_ reader: inout Source.Reader) throws -> PackingCursor {
    var cursor = PackingCursor()
    try enterNextDocument(&cursor, &reader)
    return cursor
  }

  private func isAtEnd(_ cursor: PackingCursor) -> Bool { cursor.part >= source.partCount }

  private func enterNextDocument(
    _ cursor: inout PackingCursor, _ reader: inout Source.Reader
  ) throws {
    cursor.isFresh = true
    var entry = DocumentEntry()
    repeat {
      cursor.document += 1
      while !isAtEnd(cursor), cursor.document >= source.documentCount(Int(cursor.part)) {
        cursor.part += 1
        cursor.document = 0
        cursor.index = 0
      }
      if isAtEnd(cursor) { break }
      entry = try reader.document(Int(cursor.part), Int(cursor.document))
    } while entry.length == 0
    cursor.remaining = entry.length
    cursor.head = entry.head
  }

  private func advance(
    _ cursor: inout PackingCursor, _ count: Int, _ reader: inout Source.Reader
  ) throws {
    cursor.index += UInt32(count)
    cursor.remaining -= UInt32(count)
    if cursor.remaining == 0 { try enterNextDocument(&cursor, &reader) }
  }

  /// Produces the next sequence; false where the documents end before it is full.
  private func fill<Sink: SequenceSink>(
    _ cursor: inout PackingCursor, _ reader: inout Source.Reader, _ sink: inout Sink
  ) throws -> Bool {
    switch rules.joining {
    case .concatenated: try fillFromSeveral(&cursor, &reader, &sink)
    case .oneDocumentPerSequence: try fillFromOne(&cursor, &reader, &sink)
    }
  }

  /// The packing batch that a document of the data set belongs to.
  private func batch(_ cursor: PackingCursor) -> Int {
    guard let size = rules.batchSize else { return 0 }
    return (source.documentsBefore(Int(cursor.part)) + Int(cursor.document)) / size
  }

  private func fillFromSeveral<Sink: SequenceSink>(
    _ cursor: inout PackingCursor, _ reader: inout Source.Reader, _ sink: inout Sink
  ) throws -> Bool {
    var filled = 0
    var batch = 0
    while !isAtEnd(cursor) {
      let batchHere = self.batch(cursor)
      if batchHere != batch, filled > 0 {
        sink.restart()
        filled = 0
      }
      batch = batchHere
      let room = rules.contextSize - filled
      let (lead, begin) = try prefix(cursor, isFirst: filled == 0, &reader)
      let prefixCount = (lead == nil ? 0 : 1) + (begin == nil ? 0 : 1)
      if let lead { sink.put(lead) }
      if let begin, prefixCount <= room { sink.put(begin) }
      let take = min(max(room - prefixCount, 0), Int(cursor.remaining))
      try sink.put(&reader, Int(cursor.part), Int(cursor.index), take)
      filled += min(room, prefixCount) + take
      // A begin-sequence token that found no room opens the next sequence.
      cursor.isFresh = begin != nil && prefixCount > room
      if take > 0 { try advance(&cursor, take, &reader) }
      if filled == rules.contextSize { return true }
    }
    return false
  }

  /// The tokens that go before those at the cursor, unless these begin with them.
  private func prefix(
    _ cursor: PackingCursor, isFirst: Bool, _ reader: inout Source.Reader
  ) throws -> (lead: UInt32?, begin: UInt32?) {
    let lead = isFirst ? rules.beginBatch : rules.separator
    guard cursor.isFresh else {
      // Only a sequence's first tokens can be a document's later ones.
      let isThere =
        lead == nil ? false : try reader.isBegin(Int(cursor.part), Int(cursor.index))
      return (isThere ? nil : lead, nil)
    }
    let begin = rules.beginSequence == cursor.head ? nil : rules.beginSequence
    return (lead == begin ?? cursor.head ? nil : lead, begin)
  }

  private func fillFromOne<Sink: SequenceSink>(
    _ cursor: inout PackingCursor, _ reader: inout Source.Reader, _ sink: inout Sink
  ) throws -> Bool {
    let size = rules.contextSize
    let wanted = rules.beginSequence ?? rules.beginBatch
    while !isAtEnd(cursor) {
      let length = Int(cursor.remaining)
      let begin = length >= size - 1 && wanted != cursor.head ? wanted : nil
      let take = begin == nil ? size : size - 1
      let isLongEnough = length >= take
      if isLongEnough {
        if let begin { sink.put(begin) }
        try sink.put(&reader, Int(cursor.part), Int(cursor.index), take)
      }
      try advance(&cursor, length, &reader)
      if isLongEnough { return true }
    }
    return false
  }
}

// MARK: - Sinks

/// What takes the tokens of a sequence.
private protocol SequenceSink {
  mutating func put(_ token: UInt32)
  mutating func put<Reader: TokenReader>(
    _ reader: inout Reader, _ part: Int, _ index: Int, _ count: Int) throws
  /// Throws away what the sequence holds so far.
  mutating func restart()
}

/// Counts document tokens, for planning.
private struct CountingSink: SequenceSink {
  var taken = 0
  mutating func put(_ token: UInt32) {}
  mutating func put<Reader: TokenReader>(
    _ reader: inout Reader, _ part: Int, _ index: Int, _ count: Int
  ) { taken += count }
  mutating func restart() { taken = 0 }
}

/// Fills one sequence of a shard.
private struct FillingSink: SequenceSink {
  var bytes: [UInt8]
  let width: Int
  private var start = 0
  private var position = 0

  init(bytes: [UInt8], width: Int) {
    self.bytes = bytes
    self.width = width
  }

  mutating func begin(at offset: Int) {
    start = offset
    position = offset
  }

  mutating func put(_ token: UInt32) {
    for index in 0..<width {
      bytes[position + index] = UInt8(truncatingIfNeeded: token >> (8 * UInt32(index)))
    }
    position += width
  }

  mutating func put<Reader: TokenReader>(
    _ reader: inout Reader, _ part: Int, _ index: Int, _ count: Int
  ) throws {
    guard count > 0 else { return }
    try reader.read(part, index, count: count, into: &bytes, at: position)
    position += count * width
  }

  mutating func restart() { position = start }
}
