// Split patterns as their definitions read: over characters, alternative by alternative, giving back
// one character at a time.

import Shared

/// The split patterns that are compiled by hand.
package enum NaivePattern: Sendable {
  case gpt2
  /// `Digits`, each alone, before GPT-2's.
  case digitsAndGPT2
  case cl100k(numberLimit: Int, marksInWords: Bool)
  case o200k(numberLimit: Int, keepsContractions: Bool)

  package func pieces(_ text: String) -> [String] {
    let scalars = Array(text.unicodeScalars)
    guard case .digitsAndGPT2 = self else { return pieces(scalars) }
    var result: [String] = []
    var segment: [Unicode.Scalar] = []
    for scalar in scalars {
      guard isNumeric(scalar) else {
        segment.append(scalar)
        continue
      }
      result += pieces(segment) + [String(scalar)]
      segment = []
    }
    return result + pieces(segment)
  }

  private func pieces(_ scalars: [Unicode.Scalar]) -> [String] {
    let alternatives = alternatives
    var pieces: [String] = []
    var start = 0
    while start < scalars.count {
      let end = alternatives.lazy.compactMap { $0.match(scalars, start) }.first ?? start + 1
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[start..<end])
      pieces.append(String(view))
      start = end
    }
    return pieces
  }

  private static let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]

  private var alternatives: [Alternative] {
    let spaces = [
      Alternative([.many(isSpace)], isBeforeSpace: true), Alternative([.many(isSpace)]),
    ]
    let lines = [Alternative([.any(isSpace), .many(isLine)])]
    let space = Part.run({ $0 == " " }, 0...1)
    let before = Part.run({ !isLine($0) && !isLetter($0) && !isNumber($0) }, 0...1)
    switch self {
    case .gpt2, .digitsAndGPT2:
      let words = [Part.many(isLetter), .many(isNumber), .many(isPlain)].map {
        Alternative([space, $0])
      }
      return NaivePattern.contractions.map { Alternative([.text($0)]) } + words + spaces
    case .cl100k(let limit, let marksInWords):
      func isWord(_ scalar: Unicode.Scalar) -> Bool {
        isLetter(scalar) || marksInWords && isMark(scalar)
      }
      func isSymbol(_ scalar: Unicode.Scalar) -> Bool { isPlain(scalar) && !isWord(scalar) }
      let own = [
        Alternative([before, .many(isWord)]), Alternative([.run(isNumber, 1...limit)]),
        Alternative([space, .many(isSymbol), .any(isLine)]),
      ]
      return NaivePattern.contractions.map { Alternative([.folded($0)]) } + own + lines + spaces
    case .o200k(let limit, let keepsContractions):
      func isLineOrSlash(_ scalar: Unicode.Scalar) -> Bool { isLine(scalar) || scalar == "/" }
      let endings = keepsContractions ? NaivePattern.contractions : []
      let own = [
        Alternative([before, .any(isUpper), .many(isLower)], endings: endings),
        Alternative([before, .many(isUpper), .any(isLower)], endings: endings),
        Alternative([.run(isNumber, 1...limit)]),
        Alternative([space, .many(isPlain), .any(isLineOrSlash)]),
      ]
      return own + lines + spaces
    }
  }
}

/// Parts that follow each other.
private struct Alternative {
  let parts: [Part]
  /// One of these may follow, in whatever case.
  let endings: [String]
  /// Whether `(?!\S)` is its end.
  let isBeforeSpace: Bool

  init(_ parts: [Part], endings: [String] = [], isBeforeSpace: Bool = false) {
    self.parts = parts
    self.endings = endings
    self.isBeforeSpace = isBeforeSpace
  }

  func match(_ text: [Unicode.Scalar], _ start: Int) -> Int? { match(text, start, parts[...]) }

  private func match(_ text: [Unicode.Scalar], _ start: Int, _ parts: ArraySlice<Part>) -> Int? {
    guard let part = parts.first else {
      if isBeforeSpace, start < text.count, !isSpace(text[start]) { return nil }
      for ending in endings {
        if let end = Part.folded(ending).ends(text, start).first { return end }
      }
      return start
    }
    for end in part.ends(text, start) {
      if let found = match(text, end, parts.dropFirst()) { return found }
    }
    return nil
  }
}

/// A part of an alternative.
private enum Part {
  case text(String)
  /// In whatever case.
  case folded(String)
  case run((Unicode.Scalar) -> Bool, ClosedRange<Int>)

  static func any(_ isMember: @escaping (Unicode.Scalar) -> Bool) -> Part {
    .run(isMember, 0...Int.max)
  }

  static func many(_ isMember: @escaping (Unicode.Scalar) -> Bool) -> Part {
    .run(isMember, 1...Int.max)
  }

  /// Where it can end, the longest first.
  func ends(_ text: [Unicode.Scalar], _ start: Int) -> [Int] {
    switch self {
    case .text(let wanted):
      let scalars = Array(wanted.unicodeScalars)
      return text[start...].starts(with: scalars) ? [start + scalars.count] : []
    case .folded(let wanted):
      let scalars = Array(wanted.unicodeScalars)
      let found = text[start...].prefix(scalars.count).map { scalar in
        scalar == "\u{17F}" ? "s" : scalar.isASCII ? String(scalar).lowercased() : String(scalar)
      }
      return found == scalars.map { String($0) } ? [start + scalars.count] : []
    case .run(let isMember, let counts):
      var end = start
      while end < text.count, end - start < counts.upperBound, isMember(text[end]) { end += 1 }
      guard end - start >= counts.lowerBound else { return [] }
      return (start + counts.lowerBound...end).reversed()
    }
  }
}

private func category(_ scalar: Unicode.Scalar) -> Unicode.GeneralCategory {
  let isKnown = (scalar.properties.age?.major ?? 99) <= 16
  return isKnown ? scalar.properties.generalCategory : .unassigned
}

private func isNumeric(_ scalar: Unicode.Scalar) -> Bool {
  [.decimalNumber, .letterNumber, .otherNumber].contains(scalar.properties.generalCategory)
    && (scalar.properties.age?.major ?? 99) <= 17
}

private func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

private func isLine(_ scalar: Unicode.Scalar) -> Bool { scalar == "\r" || scalar == "\n" }

private func isNumber(_ scalar: Unicode.Scalar) -> Bool {
  [.decimalNumber, .letterNumber, .otherNumber].contains(category(scalar))
}

private func isMark(_ scalar: Unicode.Scalar) -> Bool {
  [.nonspacingMark, .spacingMark, .enclosingMark].contains(category(scalar))
}

private func isUncased(_ scalar: Unicode.Scalar) -> Bool {
  [.modifierLetter, .otherLetter].contains(category(scalar)) && scalar != "\u{295}"
    || isMark(scalar)
}

private func isUpper(_ scalar: Unicode.Scalar) -> Bool {
  [.uppercaseLetter, .titlecaseLetter].contains(category(scalar)) || isUncased(scalar)
}

private func isLower(_ scalar: Unicode.Scalar) -> Bool {
  category(scalar) == .lowercaseLetter || scalar == "\u{295}" || isUncased(scalar)
}

private func isLetter(_ scalar: Unicode.Scalar) -> Bool {
  (isUpper(scalar) || isLower(scalar)) && !isMark(scalar)
}

private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
  !isSpace(scalar) && !isLetter(scalar) && !isNumber(scalar)
}
