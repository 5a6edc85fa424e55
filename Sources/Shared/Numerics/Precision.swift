// Conversion between float32 and the two half precisions, and between rows of float32 and of int8
// with a scale: rounded to nearest, ties to even. Half precisions keep NaN, and what is too large
// becomes infinite; a row of int8 cannot hold either, so its scale says NaN.
//
// The loops are plain, over pointers that were checked once, so that the compiler vectorises them
// also where the bytes are not aligned.

/// Conversions between float32 and float16, bfloat16 or int8.
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

  /// Rounds a row to whole multiples, -127 to 127, of the scale that it returns.
  ///
  /// The scale is the largest magnitude over 127; it is 0 where that is 0 in float32, and NaN where
  /// a number of the row is NaN or infinite. In both cases all multiples are 0.
  package static func narrow(_ row: Span<Float>, toInt8 target: inout MutableSpan<Int8>) -> Float {
    precondition(row.count == target.count, "counts differ")
    let largest = largestMagnitude(row)
    let scale = largest.isFinite ? largest / 127 : Float.nan
    guard scale > 0 else {
      for index in 0..<target.count { target[index] = 0 }
      return scale
    }
    for index in 0..<row.count { target[index] = int8(row[index] / scale) }
    return scale
  }

  /// The whole number next to a finite float32, ties to even, at most 127 from 0.
  @inline(__always) private static func int8(_ value: Float) -> Int8 {
    // Only a scale too small for full precision leaves a quotient well above 127.
    let bounded = value > 127 ? 127 : (value < -127 ? -127 : value)
    // Float32 numbers from 2²³ to 2²⁴ are the whole ones: the sum is rounded, and its lowest byte
    // is the result in two's complement.
    return Int8(truncatingIfNeeded: (bounded + 0x1.8p23).bitPattern)
  }

  /// The largest magnitude of a row; NaN where there is one.
  ///
  /// Patterns without their sign are in the order of magnitudes, NaN above infinity. A maximum of
  /// whole numbers is one that the compiler vectorises.
  private static func largestMagnitude(_ row: Span<Float>) -> Float {
    var largest: UInt32 = 0
    for index in 0..<row.count { largest = max(largest, row[index].bitPattern & 0x7FFF_FFFF) }
    return Float(bitPattern: largest)
  }

  /// Reads the float64 numbers in `bytes`, which need not be aligned, rounded to float32.
  package static func narrow(float64 bytes: RawSpan, into target: inout MutableSpan<Float>) {
    unsafe withPointers(bytes, 8, &target) { source, target, count in
      for index in 0..<count {
        unsafe target[index] = Float(
          source.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
      }
    }
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

  /// Reads the int8 numbers in `bytes`, each times `scale`.
  package static func widen(
    int8 bytes: RawSpan, scale: Float, into target: inout MutableSpan<Float>
  ) {
    unsafe withPointers(bytes, 1, &target) { source, target, count in
      for index in 0..<count {
        unsafe target[index] =
          Float(source.loadUnaligned(fromByteOffset: index, as: Int8.self)) * scale
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
