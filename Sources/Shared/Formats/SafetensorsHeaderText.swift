// The JSON of a safetensors header, read strictly: one object of tensors, with metadata of strings
// under "__metadata__". Unlike a general JSON reader it refuses a name that occurs twice.

/// A cursor over the text of a header.
struct HeaderText {
  private let bytes: [UInt8]
  private let path: String
  private var position = 0

  init(bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  /// Reads the whole text.
  mutating func readHeader() throws(SafetensorsError) -> (
    tensors: [TensorDeclaration], metadata: [String: String]
  ) {
    var tensors: [TensorDeclaration] = []
    var metadata: [String: String]?
    guard bytes.first == UInt8(ascii: "{") else { throw malformed("“{”") }
    try readObject { (text, name) throws(SafetensorsError) in
      if name == "__metadata__" {
        guard metadata == nil else { throw text.malformed("__metadata__ only once") }
        metadata = try text.readMetadata()
      } else {
        tensors.append(try text.readTensor(name))
      }
    }
    skipSpace()
    guard position == bytes.count else { throw malformed("nothing but spaces") }
    return (tensors, metadata ?? [:])
  }

  private mutating func readMetadata() throws(SafetensorsError) -> [String: String] {
    var metadata: [String: String] = [:]
    try readObject { (text, key) throws(SafetensorsError) in
      let value = try text.readString()
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw text.malformed("the metadata key \(key) only once")
      }
    }
    return metadata
  }

  private mutating func readTensor(_ name: String) throws(SafetensorsError) -> TensorDeclaration {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try readObject { (text, key) throws(SafetensorsError) in
      switch key {
      case "dtype" where type == nil: type = try text.readString()
      case "shape" where shape == nil: shape = try text.readIntegers()
      case "data_offsets" where offsets == nil: offsets = try text.readIntegers()
      default: throw text.malformed("dtype, shape and data_offsets of \(name), each once")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw malformed("dtype, shape and two data_offsets of \(name)")
    }
    return TensorDeclaration(
      name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
  }
}

// MARK: - The grammar

extension HeaderText {
  private func malformed(_ expected: String) -> SafetensorsError {
    .malformedHeader(path: path, offset: 8 + position, expected: expected)
  }

  /// The next byte, or 0 at the end; no token starts with 0.
  private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

  private mutating func skipSpace() {
    while next == 0x20 || next == 0x0A || next == 0x0D || next == 0x09 { position += 1 }
  }

  /// Skips spaces and one byte, where it comes next.
  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
    guard skip(character) else { throw malformed("“\(character)”") }
  }

  /// Reads an object; `readValue` reads the value of each key.
  private mutating func readObject(
    _ readValue: (inout HeaderText, String) throws(SafetensorsError) -> Void
  ) throws(SafetensorsError) {
    try expect("{")
    if skip("}") { return }
    repeat {
      let key = try readString()
      try expect(":")
      try readValue(&self, key)
    } while skip(",")
    try expect("}")
  }

  private mutating func readIntegers() throws(SafetensorsError) -> [Int] {
    try expect("[")
    var values: [Int] = []
    if skip("]") { return values }
    repeat { values.append(try readInteger()) } while skip(",")
    try expect("]")
    return values
  }

  /// Reads a whole number that is not negative.
  private mutating func readInteger() throws(SafetensorsError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while next >= 0x30 && next <= 0x39 {
      let (tens, first) = value.multipliedReportingOverflow(by: 10)
      let (sum, second) = tens.addingReportingOverflow(Int(next - 0x30))
      guard !first && !second else { throw malformed("a number below 2^63") }
      value = sum
      position += 1
    }
    let hasLeadingZero = position - start > 1 && bytes[start] == 0x30
    guard position > start, !hasLeadingZero, next != UInt8(ascii: "."), next | 0x20 != 0x65 else {
      throw malformed("a whole number that is not negative")
    }
    return value
  }

  private mutating func readString() throws(SafetensorsError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while next != UInt8(ascii: "\"") {
      guard next >= 0x20 else { throw malformed("the end of a string") }
      if next == UInt8(ascii: "\\") {
        position += 1
        text += try readEscape()
      } else {
        text.append(next)
        position += 1
      }
    }
    position += 1
    guard let string = String(validating: text, as: UTF8.self) else {
      throw malformed("a string in UTF-8")
    }
    return string
  }

  /// Reads what follows a backslash.
  private mutating func readEscape() throws(SafetensorsError) -> [UInt8] {
    let letter = next
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [letter]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return Array(String(Character(try readScalar())).utf8)
    default:
      position -= 1
      throw malformed("an escape of JSON")
    }
  }

  /// Reads the digits after `\u`, and its partner where it is the first half of a pair.
  private mutating func readScalar() throws(SafetensorsError) -> Unicode.Scalar {
    var code = try readFourDigits()
    if code >= 0xD800 && code < 0xDC00, next == UInt8(ascii: "\\") {
      position += 1
      guard next == UInt8(ascii: "u") else { throw malformed("the second half of a pair") }
      position += 1
      let low = try readFourDigits()
      guard low >= 0xDC00 && low < 0xE000 else { throw malformed("the second half of a pair") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw malformed("a whole pair of escapes") }
    return scalar
  }

  private mutating func readFourDigits() throws(SafetensorsError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(next)).hexDigitValue else {
        throw malformed("four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
