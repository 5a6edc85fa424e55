// The four normalization forms of Unicode as Hugging Face's tokenizers apply them. Comes in: valid
// UTF-8. Leaves: valid UTF-8.

import Foundation
@_spi(_Unicode) import Swift

/// A normalization form.
///
/// The tables are those of Unicode 9: a character that came later is to them unassigned, so it
/// neither moves nor composes.
enum UnicodeForm: Sendable {
  case c, d, kc, kd

  private static let unicodeMajorVersion = 9

  private var isCompatible: Bool { self == .kc || self == .kd }
  private var composes: Bool { self == .c || self == .kc }

  /// Rewrites valid UTF-8; nil where nothing changes.
  func apply(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    // The first byte of the first character that could change anything: U+0300 begins with CC,
    // U+00C0 with C3, U+00A0 with C2.
    let first: UInt8 = self == .c ? 0xCC : self == .d ? 0xC3 : 0xC2
    var index = 0
    while index < text.count, text[index] < first { index += 1 }
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
      rewrite(text.extracting(start..<end), into: &result)
      (done, index) = (end, end)
    }
    result.append(copying: text.extracting(done..<text.count))
    return result
  }

  /// Whether a character stays as it is whatever stands before it.
  ///
  /// True only for common characters of which this is known; false is always safe.
  @inline(__always) private func isInert(_ scalar: UInt32) -> Bool {
    if scalar < 0xA0 { return true }
    if 0x4E00...0x9FD5 ~= scalar { return true }  // Han
    switch self {
    case .d: return scalar < 0xC0
    case .kd: return false
    case .kc: return 0xAC00...0xD7A3 ~= scalar
    case .c:
      switch scalar {
      case 0xA0...0x2FF: return true
      case 0x391...0x3A1, 0x3A3...0x3CE, 0x400...0x482: return true  // Greek, Cyrillic
      case 0x2010...0x2027: return true  // dashes, quotation marks
      case 0x3041...0x3096, 0x30A1...0x30FA: return true  // kana
      case 0xAC00...0xD7A3: return true  // Hangul syllables
      default: return false
      }
    }
  }

  /// Rewrites a run, the stretches between characters that are too new one by one.
  private func rewrite(_ run: Span<UInt8>, into result: inout [UInt8]) {
    var old = String.UnicodeScalarView()
    for scalar in String(decoding: [UInt8](copying: run), as: UTF8.self).unicodeScalars {
      if (scalar.properties.age?.major ?? .max) <= UnicodeForm.unicodeMajorVersion {
        append(scalar, to: &old)
      } else {
        flush(&old, into: &result)
        Scalars.append(scalar, to: &result)
      }
    }
    flush(&old, into: &result)
  }

  private func flush(_ text: inout String.UnicodeScalarView, into result: inout [UInt8]) {
    if composes {
      for scalar in String(text)._nfc { Scalars.append(scalar, to: &result) }
    } else {
      for scalar in String(text)._nfd { Scalars.append(scalar, to: &result) }
    }
    text = .init()
  }

  private func append(_ scalar: Unicode.Scalar, to text: inout String.UnicodeScalarView) {
    switch scalar.value {
    // The three starters that decompose into marks; the standard library does not sort those.
    case 0x0F73: text += ["\u{0F71}", "\u{0F72}"]
    case 0x0F75: text += ["\u{0F71}", "\u{0F74}"]
    case 0x0F81: text += ["\u{0F71}", "\u{0F80}"]
    default:
      if isCompatible, let parts = UnicodeForm.compatible[scalar] {
        text += parts
      } else {
        text.append(scalar)
      }
    }
  }

  /// What characters decompose to for compatibility, where that is not their canonical
  /// decomposition.
  private static let compatible: [Unicode.Scalar: [Unicode.Scalar]] = {
    // All that have one are in these blocks.
    let blocks: [ClosedRange<UInt32>] = [
      0xA0...0x33FF, 0xA690...0xAB70, 0xF900...0xFFFF, 0x1D400...0x1D7FF, 0x1EE00...0x1EEFF,
      0x1F100...0x1F2FF, 0x2F800...0x2FA1F,
    ]
    var table: [Unicode.Scalar: [Unicode.Scalar]] = [:]
    for scalar in blocks.joined().compactMap({ Unicode.Scalar($0) })
    where (scalar.properties.age?.major ?? .max) <= unicodeMajorVersion {
      let text = String(scalar)
      let parts = Array(text.decomposedStringWithCompatibilityMapping.unicodeScalars)
      if parts != Array(text._nfd) { table[scalar] = parts }
    }
    return table
  }()
}
