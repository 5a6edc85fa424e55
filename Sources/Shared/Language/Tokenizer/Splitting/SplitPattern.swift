// The split patterns that are compiled by hand, and how they are known again in a tokenizer file.

/// A split pattern whose pieces tile every text.
package protocol CompiledPattern: Sendable {
  /// Where the piece that starts at `start` ends, in valid UTF-8 that ends at `end`; behind `start`.
  func pieceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int
}

/// A split pattern that is compiled by hand; switch over it once, outside the loop over pieces.
package enum SplitPattern: Sendable {
  case gpt2(GPT2Pattern)
  case cl100k(CL100KPattern)
  case o200k(O200KPattern)

  /// The pattern for a regular expression; nil where there is none.
  init?(_ expression: String) {
    guard let pattern = SplitPattern.known[expression] else { return nil }
    self = pattern
  }

  private static let words = #"\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+"#
  private static let spaces = #"|\s+(?!\S)|\s+"#
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let shortContractions = "(?i:[sdmt]|ll|ve|re)"

  private static let known: [String: SplitPattern] = {
    var known: [String: SplitPattern] = [
      "'s|'t|'re|'ve|'m|'ll|'d| ?" + words + spaces: .gpt2(GPT2Pattern()),
      "'(?:[sdmt]|ll|ve|re)| ?" + words + spaces: .gpt2(GPT2Pattern()),
    ]
    for (numbers, limit) in [(#"\p{N}"#, 1), (#"\p{N}{1,3}"#, 3), (#"\p{N}{1,2}"#, 2)] {
      let rest = #"|\s*[\r\n]+"# + spaces
      for contraction in [contractions, "'" + shortContractions] {
        let start = contraction + #"|[^\r\n\p{L}\p{N}]?"#
        known[start + #"\p{L}+|"# + numbers + #"| ?[^\s\p{L}\p{N}]+[\r\n]*"# + rest] =
          .cl100k(CL100KPattern(numberLimit: limit))
        known[start + #"[\p{L}\p{M}]+|"# + numbers + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"# + rest] =
          .cl100k(CL100KPattern(numberLimit: limit, marks: .inWords))
      }
      for ending in ["", contractions + "?"] {
        let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
        let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
        let before = #"[^\r\n\p{L}\p{N}]?"#
        let first = before + upper + "*" + lower + "+" + ending + "|"
        let second = before + upper + "+" + lower + "*" + ending + "|"
        known[first + second + numbers + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + rest] =
          .o200k(O200KPattern(numberLimit: limit, contractions: ending.isEmpty ? .cut : .kept))
      }
    }
    return known
  }()
}

extension SplitPattern: CompiledPattern {
  @inline(__always)
  package func pieceEnd(_ text: borrowing Span<UInt8>, from start: Int, to end: Int) -> Int {
    switch self {
    case .gpt2(let pattern): pattern.pieceEnd(text, from: start, to: end)
    case .cl100k(let pattern): pattern.pieceEnd(text, from: start, to: end)
    case .o200k(let pattern): pattern.pieceEnd(text, from: start, to: end)
    }
  }
}
