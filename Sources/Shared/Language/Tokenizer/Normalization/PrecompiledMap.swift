// SentencePiece's precompiled character map: replacements of short strings, found in a double-array
// trie. Comes in: the map of a tokenizer.json in base 64, then valid UTF-8. Leaves: valid UTF-8.

import Foundation

/// A precompiled character map.
struct PrecompiledMap: Sendable {
  /// The units of the trie: leaf flag, label and offset, or a leaf's value.
  private let units: [UInt32]
  /// Replacements, each ended by a zero byte.
  private let replacements: [UInt8]
  /// Whether a character of ASCII by itself stays as it is.
  private let isPlain: [Bool]

  /// Longer clusters are taken character by character.
  private static let longestCluster = 5

  init(_ component: TokenizerComponent) throws {
    let key = "precompiled_charsmap"
    guard let text = component.value[key]?.string, let data = Data(base64Encoded: text) else {
      throw component.wrongValue(key, expected: "a text in base 64")
    }
    let bytes = [UInt8](data)
    guard bytes.count >= 4 else { throw component.wrongValue(key, expected: "longer than 4 bytes") }
    func unit(_ index: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) }
    }
    let byteCount = Int(unit(0))
    guard byteCount % 4 == 0, byteCount <= bytes.count - 4 else {
      throw component.wrongValue(key, expected: "as long as its trie says")
    }
    units = (0..<byteCount / 4).map { unit(4 + 4 * $0) }
    replacements = Array(bytes[(4 + byteCount)...])
    guard UTF8.isValid(replacements) else {
      throw component.wrongValue(key, expected: "a map to UTF-8")
    }
    var isPlain = [Bool](repeating: false, count: 128)
    for byte in isPlain.indices {
      let character = [UInt8(byte)]
      isPlain[byte] =
        PrecompiledMap.replacement(character.span, units, replacements) == nil
    }
    self.isPlain = isPlain
  }

  func apply(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    var index = 0
    while index < text.count, isPlainAlone(text, index) { index += 1 }
    guard index < text.count else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count + 16)
    result.append(copying: text.extracting(0..<index))
    while index < text.count {
      if isPlainAlone(text, index) {
        result.append(text[index])
        index += 1
        continue
      }
      let end = stretchEnd(text, from: index)
      rewrite(text.extracting(index..<end), into: &result)
      index = end
    }
    return result
  }

  /// Whether a character of ASCII stays and forms no cluster with the next.
  @inline(__always)
  private func isPlainAlone(_ text: borrowing Span<UInt8>, _ index: Int) -> Bool {
    let byte = text[index]
    return byte < 0x80 && isPlain[Int(byte)] && byte != 0x0D
      && (index + 1 == text.count || text[index + 1] < 0x80)
  }

  /// The end of the stretch that starts here and has no other text in its clusters.
  private func stretchEnd(_ text: borrowing Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index + 1 < text.count {
      index += 1
      // Between two characters of ASCII, other than CR and LF, a cluster ends.
      if text[index - 1] < 0x80, text[index] < 0x80, text[index - 1] != 0x0D { return index }
    }
    return text.count
  }

  private func rewrite(_ stretch: Span<UInt8>, into result: inout [UInt8]) {
    let text = String(decoding: [UInt8](copying: stretch), as: UTF8.self)
    for cluster in text {
      let bytes = Array(cluster.utf8)
      if bytes.count <= PrecompiledMap.longestCluster, let whole = replacement(bytes.span) {
        result += replacements[whole]
        continue
      }
      for scalar in cluster.unicodeScalars {
        let character = Array(String(scalar).utf8)
        if let part = replacement(character.span) {
          result += replacements[part]
        } else {
          result += character
        }
      }
    }
  }

  private func replacement(_ text: Span<UInt8>) -> Range<Int>? {
    PrecompiledMap.replacement(text, units, replacements)
  }

  /// The replacement of the shortest start of a text that has one.
  private static func replacement(
    _ text: Span<UInt8>, _ units: [UInt32], _ replacements: [UInt8]
  ) -> Range<Int>? {
    guard !units.isEmpty else { return nil }
    var place = offset(units[0])
    for index in text.indices {
      let byte = text[index]
      if byte == 0 { return nil }
      place ^= Int(byte)
      guard place < units.count else { return nil }
      let unit = units[place]
      guard unit & 0x8000_00FF == UInt32(byte) else { return nil }
      place ^= offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      guard place < units.count else { return nil }
      let start = Int(units[place] & 0x7FFF_FFFF)
      guard start < replacements.count, replacements[start] & 0xC0 != 0x80 else { return nil }
      return start..<(replacements[start...].firstIndex(of: 0) ?? replacements.count)
    }
    return nil
  }

  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }
}
