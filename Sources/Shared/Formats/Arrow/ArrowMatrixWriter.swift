// An Arrow IPC stream of matrices and token ids, as Hugging Face's datasets writes Array2D. Comes in:
// the shape of a row, then batches of rows. Leaves: a file that `load_from_disk` maps.

/// The shape of a stream of matrices.
package struct ArrowMatrixStream: Sendable, Equatable {
  package let column: String
  /// Rows of each matrix.
  package let rows: Int
  /// Columns of each matrix.
  package let columns: Int
  /// F32 or F16.
  package let type: TensorType
  /// Whether the rows also have `token_ids`, a list of `rows` int32.
  package let hasTokens: Bool

  package static let tokenColumn = "token_ids"
  package static let extensionName = "ARROW:extension:name"
  package static let extensionMetadata = "ARROW:extension:metadata"
  package static let arrayName = "datasets.features.features.Array2DExtensionType"

  /// Buffers begin at multiples of this many bytes.
  private static let alignment = 64
  /// Offsets are 32-bit numbers with a sign.
  private static let offsetLimit = Int(Int32.max)

  package init(column: String, rows: Int, columns: Int, type: TensorType, hasTokens: Bool) {
    precondition(type == .float32 || type == .float16, "matrices are written in F32 or F16")
    self.column = column
    self.rows = rows
    self.columns = columns
    self.type = type
    self.hasTokens = hasTokens
  }

  /// Whether the offsets can tell the lists of at least one matrix apart.
  package var isPossible: Bool {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    return !overflow && count <= ArrowMatrixStream.offsetLimit
  }

  /// The matrices of a batch of about `byteCount` bytes, at least one.
  package func batchSize(byteCount: Int) -> Int {
    let size = max(1, rows * columns * type.byteCount)
    return max(1, min(byteCount / size, ArrowMatrixStream.offsetLimit / max(1, rows * columns)))
  }

  /// Writes the schema, with which a file begins.
  package func writeSchema(to file: inout AtomicFile) throws(SystemError) {
    let precision: Int16 = type == .float16 ? 0 : 1
    let number = field("item", 3, .table([0: .short(precision)]))
    let list = field("item", 12, .table([:]), children: [number])
    let notes: [FlatValue] = [
      .table([0: .text(Self.extensionName), 1: .text(Self.arrayName)]),
      .table([
        0: .text(Self.extensionMetadata),
        1: .text("[[\(rows), \(columns)], \"\(type == .float16 ? "float16" : "float32")\"]"),
      ]),
    ]
    var fields = [field(column, 12, .table([:]), children: [list], notes: notes)]
    if hasTokens {
      let token = field("item", 2, .table([0: .int(32), 1: .byte(1)]))
      fields.append(
        field(Self.tokenColumn, 16, .table([0: .int(Int32(rows))]), children: [token]))
    }
    try writeMessage(1, .table([0: .short(0), 1: .tables(fields)]), bodyByteCount: 0, to: &file)
  }

  /// A field; `type` is its number in the union `Type` of Schema.fbs.
  private func field(
    _ name: String, _ type: UInt8, _ content: FlatValue, children: [FlatValue] = [],
    notes: [FlatValue] = []
  ) -> FlatValue {
    var members: [Int: FlatValue] = [
      0: .text(name), 1: .byte(1), 2: .byte(type), 3: content, 5: .tables(children),
    ]
    if !notes.isEmpty { members[6] = .tables(notes) }
    return .table(members)
  }

  /// Writes matrices, `[n, rows, columns]`, as one record batch, with their tokens `[n, rows]`.
  package func writeBatch(
    _ values: Span<Float>, tokens: Span<UInt32>, to file: inout AtomicFile
  ) throws(SystemError) {
    let count = values.count / (rows * columns)
    precondition(
      values.count == count * rows * columns && values.count <= Self.offsetLimit
        && (!hasTokens || tokens.count == count * rows), "values, tokens and shape differ in size")
    let outer = (0...count).map { Int32($0 * rows) }
    let inner = (0...count * rows).map { Int32($0 * columns) }
    let valueByteCount = values.count * type.byteCount
    // Of every value a buffer of nulls that is empty, since there are none.
    var sizes = [0, 4 * outer.count, 0, 4 * inner.count, 0, valueByteCount]
    var nodes = [[count, 0], [count * rows, 0], [values.count, 0]]
    if hasTokens {
      sizes += [0, 0, 4 * tokens.count]
      nodes += [[count, 0], [count * rows, 0]]
    }
    var buffers: [[Int]] = []
    var end = 0
    for size in sizes {
      buffers.append([end, size])
      end += Self.padded(size)
    }
    try writeMessage(
      3, .table([0: .long(Int64(count)), 1: .structures(nodes), 2: .structures(buffers)]),
      bodyByteCount: end, to: &file)
    try writeBuffer(outer.span.raw, to: &file)
    try writeBuffer(inner.span.raw, to: &file)
    if type == .float16 {
      var halves = [UInt16](repeating: 0, count: values.count)
      var target = halves.mutableSpan
      Precision.narrow(values, toFloat16: &target)
      try writeBuffer(halves.span.raw, to: &file)
    } else {
      try writeBuffer(values.raw, to: &file)
    }
    if hasTokens { try writeBuffer(tokens.raw, to: &file) }
  }

  /// Writes the mark with which a stream ends.
  package func writeEnd(to file: inout AtomicFile) throws(SystemError) {
    let mark: [UInt8] = [255, 255, 255, 255, 0, 0, 0, 0]
    try file.write(mark.span.raw)
  }

  private static func padded(_ byteCount: Int) -> Int {
    (byteCount + alignment - 1) / alignment * alignment
  }

  private func writeBuffer(_ bytes: RawSpan, to file: inout AtomicFile) throws(SystemError) {
    try file.write(bytes)
    let padding = [UInt8](repeating: 0, count: Self.padded(bytes.byteCount) - bytes.byteCount)
    try file.write(padding.span.raw)
  }

  /// Writes a message of metadata version 5; `kind` is its number in `MessageHeader`.
  private func writeMessage(
    _ kind: UInt8, _ header: FlatValue, bodyByteCount: Int, to file: inout AtomicFile
  ) throws(SystemError) {
    var metadata = FlatBufferWriter.encode([
      0: .short(4), 1: .byte(kind), 2: header, 3: .long(Int64(bodyByteCount)),
    ])
    // The body begins at a multiple of the alignment within the message.
    metadata += [UInt8](repeating: 0, count: Self.padded(metadata.count + 8) - metadata.count - 8)
    let size = UInt32(metadata.count)
    let prefix = [255, 255, 255, 255] + (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    try file.write(prefix.span.raw)
    try file.write(metadata.span.raw)
  }
}
