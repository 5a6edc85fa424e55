// FlatBuffers as they are written. Comes in: a value. Leaves: its bytes, what is pointed to behind
// what points, every number aligned to its size.

/// A value of a FlatBuffer.
indirect enum FlatValue {
  case byte(UInt8)
  case short(Int16)
  case int(Int32)
  case long(Int64)
  case text(String)
  /// A table: its fields by their number; those without a value have their default.
  case table([Int: FlatValue])
  case tables([FlatValue])
  /// A list of structures of 64-bit numbers, all of the same size.
  case structures([[Int]])
}

/// Writes one FlatBuffer.
struct FlatBufferWriter {
  private var bytes = [UInt8](repeating: 0, count: 8)

  /// The bytes of a root table, a multiple of eight.
  static func encode(_ root: [Int: FlatValue]) -> [UInt8] {
    var writer = FlatBufferWriter()
    writer.point(from: 0, to: writer.add(.table(root)))
    writer.align(8)
    return writer.bytes
  }

  private mutating func align(_ size: Int, before header: Int = 0) {
    while (bytes.count + header) % size != 0 { bytes.append(0) }
  }

  private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    for index in 0..<Number.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: number >> Number(8 * index)))
    }
  }

  private mutating func put<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
    for index in 0..<Number.bitWidth / 8 {
      bytes[place + index] = UInt8(truncatingIfNeeded: number >> Number(8 * index))
    }
  }

  private mutating func point(from place: Int, to target: Int) {
    put(UInt32(target - place), at: place)
  }

  /// Adds what is pointed to; returns where it starts.
  private mutating func add(_ value: FlatValue) -> Int {
    switch value {
    case .table(let fields): return addTable(fields)
    case .text(let text):
      align(4)
      let start = bytes.count
      append(UInt32(text.utf8.count))
      bytes += Array(text.utf8) + [0]
      return start
    case .tables(let tables):
      align(4)
      let start = bytes.count
      append(UInt32(tables.count))
      bytes += [UInt8](repeating: 0, count: 4 * tables.count)
      for (index, table) in tables.enumerated() {
        point(from: start + 4 + 4 * index, to: add(table))
      }
      return start
    case .structures(let structures):
      align(8, before: 4)
      let start = bytes.count
      append(UInt32(structures.count))
      for number in structures.joined() { append(Int64(number)) }
      return start
    case .byte, .short, .int, .long: return bytes.count
    }
  }

  /// Every field has eight bytes of room, so that all are aligned.
  private mutating func addTable(_ fields: [Int: FlatValue]) -> Int {
    let numbers = fields.keys.sorted()
    let slots = (numbers.last ?? -1) + 1
    align(8)
    let directory = bytes.count
    append(UInt16(4 + 2 * slots))
    append(UInt16(8 + 8 * numbers.count))
    for slot in 0..<slots {
      append(numbers.firstIndex(of: slot).map { UInt16(8 + 8 * $0) } ?? 0)
    }
    align(8)
    let start = bytes.count
    append(Int32(start - directory))
    bytes += [UInt8](repeating: 0, count: 4 + 8 * numbers.count)
    for (index, number) in numbers.enumerated() {
      let place = start + 8 + 8 * index
      switch fields[number] {
      case .byte(let value): put(value, at: place)
      case .short(let value): put(value, at: place)
      case .int(let value): put(value, at: place)
      case .long(let value): put(value, at: place)
      case .some(let value): point(from: place, to: add(value))
      case nil: break
      }
    }
    return start
  }
}
