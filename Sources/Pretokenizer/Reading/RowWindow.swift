// Some rows of the documents of a split. Comes in: pieces of its files and a slice. Leaves: the pieces
// that hold rows of it, and a sink that hands on these rows alone.

import Shared
import Synchronization

/// Hands on some of the rows that come.
struct RowWindow<Sink: DocumentSink>: DocumentSink {
  private(set) var sink: Sink
  private let rows: Range<Int>
  private var row = 0

  init(_ sink: Sink, _ rows: Range<Int>) {
    self.sink = sink
    self.rows = rows
  }

  /// Whether the next row is meant; ends the reading behind the last one that is.
  private mutating func takesNext() throws(RowWindowEnd) -> Bool {
    guard row < rows.upperBound else { throw RowWindowEnd() }
    row += 1
    return row > rows.lowerBound
  }

  mutating func text(_ bytes: Span<UInt8>) throws {
    if try takesNext() { try sink.text(bytes) }
  }

  mutating func tokens(_ ids: Span<UInt32>) throws {
    if try takesNext() { try sink.tokens(ids) }
  }

  mutating func invalid(_ problem: any Failure) throws {
    if try takesNext() { try sink.invalid(problem) }
  }

  mutating func replaced(_ count: Int) {
    if rows.contains(row) { sink.replaced(count) }
  }
}

/// Nothing more is wanted of a file.
struct RowWindowEnd: Error {}

/// Counts rows, be they documents or not.
private struct RowCount: DocumentSink {
  private(set) var rows = 0
  mutating func text(_ bytes: Span<UInt8>) throws { rows += 1 }
  mutating func tokens(_ ids: Span<UInt32>) throws { rows += 1 }
  mutating func invalid(_ problem: any Failure) throws { rows += 1 }
  mutating func replaced(_ count: Int) {}
}

extension InputBlock.Piece {
  /// The rows of the range, which a Parquet file states and others are read for.
  fileprivate func rowCount(_ rules: ReadingRules) throws -> Int {
    if file.kind == .parquet {
      let parquet = try ParquetFile(file.open())
      return range.reduce(0) { $0 + parquet.rowCount($1) }
    }
    var count = RowCount()
    try readAll(rules, into: &count)
    return count.rows
  }
}

extension InputBlock {
  /// What a slice takes of the pieces of a split.
  static func sliced(
    _ pieces: [Piece], _ slice: SplitSlice, _ rules: ReadingRules
  ) throws -> [Piece] {
    let found = Mutex<[Int: Result<Int, any Error>]>([:])
    Parallel.forEach(pieces.count) { index in
      let count = Result { try pieces[index].rowCount(rules) }
      found.withLock { $0[index] = count }
    }
    let results = found.withLock { $0 }
    let counts = try pieces.indices.map { try results[$0]?.get() ?? 0 }
    let wanted = try slice.rows(of: counts.reduce(0, +))
    var first = 0
    var sliced: [Piece] = []
    for (piece, count) in zip(pieces, counts) {
      let rows = wanted.clamped(to: first..<first + count)
      if !rows.isEmpty {
        var piece = piece
        if rows.count < count { piece.rows = rows.lowerBound - first..<rows.upperBound - first }
        sliced.append(piece)
      }
      first += count
    }
    return sliced
  }
}

/// Counts the bytes of documents, four for an id.
private struct ByteCount: DocumentSink {
  private(set) var bytes = 0
  private(set) var rows = 0

  mutating func text(_ bytes: Span<UInt8>) throws {
    self.bytes += bytes.count
    rows += 1
  }

  mutating func tokens(_ ids: Span<UInt32>) throws {
    bytes += 4 * ids.count
    rows += 1
  }

  mutating func invalid(_ problem: any Failure) throws { rows += 1 }
  mutating func replaced(_ count: Int) {}
}

extension DataSet {
  /// Rows whose mean size stands for that of all.
  private static let sampleCount = 1000

  /// About the bytes of text in a slice of so many rows, by its first ones; nil where that is not told.
  func mostBytes(of part: DataPart, _ rules: ReadingRules) -> Int? {
    guard let rows = part.slice?.mostRows, let file = files[part.files].first else { return nil }
    let sample = DataSet(files: [file])
    guard var piece = try? InputBlock.cut(sample, rules).first?.pieces.first else { return nil }
    piece.rows = 0..<DataSet.sampleCount
    var count = ByteCount()
    guard (try? piece.read(rules, .beginning, into: &count)) != nil, count.rows > 0 else {
      return nil
    }
    return Int(Double(count.bytes) / Double(count.rows) * Double(rows)) + 1
  }
}
