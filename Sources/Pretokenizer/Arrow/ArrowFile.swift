// The documents of an Arrow file. Comes in: a stream or file of record batches. Leaves: the documents
// of one column; other columns are located and not read.

package import Shared

/// An Arrow file whose schema was read.
package struct ArrowFile {
  private let stream: ArrowStream
  /// Bytes of the longest document.
  private let limit: Int

  package init(_ file: any ByteSource, limit: Int) throws {
    stream = try ArrowStream(file)
    self.limit = limit
  }

  /// The columns in order, with what they can be read as.
  package var columns: [(name: String, content: ColumnContent?)] {
    stream.fields.map { field in
      let content: ColumnContent? =
        switch field.content {
        case .text: .text
        case .tokens: .tokens
        case .matrices, nil: nil
        }
      return (field.name, content)
    }
  }

  /// Reads a column from the first to the last row.
  package func read<Sink: DocumentSink>(
    column: String, as content: ColumnContent, into sink: inout Sink
  ) throws {
    let index = try stream.column(column, as: content == .text ? .text : .tokens)
    var dictionary = TextCollector(path: stream.file.path)
    var row = 0
    var grown = 0
    var position = stream.bodyStart
    while let message = try stream.message(at: position) {
      switch message.kind {
      case .recordBatch:
        let batch = ArrowDocuments(
          column: try stream.column(index, of: message, grown: &grown), limit: limit)
        try batch.read(into: &sink, dictionary: dictionary.texts, firstRow: row)
        row += batch.column.rowCount
      case .dictionaryBatch:
        let field = stream.fields[index]
        if let found = try stream.dictionary(of: message, for: field, grown: &grown) {
          if !found.isAddition { dictionary.removeAll() }
          try ArrowDocuments(column: found.values, limit: limit).read(
            into: &dictionary, dictionary: [], firstRow: 0)
        }
      default: break
      }
      position = message.end
    }
  }
}

/// Keeps the texts of a dictionary; nil where one is null.
private struct TextCollector: DocumentSink {
  let path: String
  private(set) var texts: [[UInt8]?] = []
  private var byteCount = 0

  /// A dictionary is held in memory as a whole.
  private static let limit = 256 << 20
  /// What an array takes besides its elements.
  private static let overhead = 40

  init(path: String) { self.path = path }

  mutating func removeAll() {
    texts.removeAll()
    byteCount = 0
  }

  private mutating func add(_ text: [UInt8]?) throws {
    byteCount += (text?.count ?? 0) + TextCollector.overhead
    guard byteCount <= TextCollector.limit else {
      throw ArrowError.unsupported(path: path, what: "a dictionary that takes more than 256 MiB")
    }
    texts.append(text)
  }

  mutating func text(_ bytes: Span<UInt8>) throws { try add([UInt8](copying: bytes)) }
  mutating func tokens(_ ids: Span<UInt32>) throws {}
  mutating func invalid(_ problem: any Failure) throws { try add(nil) }
  mutating func replaced(_ count: Int) {}
}
