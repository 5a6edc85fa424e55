// The file `run-ID.wandb` that `wandb sync` reads: records in blocks of 32 KiB, as LevelDB logs them, each a
// message of Protocol Buffers. Messages come in; a file leaves, whole or not at all.

import Shared

extension ProtocolBuffer {
  /// A time: whole seconds and nanoseconds.
  mutating func put(_ field: Int, seconds: Double) {
    put(field) {
      $0.put(1, Int(seconds))
      $0.put(2, Int(seconds.truncatingRemainder(dividingBy: 1) * 1e9))
    }
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
  mutating func add(kind: Int, _ fill: (inout ProtocolBuffer) -> Void) throws {
    number += 1
    var record = ProtocolBuffer()
    record.put(1, number)
    record.put(kind, fill)
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
