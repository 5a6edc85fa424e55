// What rewrites text before it is cut. Comes in: valid UTF-8. Leaves: valid UTF-8.

@_spi(_Unicode) import Swift

/// A rewriting of text before it is cut.
enum Normalizer: Sendable, Equatable {
  /// Unicode normalization form C.
  case nfc

  /// Rewrites valid UTF-8; nil where nothing changes.
  func apply(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    switch self {
    case .nfc: FormC.apply(text)
    }
  }
}

/// Unicode normalization form C as Hugging Face's tokenizers apply it.
///
/// Their tables are those of Unicode 9: a character that came later is to them unassigned, so it
/// neither moves nor composes.
private enum FormC {
  private static let unicodeMajorVersion = 9

  static func apply(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    // U+0300, the first character that could change anything, begins with the byte 0xCC.
    var index = 0
    while index < text.count, text[index] < 0xCC { index += 1 }
    guard index < text.count else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count + 16)
    var done = 0
    while index < text.count {
      let scalar = Scalars.read(text, at: index)
      guard !isInert(scalar.value) else {
        index += scalar.count
        continue
      }
      // The run takes in the character before, which may compose with it.
      let start = index > done ? Scalars.start(text, before: index) : index
      var end = index
      while end < text.count {
        let next = Scalars.read(text, at: end)
        if isInert(next.value) { break }
        end += next.count
      }
      result.append(copying: text.extracting(done..<start))
      compose(text.extracting(start..<end), into: &result)
      (done, index) = (end, end)
    }
    result.append(copying: text.extracting(done..<text.count))
    return result
  }

  /// Whether a character stays as it is whatever stands before it.
  ///
  /// True only for common characters of which this is known; false is always safe.
  @inline(__always) private static func isInert(_ scalar: UInt32) -> Bool {
    if scalar < 0x300 { return true }
    switch scalar {
    case 0x391...0x3A1, 0x3A3...0x3CE, 0x400...0x482: return true  // Greek, Cyrillic
    case 0x2010...0x2027: return true  // dashes, quotation marks
    case 0x3041...0x3096, 0x30A1...0x30FA: return true  // kana
    case 0x4E00...0x9FD5, 0xAC00...0xD7A3: return true  // Han, Hangul syllables
    default: return false
    }
  }

  /// Composes a run, the stretches between characters that are too new one by one.
  private static func compose(_ run: Span<UInt8>, into result: inout [UInt8]) {
    var old = String.UnicodeScalarView()
    for scalar in String(decoding: [UInt8](copying: run), as: UTF8.self).unicodeScalars {
      if (scalar.properties.age?.major ?? .max) <= unicodeMajorVersion {
        append(scalar, to: &old)
      } else {
        for scalar in String(old)._nfc { Scalars.append(scalar, to: &result) }
        old = .init()
        Scalars.append(scalar, to: &result)
      }
    }
    for scalar in String(old)._nfc { Scalars.append(scalar, to: &result) }
  }

  /// The three starters that decompose into marks; the standard library does not sort those.
  private static func append(_ scalar: Unicode.Scalar, to text: inout String.UnicodeScalarView) {
    switch scalar.value {
    case 0x0F73: text += ["\u{0F71}", "\u{0F72}"]
    case 0x0F75: text += ["\u{0F71}", "\u{0F74}"]
    case 0x0F81: text += ["\u{0F71}", "\u{0F80}"]
    default: text.append(scalar)
    }
  }
}
