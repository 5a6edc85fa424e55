// Documents of any length become sequences of one length, SAELens's concat-and-batch. Comes in:
// tokens of documents. Leaves: where every sequence starts, and the tokens of any of them.

import Shared

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

  /// Whether a sequence may hold parts of several documents.
  package enum Joining: Sendable { case concatenated, oneDocumentPerSequence }

  package init(
    contextSize: Int, beginBatch: UInt32? = nil, beginSequence: UInt32? = nil,
    separator: UInt32? = nil, joining: Joining = .concatenated
  ) {
    self.contextSize = contextSize
    self.beginBatch = beginBatch
    self.beginSequence = beginSequence
    self.separator = separator
    self.joining = joining
  }
}

/// Documents behind each other, in blocks.
package protocol TokenSource: Sendable {
  var blockCount: Int { get }
  /// Documents of a block; every one has tokens.
  func documentCount(_ block: Int) -> Int
  func length(_ block: Int, _ document: Int) -> Int
  func token(_ block: Int, _ index: Int) -> UInt32
  func read(_ block: Int, _ index: Int, into target: inout MutableSpan<UInt32>)
}

/// A place between two tokens of the documents.
package struct PackingCursor: Sendable, Equatable {
  fileprivate var block = 0
  fileprivate var document = 0
  /// The next token, counted within the block.
  fileprivate var index = 0
  /// Tokens that are left of the document.
  fileprivate var remaining = 0
  /// Whether the document's begin-sequence token is still to come.
  fileprivate var isFresh = true
}

/// What takes the tokens of a sequence.
private protocol SequenceSink {
  mutating func put(_ token: UInt32)
  mutating func put<Source: TokenSource>(
    _ source: Source, _ block: Int, _ index: Int, _ count: Int)
}

/// Counts document tokens, for planning.
private struct CountingSink: SequenceSink {
  var taken = 0
  mutating func put(_ token: UInt32) {}
  mutating func put<Source: TokenSource>(
    _ source: Source, _ block: Int, _ index: Int, _ count: Int
  ) { taken += count }
}

/// Fills one sequence of a shard.
private struct FillingSink: SequenceSink {
  var tokens: [UInt32]
  var position: Int

  mutating func put(_ token: UInt32) {
    tokens[position] = token
    position += 1
  }

  mutating func put<Source: TokenSource>(
    _ source: Source, _ block: Int, _ index: Int, _ count: Int
  ) {
    guard count > 0 else { return }
    let place = position..<position + count
    var all = tokens.mutableSpan
    all.withDisjoint { memory in
      memory.withSlice(place) { source.read(block, index, into: &$0) }
    }
    position += count
  }
}

/// The sequences of a source, found once and then readable in any order.
package struct Packing<Source: TokenSource>: Sendable {
  package let rules: PackingRules
  private let source: Source
  /// The start of every `stride`-th sequence.
  private var marks: [PackingCursor] = []
  package private(set) var sequenceCount = 0
  /// Tokens of documents that ended up in no sequence.
  package private(set) var droppedCount = 0

  /// Sequences between two remembered starts: bounds the memory of a plan.
  private let stride: Int

  /// Walks once over all documents.
  package init(_ source: Source, _ rules: PackingRules, stride: Int = 64) {
    precondition(rules.contextSize > 1, "a sequence needs room for text")
    self.source = source
    self.rules = rules
    self.stride = stride
    var cursor = start()
    var total = 0
    for block in 0..<source.blockCount {
      for document in 0..<source.documentCount(block) { total += source.length(block, document) }
    }
    var used = 0
    while true {
      let mark = cursor
      var sink = CountingSink()
      guard fill(&cursor, &sink) else { break }
      if sequenceCount % stride == 0 { marks.append(mark) }
      sequenceCount += 1
      used += sink.taken
    }
    droppedCount = total - used
  }

  /// Reads sequences into `[wanted.count, contextSize]`: row i is sequence `wanted[i]`.
  package func sequences(_ wanted: [UInt32]) -> [UInt32] {
    let size = rules.contextSize
    var sink = FillingSink(
      tokens: [UInt32](repeating: 0, count: wanted.count * size), position: 0)
    // In the order of the text, so that files are read forwards.
    let order = wanted.indices.sorted { wanted[$0] < wanted[$1] }
    var cursor = start()
    var next = 0
    for row in order {
      let sequence = Int(wanted[row])
      if next > sequence || next / stride < sequence / stride {
        next = sequence / stride * stride
        cursor = marks[sequence / stride]
      }
      while next < sequence {
        var skipped = CountingSink()
        _ = fill(&cursor, &skipped)
        next += 1
      }
      sink.position = row * size
      let isWhole = fill(&cursor, &sink)
      precondition(isWhole, "the plan promised this sequence")
      next += 1
    }
    return sink.tokens
  }

  // MARK: - Walking

  private func start() -> PackingCursor {
    var cursor = PackingCursor(block: 0, document: -1)
    enterNextDocument(&cursor)
    return cursor
  }

  private func isAtEnd(_ cursor: PackingCursor) -> Bool { cursor.block >= source.blockCount }

  private func enterNextDocument(_ cursor: inout PackingCursor) {
    cursor.document += 1
    cursor.isFresh = true
    while cursor.block < source.blockCount,
      cursor.document >= source.documentCount(cursor.block)
    {
      cursor.block += 1
      cursor.document = 0
      cursor.index = 0
    }
    cursor.remaining =
      isAtEnd(cursor) ? 0 : source.length(cursor.block, cursor.document)
  }

  private func advance(_ cursor: inout PackingCursor, _ count: Int) {
    cursor.index += count
    cursor.remaining -= count
    if cursor.remaining == 0 { enterNextDocument(&cursor) }
  }

  /// Produces the next sequence; false where the documents end before it is full.
  private func fill<Sink: SequenceSink>(_ cursor: inout PackingCursor, _ sink: inout Sink) -> Bool {
    switch rules.joining {
    case .concatenated: fillFromSeveral(&cursor, &sink)
    case .oneDocumentPerSequence: fillFromOne(&cursor, &sink)
    }
  }

  private func fillFromSeveral<Sink: SequenceSink>(
    _ cursor: inout PackingCursor, _ sink: inout Sink
  ) -> Bool {
    var filled = 0
    while !isAtEnd(cursor) {
      var head = source.token(cursor.block, cursor.index)
      var begin: UInt32?
      if cursor.isFresh, let token = rules.beginSequence, head != token {
        begin = token
        head = token
      }
      var lead = filled == 0 ? rules.beginBatch : rules.separator
      if lead == head { lead = nil }
      let prefixCount = (lead == nil ? 0 : 1) + (begin == nil ? 0 : 1)
      let room = rules.contextSize - filled
      if let lead { sink.put(lead) }
      if let begin, prefixCount <= room { sink.put(begin) }
      let take = min(max(room - prefixCount, 0), cursor.remaining)
      sink.put(source, cursor.block, cursor.index, take)
      filled += min(room, prefixCount) + take
      // A begin-sequence token that found no room opens the next sequence.
      cursor.isFresh = begin != nil && prefixCount > room
      if take > 0 { advance(&cursor, take) }
      if filled == rules.contextSize { return true }
    }
    return false
  }

  private func fillFromOne<Sink: SequenceSink>(
    _ cursor: inout PackingCursor, _ sink: inout Sink
  ) -> Bool {
    let size = rules.contextSize
    while !isAtEnd(cursor) {
      let length = cursor.remaining
      let head = source.token(cursor.block, cursor.index)
      let begin = (rules.beginSequence ?? rules.beginBatch).flatMap {
        length >= size - 1 && head != $0 ? $0 : nil
      }
      let take = begin == nil ? size : size - 1
      defer { advance(&cursor, length) }
      guard length >= take else { continue }
      if let begin { sink.put(begin) }
      sink.put(source, cursor.block, cursor.index, take)
      return true
    }
    return false
  }
}

/// The blocks of a stage, as one source.
package struct TokenBlocks: TokenSource {
  private let blocks: [TokenBlock]

  package init(_ blocks: [TokenBlock]) { self.blocks = blocks }

  package var blockCount: Int { blocks.count }
  package func documentCount(_ block: Int) -> Int { blocks[block].lengthCount }
  package func length(_ block: Int, _ document: Int) -> Int { blocks[block].length(document) }
  package func token(_ block: Int, _ index: Int) -> UInt32 { blocks[block].token(index) }
  package func read(_ block: Int, _ index: Int, into target: inout MutableSpan<UInt32>) {
    blocks[block].read(index, into: &target)
  }
}

/// Documents in memory, as one block.
package struct DocumentList: TokenSource {
  private let lengths: [Int]
  private let tokens: [UInt32]

  package init(_ documents: [[UInt32]]) {
    let documents = documents.filter { !$0.isEmpty }
    lengths = documents.map(\.count)
    tokens = documents.flatMap { $0 }
  }

  package var blockCount: Int { 1 }
  package func documentCount(_ block: Int) -> Int { lengths.count }
  package func length(_ block: Int, _ document: Int) -> Int { lengths[document] }
  package func token(_ block: Int, _ index: Int) -> UInt32 { tokens[index] }
  package func read(_ block: Int, _ index: Int, into target: inout MutableSpan<UInt32>) {
    for offset in 0..<target.count { target[offset] = tokens[index + offset] }
  }
}
