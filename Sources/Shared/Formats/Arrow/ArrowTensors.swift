// Columns whose rows are all of one shape, such as Hugging Face's Array2D. Comes in: the buffers of
// nested lists, of variable or fixed size. Leaves: numbers, once every list has its length proven.

/// A column of equally shaped rows in one record batch.
package struct ArrowTensors: Sendable {
  private let column: ArrowColumn
  private let levels: [Level]
  private let leaf: ArrowType
  private let leafByteCount: Int

  /// One level of lists.
  private struct Level: Sendable {
    /// The buffer of nulls; that of offsets, where there are any, is the next.
    let validity: Int
    let type: ArrowType
  }

  /// Takes a column that its schema calls lists of numbers, nested or not.
  ///
  /// - Throws: a number of rows that the buffers cannot hold.
  package init(_ column: ArrowColumn) throws {
    self.column = column
    var levels: [Level] = []
    var field = column.field
    var buffer = 0
    while field.type.isList, let child = field.children.first {
      levels.append(Level(validity: buffer, type: field.type))
      buffer += field.type.bufferCount
      field = child
    }
    leaf = field.type
    switch leaf {
    case .integer(let byteCount, _), .float(let byteCount): leafByteCount = byteCount
    default: throw column.malformed("a column that cannot be read")
    }
    levels.append(Level(validity: buffer, type: leaf))
    self.levels = levels
    guard column.rowCount <= capacity(0) else {
      throw column.malformed("a buffer of “\(column.field.name)” is too short")
    }
  }

  package var rowCount: Int { column.rowCount }

  /// How many elements the buffers of a level and those below have room for.
  private func capacity(_ level: Int) -> Int {
    switch levels[level].type {
    case .list(let size): max(0, column.byteCount(levels[level].validity + 1) / size - 1)
    case .fixedSizeList(let count): count > 0 ? capacity(level + 1) / count : 0
    default: column.byteCount(levels[level].validity + 1) / leafByteCount
    }
  }

  /// The lengths of a row's lists, from outside to inside, of the first in each.
  package func shape(of row: Int) throws -> [Int] {
    var shape: [Int] = []
    var element = row
    for (index, level) in levels.dropLast().enumerated() {
      guard element < capacity(index) else { break }
      switch level.type {
      case .list(let size):
        let bounds = try column.offsets(
          element..<element + 1, in: level.validity + 1, byteCount: size, of: capacity(index + 1))
        shape.append(bounds[1] - bounds[0])
        element = bounds[0]
      case .fixedSizeList(let count):
        shape.append(count)
        element *= count
      default: break
      }
    }
    return shape
  }

  /// Whether the buffers have room for one row of a shape, so that its size may be counted with.
  package func hasRoom(for shape: [Int]) -> Bool {
    var room = capacity(levels.count - 1)
    for count in shape {
      guard count > 0 else { return true }
      room /= count
    }
    return room > 0
  }

  /// Fills `target`, `[rows.count]` and `shape`, with floating-point numbers, rounded to float32.
  ///
  /// `firstRow` is the number of the batch's first row in the file, for errors.
  package func read(
    _ rows: Range<Int>, shape: [Int], firstRow: Int, into target: inout MutableSpan<Float>
  ) throws {
    let range = try leaves(rows, shape: shape, firstRow: firstRow)
    precondition(range.count == target.count, "target and rows differ in size")
    let buffer = levels[levels.count - 1].validity + 1
    let bytes = try column.bytes(
      buffer, range.lowerBound * leafByteCount..<range.upperBound * leafByteCount)
    let raw = bytes.span.raw
    switch leafByteCount {
    case 2: Precision.widen(float16: raw, into: &target)
    case 4: Precision.widen(float32: raw, into: &target)
    default:
      for index in 0..<target.count {
        target[index] = Float(Double(bitPattern: raw.word(at: 8 * index)))
      }
    }
  }

  /// The whole numbers of some rows, `[rows.count]` and `shape`.
  package func integers(_ rows: Range<Int>, shape: [Int], firstRow: Int) throws -> [Int64] {
    let range = try leaves(rows, shape: shape, firstRow: firstRow)
    guard case .integer(let byteCount, let isSigned) = leaf else { return [] }
    return try column.integers(
      levels[levels.count - 1].validity + 1, range, byteCount: byteCount, isSigned: isSigned)
  }

  /// The numbers of some rows, once their lists have the lengths `shape` and no nulls.
  private func leaves(_ rows: Range<Int>, shape: [Int], firstRow: Int) throws -> Range<Int> {
    precondition(shape.count == levels.count - 1, "rows of another depth")
    var range = rows
    var listsPerRow = 1
    for (index, level) in levels.enumerated() {
      guard range.upperBound <= capacity(index) else {
        throw column.malformed("a buffer of “\(column.field.name)” is too short")
      }
      func row(_ element: Int) -> Int {
        firstRow + rows.lowerBound + element / max(1, listsPerRow)
      }
      if column.byteCount(level.validity) > 0,
        let null = try column.nulls(level.validity, range).firstIndex(of: true)
      {
        throw ArrowError.nullRow(path: column.path, column: column.field.name, row: row(null))
      }
      guard index < shape.count else { break }
      func wrong(_ element: Int, _ count: Int) -> ArrowError {
        .wrongShape(
          path: column.path, column: column.field.name, row: row(element), count: count,
          expected: shape[index])
      }
      switch level.type {
      case .list(let size):
        let offsets = try column.offsets(
          range, in: level.validity + 1, byteCount: size, of: capacity(index + 1))
        for element in 0..<range.count {
          let count = offsets[element + 1] - offsets[element]
          guard count == shape[index] else { throw wrong(element, count) }
        }
        range = offsets[0]..<offsets[range.count]
      case .fixedSizeList(let count):
        guard count == shape[index] else { throw wrong(0, count) }
        // Below the capacity of this level, so the products stay within that of the next.
        range = range.lowerBound * count..<range.upperBound * count
      default: break
      }
      listsPerRow *= shape[index]
    }
    return range
  }
}
