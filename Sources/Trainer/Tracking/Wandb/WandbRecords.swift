// The file `run-ID.wandb` that `wandb sync` reads: records in blocks of 32 KiB, as LevelDB logs them, each a
// message of Protocol Buffers. Messages come in; a file leaves, whole or not at all.

import Shared

/// A message as Protocol Buffers write it, field by field.
struct WireMessage {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, _ value: Int) {
    guard value != 0 else { return }
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, _ text: String) {
    if !text.isEmpty { add(field, Array(text.utf8)) }
  }

  mutating func add(_ field: Int, _ message: WireMessage) { add(field, message.bytes) }

  /// Adds a message that `fill` fills.
  mutating func add(_ field: Int, _ fill: (inout WireMessage) -> Void) {
    var message = WireMessage()
    fill(&message)
    add(field, message)
  }

  /// Adds a time: whole seconds and nanoseconds.
  mutating func add(_ field: Int, seconds: Double) {
    add(field) {
      $0.add(1, Int(seconds))
      $0.add(2, Int(seconds.truncatingRemainder(dividingBy: 1) * 1e9))
    }
  }

  private mutating func add(_ field: Int, _ content: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 127 {
      bytes.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// Writes records into a file.
struct WandbRecords: ~Copyable {
  private var file: AtomicFile
  private var position = 0
  private var buffer: [UInt8] = []
  private var number = 0

  private static let blockByteCount = 32_768
  private static let headByteCount = 7
  /// What the file begins with: `:W&B`, a magic number and a version.
  private static let beginning: [UInt8] = [0x3A, 0x57, 0x26, 0x42, 0xE1, 0xBE, 0x00]

  init(_ path: String) throws {
    file = try AtomicFile.create(path)
    put(WandbRecords.beginning)
  }

  /// Adds a record with one member, of that number among the kinds of records.
  mutating func add(kind: Int, _ fill: (inout WireMessage) -> Void) throws {
    number += 1
    var record = WireMessage()
    record.add(1, number)
    record.add(kind, fill)
    try add(record.bytes)
  }

  /// Splits a record where a block ends, as LevelDB does: full, first, middle and last pieces are 1 to 4.
  private mutating func add(_ bytes: [UInt8]) throws {
    var (start, isFirst) = (0, true)
    repeat {
      let room = WandbRecords.blockByteCount - position % WandbRecords.blockByteCount
      if room < WandbRecords.headByteCount {
        put([UInt8](repeating: 0, count: room))
        continue
      }
      let end = min(bytes.count, start + room - WandbRecords.headByteCount)
      let isLast = end == bytes.count
      let kind: UInt8 = isFirst ? (isLast ? 1 : 2) : (isLast ? 4 : 3)
      let piece = [kind] + bytes[start..<end]
      let sum = WandbRecords.checksum(piece)
      let count = end - start
      put((0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) })
      put([UInt8(count & 255), UInt8(count >> 8)] + piece)
      (start, isFirst) = (end, false)
      if isLast { break }
    } while true
    if buffer.count > 1 << 18 { try flush() }
  }

  private mutating func put(_ bytes: [UInt8]) {
    buffer += bytes
    position += bytes.count
  }

  private mutating func flush() throws {
    let bytes = buffer
    buffer = []
    try file.write(bytes.span.raw)
  }

  consuming func finish() throws {
    try flush()
    try file.publishReplacing()
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1
    }
  }

  /// CRC-32 as zlib has it.
  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { table[Int(($0 ^ UInt32($1)) & 255)] ^ ($0 >> 8) }
  }
}
