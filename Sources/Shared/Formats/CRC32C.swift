// The checksum of records in event files of TensorBoard and in logs of LevelDB: CRC-32C (Castagnoli,
// RFC 3720). Comes in: bytes, in one piece or several. Leaves: their checksum, plain or masked.

/// A checksum over bytes that come one after another.
package struct CRC32C: Sendable, Equatable {
  private var remainder: UInt32 = 0xFFFF_FFFF

  package init() {}

  /// The checksum of some bytes.
  package init(_ bytes: RawSpan) {
    update(bytes)
  }

  package init(_ bytes: [UInt8]) {
    update(bytes.span.raw)
  }

  package var value: UInt32 { ~remainder }

  /// As stored beside the bytes, so that a checksum over stored checksums is no trivial one.
  ///
  /// Both formats rotate the checksum and add the same constant.
  package var masked: UInt32 { (value >> 15 | value << 17) &+ 0xA282_EAD8 }

  /// Eight bytes at a time, by a table for the place of each.
  package mutating func update(_ bytes: RawSpan) {
    let octets = bytes.octets
    let all = CRC32C.tables
    let tables = all.span
    var sum = remainder
    var offset = 0
    while offset + 8 <= octets.count {
      let word = bytes.word(at: offset) ^ UInt64(sum)
      var next: UInt32 = 0
      for place in 0..<8 {
        let octet = Int(truncatingIfNeeded: word >> UInt64(8 * place)) & 0xFF
        next ^= tables[(7 - place) * 256 + octet]
      }
      sum = next
      offset += 8
    }
    while offset < octets.count {
      sum = sum >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: sum) ^ octets[offset])]
      offset += 1
    }
    remainder = sum
  }

  /// The remainder that a byte leaves once `place` zero bytes have followed it, at `place * 256 + byte`.
  private static let tables: [UInt32] = {
    let polynomial: UInt32 = 0x82F6_3B78
    var tables = (0..<256).map { byte in
      (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ polynomial : sum >> 1 }
    }
    for index in 256..<8 * 256 {
      let before = tables[index - 256]
      tables.append(before >> 8 ^ tables[Int(before & 0xFF)])
    }
    return tables
  }()
}
