// MXFP4, numbers of four bits in blocks of 32 that share a power of two (OCP Microscaling Formats 1.0,
// 2023). Comes in: the bytes of blocks and of scales. Leaves: Floats.

package enum Microscaling {
  /// Numbers of a block, and the bytes that hold them, the first of two numbers in the lower bits.
  package static let blockSize = 32
  package static let blockBytes = 16

  /// What the four bits stand for: a sign, two bits of an exponent, one of a fraction.
  private static let values: [Double] = [
    0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6,
  ]

  /// Reads whole blocks, each times two to the power of its scale less 127.
  package static func widen(
    blocks: RawSpan, scales: RawSpan, into target: inout MutableSpan<Float>
  ) {
    let count = scales.byteCount
    precondition(
      blocks.byteCount == count * blockBytes && target.count == count * blockSize, "sizes differ")
    let (bytes, exponents) = (blocks.octets, scales.octets)
    var scaled = [Float](repeating: 0, count: values.count)
    var table = scaled.mutableSpan
    for block in 0..<count {
      // In double precision, as the largest scale times a half is a Float and that scale is none.
      let scale = Double(sign: .plus, exponent: Int(exponents[block]) - 127, significand: 1)
      for index in table.indices { table[index] = Float(values[index] * scale) }
      let (first, place) = (block * blockBytes, block * blockSize)
      for byte in 0..<blockBytes {
        let pair = bytes[first + byte]
        target[place + 2 * byte] = table[Int(pair & 15)]
        target[place + 2 * byte + 1] = table[Int(pair >> 4)]
      }
    }
  }
}
