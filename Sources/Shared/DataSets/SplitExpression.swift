// What `split` asks for: splits and slices of them, such as `train[:80%]+test[100:]`. Comes in: the
// text. Leaves: which rows of which splits, by the rules of Hugging Face's datasets (ReadInstruction).

/// Some rows of a split.
package struct SplitSlice: Sendable, Equatable {
  /// How a share becomes a number of rows.
  enum Rounding: String, Sendable {
    case closest
    /// Whole rows per percent, so that what is left over is dropped.
    case droppingRemainder = "pct1_dropremainder"
  }

  enum Unit: Sendable, Equatable {
    case rows
    case percent(Rounding)
  }

  let from: Int?
  let to: Int?
  let unit: Unit

  /// The rows that are meant of a split of `count`.
  package func rows(of count: Int) throws(DataError) -> Range<Int> {
    let first = try place(from, count) ?? 0
    let end = try place(to, count) ?? count
    func bounded(_ place: Int) -> Int { min(place < 0 ? max(count + place, 0) : place, count) }
    return bounded(first)..<max(bounded(first), bounded(end))
  }

  private func place(_ bound: Int?, _ count: Int) throws(DataError) -> Int? {
    guard let bound else { return nil }
    switch unit {
    case .rows: return bound
    case .percent(.closest):
      return Int((Double(bound) * Double(count) / 100).rounded(.toNearestOrEven))
    case .percent(.droppingRemainder):
      guard count >= 100 else { throw .tooFewForPercent(count: count) }
      return bound * (count / 100)
    }
  }

  /// The most rows that the slice can have, as far as that can be told without counting; nil where it
  /// cannot.
  package var mostRows: Int? {
    guard unit == .rows else { return nil }
    switch (from ?? 0, to) {
    case (let from, let to?) where (from < 0) == (to < 0): return max(0, to - from)
    case (let from, nil) where from < 0: return -from
    default: return nil
    }
  }

  /// The share of a split that the slice is, as far as that can be told without counting its rows.
  package var share: Double? {
    guard unit != .rows else { return nil }
    func place(_ bound: Int) -> Double { Double(bound < 0 ? 100 + bound : bound) / 100 }
    return max(0, (to.map(place) ?? 1) - (from.map(place) ?? 0))
  }
}

/// A split, or some rows of it.
struct SplitTerm: Equatable {
  let split: String
  let slice: SplitSlice?
}

enum SplitExpression {
  /// Reads an expression; a plain name, of whatever characters, is one term.
  static func terms(_ text: String) throws(DataError) -> [SplitTerm] {
    guard text.contains(where: { "[+(".contains($0) }) else {
      return [SplitTerm(split: text, slice: nil)]
    }
    var terms: [SplitTerm] = []
    for part in text.split(separator: "+", omittingEmptySubsequences: false) {
      terms.append(try term(part.trimmed, of: text))
    }
    // Only the first of what was added is compared with, as there.
    let roundings = terms.compactMap { term -> SplitSlice.Rounding? in
      if case .percent(let rounding)? = term.slice?.unit { rounding } else { nil }
    }
    guard Set(roundings).count <= 1 else {
      throw .malformedSplit(text, why: "its slices are rounded in different ways")
    }
    return terms
  }

  private static func term(_ part: String, of text: String) throws(DataError) -> SplitTerm {
    func malformed(_ why: String) -> DataError { .malformedSplit(text, why: why) }
    let name = part.prefix { $0 == "." || $0 == "_" || $0.isLetter || $0.isNumber }
    var rest = part[name.endIndex...]
    guard !name.isEmpty, !name.hasPrefix("."), !name.hasSuffix(".") else {
      throw malformed("“\(part)” names no split")
    }
    var bounds: [Substring]?
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { throw malformed("a “[” has no “]”") }
      let inner = rest[rest.index(after: rest.startIndex)..<end]
      let found = inner.split(separator: ":", omittingEmptySubsequences: false)
      guard found.count == 2 else {
        throw malformed("“[\(inner)]” is not “[from:to]”")
      }
      bounds = found
      rest = rest[rest.index(after: end)...]
    }
    var rounding: SplitSlice.Rounding?
    if rest.first == "(", rest.last == ")" {
      rounding = SplitSlice.Rounding(rawValue: String(rest.dropFirst().dropLast()))
      guard rounding != nil else {
        throw malformed("“\(rest)” is neither (closest) nor (pct1_dropremainder)")
      }
      rest = ""
    }
    guard rest.isEmpty else { throw malformed("“\(rest)” means nothing here") }
    guard let bounds else {
      guard rounding == nil else { throw malformed("rounding goes with percent alone") }
      return SplitTerm(split: String(name), slice: nil)
    }
    let isPercent = bounds.contains { $0.hasSuffix("%") }
    guard isPercent || rounding == nil else {
      throw malformed("rounding goes with percent alone")
    }
    var numbers: [Int?] = []
    for bound in bounds {
      let digits = (bound.hasSuffix("%") ? bound.dropLast() : bound).filter { $0 != "_" }
      guard !digits.isEmpty else {
        guard bound.isEmpty else { throw malformed("“\(bound)” is no whole number") }
        numbers.append(nil)
        continue
      }
      guard let number = Int(digits), digits.first != "+", number.magnitude <= 1 << 50 else {
        throw malformed("“\(bound)” is no whole number")
      }
      guard !isPercent || number.magnitude <= 100 else {
        throw malformed("“\(bound)” lies beyond 100 percent")
      }
      numbers.append(number)
    }
    return SplitTerm(
      split: String(name),
      slice: SplitSlice(
        from: numbers[0], to: numbers[1],
        unit: isPercent ? .percent(rounding ?? .closest) : .rows))
  }
}

extension Substring {
  /// The text without the blanks around it.
  fileprivate var trimmed: String {
    var text = self
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
