// Arrow IPC: the stream format, which `save_to_disk` writes, and the file format around it. Comes in:
// a file. Leaves: its schema and its messages, one by one; columns that nobody asks for are not read.

/// An Arrow file whose schema was read.
package struct ArrowStream: Sendable {
  package let file: any ByteSource
  package let fields: [ArrowField]
  /// Where the message behind the schema starts.
  package let bodyStart: Int

  /// Greater metadata is taken for damage.
  private static let metadataLimit = 64 << 20

  package init(_ file: any ByteSource) throws {
    self.file = file
    let magic = try file.read(at: 0, count: 6)
    let start = magic == Array("ARROW1".utf8) ? 8 : 0
    guard let message = try ArrowStream.message(of: file, at: start), message.kind == .schema else {
      throw ArrowError.notArrow(path: file.path)
    }
    fields = try ArrowStream.checked(file, start) {
      guard try message.header.number(0, Int16.self) == 0 else {
        throw ArrowError.unsupported(path: file.path, what: "numbers in big-endian order")
      }
      return try ArrowField.fields(message.header)
    }
    bodyStart = message.end
  }

  /// The place of a column, which must be there and be what it is wanted for.
  package func column(_ name: String, as content: ArrowContent) throws(ArrowError) -> Int {
    guard let index = fields.firstIndex(where: { $0.name == name }) else {
      throw .missingColumn(path: file.path, column: name, found: fields.map(\.name))
    }
    guard fields[index].content == content else {
      throw .wrongType(
        path: file.path, column: name, type: fields[index].type.words, needed: content)
    }
    return index
  }

  /// The message at a place; nil at the end of the stream.
  package func message(at position: Int) throws -> ArrowMessage? {
    try ArrowStream.message(of: file, at: position)
  }

  /// A column of a record batch; `grown` counts the bytes that were decompressed of the file so far.
  package func column(
    _ index: Int, of message: ArrowMessage, grown: inout Int
  ) throws -> ArrowColumn {
    try ArrowStream.checked(file, message.position) {
      try ArrowColumn(
        file, message.header, body: message.body, fields: fields, column: index, grown: &grown)
    }
  }

  /// The values that a dictionary batch has for a field; nil where it is that of another.
  package func dictionary(
    of message: ArrowMessage, for field: ArrowField, grown: inout Int
  ) throws -> (values: ArrowColumn, isAddition: Bool)? {
    try ArrowStream.checked(file, message.position) {
      guard let wanted = field.dictionary,
        wanted.id == Int(try message.header.number(0, Int64.self)),
        let data = try message.header.table(1)
      else { return nil }
      let values = try ArrowColumn(
        file, data, body: message.body, fields: [field.withoutDictionary], column: 0,
        grown: &grown)
      return (values, try message.header.bool(2))
    }
  }

  private static func message(of file: any ByteSource, at position: Int) throws -> ArrowMessage? {
    let cutShort = ArrowError.cutShort(path: file.path, byte: file.byteCount)
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
    guard size <= metadataLimit else {
      throw ArrowError.malformed(
        path: file.path, byte: position, what: "metadata of \(size) bytes")
    }
    guard size <= file.byteCount - start else { throw cutShort }
    let metadata = try file.read(at: start, count: size)
    return try checked(file, position) {
      let root = try FlatTable(root: metadata)
      let length = Int(try root.number(3, Int64.self))
      guard length >= 0 else { throw FlatBufferProblem(offset: 0) }
      let body = start + size
      guard length <= file.byteCount - body else { throw cutShort }
      guard let header = try root.table(2) else { throw FlatBufferProblem(offset: 0) }
      return ArrowMessage(
        kind: ArrowMessage.Kind(rawValue: try root.number(1, UInt8.self)) ?? .other,
        position: position, header: header, body: body..<body + length)
    }
  }

  /// Turns what is wrong with metadata into an error that names the message.
  private static func checked<Result>(
    _ file: any ByteSource, _ position: Int, _ body: () throws -> Result
  ) throws -> Result {
    do { return try body() } catch is FlatBufferProblem {
      throw ArrowError.malformed(
        path: file.path, byte: position, what: "metadata that makes no sense")
    }
  }
}

/// A message of a stream: its metadata, and where its body lies.
package struct ArrowMessage: Sendable {
  package enum Kind: UInt8, Sendable {
    case schema = 1
    case dictionaryBatch = 2
    case recordBatch = 3
    case other = 0
  }

  package let kind: Kind
  /// Where it starts.
  package let position: Int
  let header: FlatTable
  let body: Range<Int>
  /// Where the next message starts.
  package var end: Int { body.upperBound }
}
