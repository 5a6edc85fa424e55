// Arrow IPC: the stream format, which `save_to_disk` writes, and the file format around it. Comes in:
// a file. Leaves: the documents of one column; other columns are located and not read.

import Shared

/// An Arrow file whose schema was read.
package struct ArrowFile {
  private let file: InputFile
  private let fields: [ArrowField]
  /// Where the message behind the schema starts.
  private let bodyStart: Int
  /// Bytes of the longest document.
  private let limit: Int

  /// Greater metadata is taken for damage.
  private static let metadataLimit = 64 << 20

  package init(_ file: InputFile, limit: Int) throws {
    self.file = file
    self.limit = limit
    let magic = try file.read(at: 0, count: 6)
    let start = magic == Array("ARROW1".utf8) ? 8 : 0
    let reader = MessageReader(file: file)
    guard let message = try reader.message(at: start), message.kind == .schema else {
      throw ArrowError.notArrow(path: file.path)
    }
    fields = try reader.checked(start) {
      guard try message.header.number(0, Int16.self) == 0 else {
        throw ArrowError.unsupported(path: file.path, what: "numbers in big-endian order")
      }
      return try ArrowField.fields(message.header)
    }
    bodyStart = message.end
  }

  /// The columns in order, with what they can be read as.
  package var columns: [(name: String, content: ColumnContent?)] {
    fields.map { ($0.name, $0.content) }
  }

  /// Reads a column from the first to the last row.
  package func read<Sink: DocumentSink>(
    column: String, as content: ColumnContent, into sink: inout Sink
  ) throws {
    guard let index = fields.firstIndex(where: { $0.name == column }) else {
      throw ArrowError.missingColumn(path: file.path, column: column, found: fields.map(\.name))
    }
    guard fields[index].content == content else {
      throw ArrowError.wrongType(
        path: file.path, column: column, type: fields[index].type.words, content: content)
    }
    let reader = MessageReader(file: file)
    var dictionary = TextCollector(path: file.path)
    var row = 0
    var grown = 0
    var position = bodyStart
    while let message = try reader.message(at: position) {
      switch message.kind {
      case .recordBatch:
        let batch = try reader.checked(position) {
          try ArrowBatch(
            file, message.header, body: message.body, fields: fields, column: index, limit: limit,
            grown: &grown)
        }
        try batch.read(into: &sink, dictionary: dictionary.texts, firstRow: row)
        row += batch.rowCount
      case .dictionaryBatch:
        try addDictionary(message, at: position, fields[index], &dictionary, &grown)
      default: break
      }
      position = message.end
    }
  }

  /// Takes the values of a dictionary, if it is that of the column.
  private func addDictionary(
    _ message: MessageReader.Message, at position: Int, _ field: ArrowField,
    _ dictionary: inout TextCollector, _ grown: inout Int
  ) throws {
    let reader = MessageReader(file: file)
    let values = try reader.checked(position) { () -> ArrowBatch? in
      guard let wanted = field.dictionary,
        wanted.id == Int(try message.header.number(0, Int64.self)),
        let data = try message.header.table(1)
      else { return nil }
      if try !message.header.bool(2) { dictionary.removeAll() }
      return try ArrowBatch(
        file, data, body: message.body, fields: [field.withoutDictionary], column: 0, limit: limit,
        grown: &grown)
    }
    guard let values else { return }
    try values.read(into: &dictionary, dictionary: [], firstRow: 0)
  }

  /// Reads messages one by one.
  private struct MessageReader {
    enum Kind: UInt8 {
      case schema = 1
      case dictionaryBatch = 2
      case recordBatch = 3
      case other = 0
    }

    struct Message {
      let kind: Kind
      let header: FlatTable
      let body: Range<Int>
      /// Where the next message starts.
      var end: Int { body.upperBound }
    }

    let file: InputFile

    /// The message at a place; nil at the end of the stream.
    func message(at position: Int) throws -> Message? {
      let prefix = try file.read(at: position, count: 8)
      // A stream may end without a mark.
      if prefix.isEmpty { return nil }
      guard prefix.count >= 4 else { throw cutShort }
      let isMarked = prefix.starts(with: [0xFF, 0xFF, 0xFF, 0xFF])
      guard !isMarked || prefix.count == 8 else { throw cutShort }
      let sizeBytes = isMarked ? prefix[4..<8] : prefix[0..<4]
      let size = sizeBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
      if size == 0 { return nil }
      let start = position + (isMarked ? 8 : 4)
      guard size <= ArrowFile.metadataLimit else {
        throw ArrowError.malformed(
          path: file.path, byte: position, what: "metadata of \(size) bytes")
      }
      guard size <= file.byteCount - start else { throw cutShort }
      let metadata = try file.read(at: start, count: size)
      return try checked(position) {
        let root = try FlatTable(root: metadata)
        let length = Int(try root.number(3, Int64.self))
        guard length >= 0 else { throw FlatBufferProblem(offset: 0) }
        let body = start + size
        guard length <= file.byteCount - body else { throw cutShort }
        guard let header = try root.table(2) else { throw FlatBufferProblem(offset: 0) }
        return Message(
          kind: Kind(rawValue: try root.number(1, UInt8.self)) ?? .other, header: header,
          body: body..<body + length)
      }
    }

    private var cutShort: ArrowError { .cutShort(path: file.path, byte: file.byteCount) }

    /// Turns what is wrong with metadata into an error that names the message.
    func checked<Result>(_ position: Int, _ body: () throws -> Result) throws -> Result {
      do { return try body() } catch is FlatBufferProblem {
        throw ArrowError.malformed(
          path: file.path, byte: position, what: "metadata that makes no sense")
      }
    }
  }
}

extension ArrowField {
  /// The field of a dictionary's values.
  fileprivate var withoutDictionary: ArrowField {
    ArrowField(name: name, type: type, children: children, dictionary: nil)
  }

  private init(
    name: String, type: ArrowType, children: [ArrowField],
    dictionary: (id: Int, index: ArrowType)?
  ) {
    (self.name, self.type, self.children, self.dictionary) = (name, type, children, dictionary)
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
