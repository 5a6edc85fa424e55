// The tokenizer as its definitions read: the split pattern over characters, and merging by looking
// through all rules again for every merge.

import Foundation
import Shared

/// GPT-2's split pattern, alternative by alternative.
package enum NaivePattern {
  private enum Kind { case letter, number, space, other }

  private static func kind(_ scalar: Unicode.Scalar) -> Kind {
    let known = (scalar.properties.age?.major ?? 99) <= 16
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return known ? .letter : .other
    case .decimalNumber, .letterNumber, .otherNumber: return known ? .number : .other
    default: return scalar.properties.isWhitespace ? .space : .other
    }
  }

  package static func pieces(_ text: String) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var pieces: [String] = []
    var start = 0
    while start < scalars.count {
      let end = matchEnd(scalars, start)
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[start..<end])
      pieces.append(String(view))
      start = end
    }
    return pieces
  }

  private static func matchEnd(_ text: [Unicode.Scalar], _ start: Int) -> Int {
    for word in ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"] {
      let scalars = Array(word.unicodeScalars)
      if text[start...].starts(with: scalars) { return start + scalars.count }
    }
    func run(_ wanted: Kind, from index: Int) -> Int {
      var end = index
      while end < text.count, kind(text[end]) == wanted { end += 1 }
      return end
    }
    for wanted in [Kind.letter, .number, .other] {
      let body = text[start] == " " ? start + 1 : start
      let end = run(wanted, from: body)
      if end > body { return end }
    }
    let end = run(.space, from: start)
    return end == text.count || end == start + 1 ? end : end - 1
  }
}

/// Byte-pair merging by the rules of a tokenizer.json.
package struct NaiveMerging {
  private let ranks: [[String]: Int]
  private let ids: [String: Int]
  private let alphabet: [UInt8: String]

  package init(_ path: String) throws {
    let file = try JSON(parsing: try MappedFile.contents(path))
    ids = (file["model"]?["vocab"]?.object ?? [:]).compactMapValues(\.integer)
    let merges = (file["model"]?["merges"]?.array ?? []).map {
      ($0.array ?? []).compactMap(\.string)
    }
    ranks = Dictionary(
      uniqueKeysWithValues: merges.enumerated().map { ($0.element, $0.offset) })
    alphabet = Dictionary(
      uniqueKeysWithValues: (UInt8(0x21)...0x7E).map { ($0, String(Unicode.Scalar($0))) })
  }

  /// The ids of one piece of printable ASCII.
  package func encode(_ piece: String) -> [UInt32] {
    var parts = piece.utf8.compactMap { alphabet[$0] }
    while let best = parts.indices.dropLast().filter({ ranks[[parts[$0], parts[$0 + 1]]] != nil })
      .min(by: {
        (ranks[[parts[$0], parts[$0 + 1]]] ?? 0, $0) < (ranks[[parts[$1], parts[$1 + 1]]] ?? 0, $1)
      })
    {
      parts.replaceSubrange(best...best + 1, with: [parts[best] + parts[best + 1]])
    }
    return parts.compactMap { ids[$0].map { UInt32($0) } }
  }
}
