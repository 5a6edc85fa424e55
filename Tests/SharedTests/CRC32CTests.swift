// CRC-32C against the values of its definition, and the fast path against bit by bit.

import Shared
import Testing

@Suite struct CRC32CTests {
  /// RFC 3720, B.4, and the standard check value.
  static let known: [(bytes: [UInt8], value: UInt32)] = [
    ([], 0),
    (Array("123456789".utf8), 0xE306_9283),
    ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
    ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
    (Array(0..<32), 0x46DD_794E),
    (Array((0..<32).reversed()), 0x113F_DB5C),
  ]

  @Test("The checksum gives the values of RFC 3720", arguments: known)
  func givesKnownValues(_ example: (bytes: [UInt8], value: UInt32)) {
    #expect(CRC32C(example.bytes).value == example.value)
  }

  @Test("The checksum is masked as LevelDB and TensorBoard do it")
  func masks() {
    // The length of tensorboard's first record, 24, and its checksum in the file.
    #expect(CRC32C([24, 0, 0, 0, 0, 0, 0, 0]).masked == 0x224B_7FA3)
  }

  @Test("The checksum does not depend on how the bytes are cut", arguments: 0..<40)
  func isIndependentOfCuts(length: Int) {
    let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
    for cut in 0...length {
      var sum = CRC32C(Array(bytes[..<cut]))
      sum.update(Array(bytes[cut...]).span.raw)
      #expect(sum.value == CRC32CTests.plain(bytes))
    }
  }

  /// One bit at a time.
  private static func plain(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
        sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1
      }
    }
  }
}
