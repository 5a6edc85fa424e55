// The normalizer of BERT: cleaning, spaces around Chinese characters, accents, case. Comes in: valid
// UTF-8. Leaves: valid UTF-8.

/// BERT's normalizer.
struct BertNormalizer: Sendable, Equatable {
  private let cleansText: Bool
  private let spacesChinese: Bool
  private let stripsAccents: Bool
  private let lowercases: Bool

  init(_ component: TokenizerComponent) {
    cleansText = component.value["clean_text"]?.bool ?? true
    spacesChinese = component.value["handle_chinese_chars"]?.bool ?? true
    lowercases = component.value["lowercase"]?.bool ?? true
    stripsAccents = component.value["strip_accents"]?.bool ?? lowercases
  }

  func apply(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    var result = rewrite(text)
    if stripsAccents {
      if let decomposed = UnicodeForm.d.apply(result.span) { result = decomposed }
      result = dropAccents(result)
    }
    if lowercases { result = Normalizer.lowercase.apply(result.span) ?? result }
    return result
  }

  /// The first two steps in one pass.
  private func rewrite(_ text: borrowing Span<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count + 16)
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte >= 0x20, byte < 0x7F {
        result.append(byte)
        index += 1
        continue
      }
      let (value, count) = Scalars.read(text, at: index)
      let character = text.extracting(index..<index + count)
      index += count
      if cleansText {
        if BertNormalizer.isRemoved(value) { continue }
        if CharacterClasses.shared[value] == CharacterClass.space {
          result.append(0x20)
          continue
        }
      }
      let isSpaced = spacesChinese && BertNormalizer.isChinese(value)
      if isSpaced { result.append(0x20) }
      result.append(copying: character)
      if isSpaced { result.append(0x20) }
    }
    return result
  }

  private func dropAccents(_ text: [UInt8]) -> [UInt8] {
    guard text.contains(where: { $0 >= 0x80 }) else { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    let span = text.span
    var index = 0
    while index < text.count {
      let (value, count) = Scalars.read(span, at: index)
      if value < 0x300 || !(Unicode.Scalar(value).map(UnicodeTables.isBertAccent) ?? false) {
        result.append(copying: span.extracting(index..<index + count))
      }
      index += count
    }
    return result
  }

  /// Null, the replacement character, and control, format and private characters other than tab and
  /// ends of lines.
  private static func isRemoved(_ value: UInt32) -> Bool {
    if value == 0 || value == 0xFFFD { return true }
    if value == 0x09 || value == 0x0A || value == 0x0D { return false }
    return Unicode.Scalar(value).map(UnicodeTables.isBertControl) ?? false
  }

  private static func isChinese(_ value: UInt32) -> Bool {
    switch value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
