// Bytes written as characters. Comes in: bytes. Leaves: text in the alphabet of byte-level
// tokenizers, and back.

/// GPT-2's alphabet: every byte as one printable character, so that tokens can be written as text.
enum ByteAlphabet {
  /// The character of each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      let printsAsItself =
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      let value = printsAsItself ? byte : next
      if !printsAsItself { next += 1 }
      return Unicode.Scalar(value) ?? "\u{FFFD}"
    }
  }()

  private static let bytes: [UInt8?] = {
    var bytes = [UInt8?](repeating: nil, count: 0x180)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
    return bytes
  }()

  /// Bytes as they are written in this alphabet.
  static func encode(_ bytes: Span<UInt8>, into text: inout [UInt8]) {
    text.removeAll(keepingCapacity: true)
    let table = scalars
    for index in bytes.indices { Scalars.append(table[Int(bytes[index])], to: &text) }
  }

  /// The bytes that a token written in this alphabet stands for; nil where a character is not in it.
  static func decode(_ token: [UInt8]) -> [UInt8]? {
    var result: [UInt8] = []
    let table = bytes
    var index = 0
    while index < token.count {
      let scalar = Scalars.read(token.span, at: index)
      guard scalar.value < 0x180, let byte = table[Int(scalar.value)] else { return nil }
      result.append(byte)
      index += scalar.count
    }
    return result
  }
}
