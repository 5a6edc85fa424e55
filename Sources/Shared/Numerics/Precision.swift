// Conversion between float32 and the two half precisions: rounded to nearest, ties to even; NaN
// stays NaN, and what is too large becomes infinite.
//
// The loops are plain, over pointers that were checked once, so that the compiler vectorises them
// also where the bytes are not aligned.

/// Conversions between float32 and float16 or bfloat16.
package enum Precision {
  /// The bfloat16 next to a float32.
  @inline(__always) package static func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let rounded = bits &+ 0x7FFF &+ (bits >> 16 & 1)
    // Rounding could carry the payload of a NaN into infinity; a quiet NaN keeps its upper bits.
    let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
    return UInt16(truncatingIfNeeded: (isNaN ? bits | 0x40_0000 : rounded) >> 16)
  }

  /// The value of a bfloat16.
  @inline(__always) package static func float(bfloat16 bits: UInt16) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
  }

  /// Rounds each number to float16.
  package static func narrow(_ source: Span<Float>, toFloat16 target: inout MutableSpan<UInt16>) {
    precondition(source.count == target.count, "counts differ")
    for index in 0..<source.count { target[index] = Float16(source[index]).bitPattern }
  }

  /// Rounds each number to bfloat16.
  package static func narrow(_ source: Span<Float>, toBFloat16 target: inout MutableSpan<UInt16>) {
    precondition(source.count == target.count, "counts differ")
    for index in 0..<source.count { target[index] = bfloat16(source[index]) }
  }

  /// Copies the float32 numbers in `bytes`, which need not be aligned.
  package static func widen(float32 bytes: RawSpan, into target: inout MutableSpan<Float>) {
    unsafe withPointers(bytes, 4, &target) { source, target, count in
      unsafe UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
    }
  }

  /// Reads the float16 numbers in `bytes`, which need not be aligned.
  package static func widen(float16 bytes: RawSpan, into target: inout MutableSpan<Float>) {
    unsafe withPointers(bytes, 2, &target) { source, target, count in
      for index in 0..<count {
        unsafe target[index] = Float(
          Float16(bitPattern: source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
      }
    }
  }

  /// Reads the bfloat16 numbers in `bytes`, which need not be aligned.
  package static func widen(bfloat16 bytes: RawSpan, into target: inout MutableSpan<Float>) {
    unsafe withPointers(bytes, 2, &target) { source, target, count in
      for index in 0..<count {
        unsafe target[index] = float(
          bfloat16: source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
      }
    }
  }

  @inline(__always) private static func withPointers(
    _ bytes: RawSpan, _ size: Int, _ target: inout MutableSpan<Float>,
    _ body: (UnsafeRawPointer, UnsafeMutablePointer<Float>, Int) -> Void
  ) {
    precondition(bytes.byteCount == target.count * size, "sizes differ")
    unsafe bytes.withUnsafeBytes { source in
      unsafe target.withUnsafeMutableBufferPointer { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        unsafe body(from, to, target.count)
      }
    }
  }
}
