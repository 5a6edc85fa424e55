import Shared
import Support
import Testing

/// Conversions as the definitions read, one number at a time, in exact double arithmetic.
private enum NaivePrecision {
  /// The pattern of a format with `significandBits` that is nearest to a number; ties go to even.
  static func nearest(
    _ value: Float, exponentBits: Int, significandBits: Int, value decode: (UInt16) -> Double
  ) -> UInt16 {
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    let magnitude = Double(value.magnitude)
    let infinity = UInt16((1 << exponentBits) - 1) << UInt16(significandBits)
    // Patterns of positive numbers are in the order of their values: search the last one below.
    var low: UInt16 = 0
    var high = infinity
    while low < high {
      let middle = low + (high - low + 1) / 2
      if decode(middle) <= magnitude { low = middle } else { high = middle - 1 }
    }
    if low == infinity { return sign | infinity }
    // One step above the largest finite number stands where infinity is.
    let step = low + 1 == infinity ? decode(low) - decode(low - 1) : decode(low + 1) - decode(low)
    let below = magnitude - decode(low)
    let above = decode(low) + step - magnitude
    let roundsUp = below > above || (below == above && low & 1 == 1)
    return sign | (roundsUp ? low + 1 : low)
  }

  static func float16(_ value: Float) -> UInt16 {
    nearest(value, exponentBits: 5, significandBits: 10, value: decodeFloat16)
  }

  static func bfloat16(_ value: Float) -> UInt16 {
    nearest(value, exponentBits: 8, significandBits: 7, value: decodeBFloat16)
  }

  /// A positive float16 by its definition.
  static func decodeFloat16(_ bits: UInt16) -> Double {
    let exponent = Int(bits >> 10)
    let fraction = Double(bits & 0x3FF)
    if exponent == 31 { return .infinity }
    if exponent == 0 { return fraction * 0x1p-24 }
    return Double(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
  }

  /// A positive bfloat16 by its definition.
  static func decodeBFloat16(_ bits: UInt16) -> Double {
    let exponent = Int(bits >> 7)
    let fraction = Double(bits & 0x7F)
    if exponent == 255 { return .infinity }
    if exponent == 0 { return fraction * 0x1p-133 }
    return Double(sign: .plus, exponent: exponent - 134, significand: 128 + fraction)
  }
}

private func float16(_ values: [Float]) -> [UInt16] {
  var bits = [UInt16](repeating: 0xAAAA, count: values.count)
  var span = bits.mutableSpan
  Precision.narrow(values.span, toFloat16: &span)
  return bits
}

private func bfloat16(_ values: [Float]) -> [UInt16] {
  var bits = [UInt16](repeating: 0xAAAA, count: values.count)
  var span = bits.mutableSpan
  Precision.narrow(values.span, toBFloat16: &span)
  return bits
}

private func floats(float16 bits: [UInt16]) -> [Float] {
  var values = [Float](repeating: 0, count: bits.count)
  var span = values.mutableSpan
  Precision.widen(float16: bits.span.raw, into: &span)
  return values
}

private func floats(bfloat16 bits: [UInt16]) -> [Float] {
  var values = [Float](repeating: 0, count: bits.count)
  var span = values.mutableSpan
  Precision.widen(bfloat16: bits.span.raw, into: &span)
  return values
}

private func int8(_ values: [Float]) -> (scale: Float, numbers: [Int8]) {
  var numbers = [Int8](repeating: 0x55, count: values.count)
  var span = numbers.mutableSpan
  let scale = Precision.narrow(values.span, toInt8: &span)
  return (scale, numbers)
}

private let everyPattern = (0...UInt16.max).map { $0 }

/// Numbers at, just below and just above the middle between two neighbors, and random ones.
private func probes(between patterns: [Float]) -> [Float] {
  var values: [Float] = [0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, 0x1p-149]
  for (low, high) in zip(patterns, patterns.dropFirst()) where high.isFinite {
    let middle = Float((Double(low) + Double(high)) / 2)
    values += [low, middle, middle.nextUp, -middle, -middle.nextDown]
  }
  let random = Random(seed: 7, stream: "floats")
  for index in 0..<20_000 {
    let value = Float(bitPattern: UInt32(truncatingIfNeeded: random[index]))
    if !value.isNaN { values.append(value) }
  }
  return values
}

@Suite struct PrecisionTests {
  @Test("Every float16 pattern widens to its value and narrows back to itself")
  func everyFloat16() {
    let values = floats(float16: everyPattern)
    let back = float16(values)
    for (pattern, value) in zip(everyPattern, values) {
      let magnitude = pattern & 0x7FFF
      if magnitude > 0x7C00 {
        #expect(value.isNaN && Float16(bitPattern: back[Int(pattern)]).isNaN)
        continue
      }
      let expected = NaivePrecision.decodeFloat16(magnitude)
      let isRight =
        Double(value.magnitude) == expected && back[Int(pattern)] == pattern
        && (value.sign == .minus) == (pattern >= 0x8000)
      if !isRight { Issue.record("pattern \(pattern) gives \(value)") }
    }
  }

  @Test("Every bfloat16 pattern widens to its value and narrows back to itself")
  func everyBFloat16() {
    let values = floats(bfloat16: everyPattern)
    let back = bfloat16(values)
    for (pattern, value) in zip(everyPattern, values) {
      let magnitude = pattern & 0x7FFF
      if magnitude > 0x7F80 {
        #expect(value.isNaN && Precision.float(bfloat16: back[Int(pattern)]).isNaN)
        continue
      }
      let expected = NaivePrecision.decodeBFloat16(magnitude)
      let isRight =
        Double(value.magnitude) == expected && back[Int(pattern)] == pattern
        && (value.sign == .minus) == (pattern >= 0x8000)
      if !isRight { Issue.record("pattern \(pattern) gives \(value)") }
    }
  }

  @Test("Narrowing to float16 goes to the nearest, ties to even")
  func roundsFloat16() {
    let values = probes(between: floats(float16: Array(everyPattern[0..<0x7C00])))
    for (value, bits) in zip(values, float16(values))
    where bits != NaivePrecision.float16(value) {
      Issue.record("\(value) gives \(bits) instead of \(NaivePrecision.float16(value))")
    }
    #expect(float16([65519.996, 65520, -65520, 1e9]) == [0x7BFF, 0x7C00, 0xFC00, 0x7C00])
    #expect(float16([0x1p-25, 0x1.000002p-25, 0x1p-24, 0x1.8p-24]) == [0, 1, 1, 2])
  }

  @Test("Narrowing to bfloat16 goes to the nearest, ties to even")
  func roundsBFloat16() {
    let values = probes(between: floats(bfloat16: Array(everyPattern[0..<0x7F80])))
    for (value, bits) in zip(values, bfloat16(values))
    where bits != NaivePrecision.bfloat16(value) {
      Issue.record("\(value) gives \(bits) instead of \(NaivePrecision.bfloat16(value))")
    }
    #expect(
      bfloat16([.greatestFiniteMagnitude, 1.00390625, 1.01171875]) == [0x7F80, 0x3F80, 0x3F82])
  }

  @Test("NaN stays NaN with its sign, whatever its payload")
  func keepsNaN() {
    let patterns: [UInt32] = [0x7F80_0001, 0x7FC0_0000, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_FFFF]
    let values = patterns.map { Float(bitPattern: $0) }
    for (bits, half) in zip(bfloat16(values), float16(values)) {
      #expect(Precision.float(bfloat16: bits).isNaN)
      #expect(Float16(bitPattern: half).isNaN)
    }
    #expect(bfloat16(values).map { $0 >> 15 } == [0, 0, 0, 1, 1])
  }

  @Test("A row of int8 is rounded to the nearest multiples of its scale, ties to even")
  func roundsInt8() {
    let random = Random(seed: 8, stream: "floats")
    for width in [1, 2, 7, 64, 101] {
      let factor = Float(random.normal(width))
      let values = (0..<width).map { Float(random.normal(1000 * width + $0)) * factor }
      let (scale, numbers) = int8(values)
      #expect(scale == (values.map(\.magnitude).max() ?? 0) / 127)
      for (value, number) in zip(values, numbers) {
        #expect(number == Int8((value / scale).rounded(.toNearestOrEven)))
      }
    }
    // 127 makes the scale 1, so that halves are ties.
    let ties: [Float] = [-127, 0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 125.5, 0.49999997, -0.0]
    #expect(int8(ties).scale == 1)
    #expect(int8(ties).numbers == [-127, 0, 2, 2, 0, -2, 126, 126, 0, 0])
  }

  @Test("A row that int8 cannot hold has zeros, and a scale that says so")
  func scalesWithoutNumbers() {
    for values: [Float] in [[1, .nan, 2], [.infinity, 1, 0], [0, -.infinity, .nan]] {
      let (scale, numbers) = int8(values)
      #expect(scale.isNaN && numbers == [0, 0, 0])
    }
    #expect(int8([0, -0.0]) == (0, [0, 0]))
    #expect(int8([]) == (0, []))
    // The scale is 0 or has no precision left: nothing overflows.
    #expect(int8([0x1p-149, -0x1p-149]) == (0, [0, 0]))
    #expect(int8([0x1.64p-142, -0x1p-149]) == (0x1p-149, [127, -1]))
    #expect(int8([-.greatestFiniteMagnitude, 1]).numbers == [-127, 0])
  }

  @Test("Bytes at odd addresses are read like aligned ones", arguments: 0..<4)
  func unaligned(_ shift: Int) {
    let values: [Float] = (0..<37).map { Float($0) * 1.5 - 7 }
    func shifted(_ bytes: [UInt8]) -> [UInt8] { [UInt8](repeating: 0xEE, count: shift) + bytes }
    func check(
      _ bytes: [UInt8], _ widen: (RawSpan, inout MutableSpan<Float>) -> Void, _ name: String
    ) {
      let all = shifted(bytes)
      var target = [Float](repeating: 0, count: values.count)
      var span = target.mutableSpan
      widen(all.span.raw.extracting(shift..<all.count), &span)
      #expect(target == values, "\(name)")
    }
    let halves = float16(values)
    let brains = bfloat16(values)
    check(values.flatMap { littleEndian($0.bitPattern) }, Precision.widen(float32:into:), "F32")
    check(halves.flatMap { littleEndian($0) }, Precision.widen(float16:into:), "F16")
    check(brains.flatMap { littleEndian($0) }, Precision.widen(bfloat16:into:), "BF16")
    let whole = values.map { UInt8(bitPattern: Int8($0 * 2)) }
    check(whole, { Precision.widen(int8: $0, scale: 0.5, into: &$1) }, "I8")
  }

  private func littleEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
