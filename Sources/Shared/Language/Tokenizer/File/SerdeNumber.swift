// Decimal numbers as serde_json reads them: digits as a whole number, times or divided by a power of
// ten, which rounds twice. Comes in: the text of a JSON number. Leaves: a Double; and the way back.

/// Numbers of a tokenizer.json, whose scores the reference reads in this way.
package enum SerdeNumber {
  private static let powers: [Double] = (0...308).map { Double("1e\($0)") ?? .infinity }

  /// The value of a JSON number; nil beyond the range of Double.
  package static func value(_ text: [UInt8]) -> Double? {
    var index = 0
    let isNegative = text.first == UInt8(ascii: "-")
    if isNegative { index = 1 }
    var significand: UInt64 = 0
    var exponent = 0
    var isFull = false
    var isFraction = false
    digits: while index < text.count {
      let byte = text[index]
      switch byte {
      case UInt8(ascii: "."): isFraction = true
      case 0x30...0x39:
        let (tens, overflows) = significand.multipliedReportingOverflow(by: 10)
        let (sum, carries) = tens.addingReportingOverflow(UInt64(byte - 0x30))
        // Digits that do not fit any more are left out.
        isFull = isFull || overflows || carries
        if !isFull { significand = sum }
        if isFull != isFraction { exponent += isFraction ? -1 : 1 }
      default: break digits
      }
      index += 1
    }
    guard let power = power(text[index...]) else { return significand == 0 ? 0 : nil }
    let value = scaled(Double(significand), by: exponent + power)
    guard value.isFinite else { return nil }
    return isNegative ? -value : value
  }

  /// The number behind `e`; 0 where there is none, nil where it is too great for any significand.
  private static func power(_ text: ArraySlice<UInt8>) -> Int? {
    guard !text.isEmpty else { return 0 }
    let digits = text.dropFirst()
    let power = Int(String(decoding: digits, as: UTF8.self))
    if let power, power.magnitude < 1 << 31 { return power }
    return digits.first == UInt8(ascii: "-") ? -1 << 31 : nil
  }

  private static func scaled(_ value: Double, by exponent: Int) -> Double {
    var (value, exponent) = (value, exponent)
    while value != 0, exponent < -308 {
      value /= 1e308
      exponent += 308
    }
    guard value != 0 else { return 0 }
    guard exponent <= 308 else { return .infinity }
    return exponent >= 0 ? value * powers[exponent] : value / powers[-exponent]
  }

  /// A decimal that is read as `value`; where none of 15 to 19 digits is, which two roundings make
  /// of a few in a thousand, the shortest that is near.
  package static func text(of value: Double) -> String {
    let shortest = "\(value)"
    let size = abs(value)
    if size == 0 || SerdeNumber.value(Array(shortest.utf8)) == value { return shortest }
    for exponent in -40...10 {
      let scaled = exponent < 0 ? size * powers[-exponent] : size / powers[exponent]
      guard scaled >= 1e14, scaled < 1e19 else { continue }
      var (above, below) = (scaled, scaled)
      for _ in 0..<4 {
        for near in [above, below] {
          let text = "\(value < 0 ? "-" : "")\(UInt64(near.rounded()))e\(exponent)"
          if SerdeNumber.value(Array(text.utf8)) == value { return text }
        }
        (above, below) = (above.nextUp, below.nextDown)
      }
    }
    return shortest
  }
}
