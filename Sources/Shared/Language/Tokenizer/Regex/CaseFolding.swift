// The other cases of letters, for patterns that ignore case.

/// Case folding where a pattern ignores case.
enum CaseFolding {
  /// A set with the other cases of its letters, which must be of ASCII.
  static func closed(_ set: ScalarSet) throws -> ScalarSet {
    var ranges = set.ranges
    for range in set.ranges {
      if range.upperBound >= 0x80, !isCaseless(range) {
        throw RegexProblem(what: "a letter beyond ASCII where case is ignored in the pattern")
      }
      for value in range where value < 0x80 {
        guard let scalar = Unicode.Scalar(value), scalar.properties.isAlphabetic else { continue }
        ranges.append(value ^ 0x20...value ^ 0x20)
        if value | 0x20 == 0x73 { ranges.append(0x17F...0x17F) }  // long s
        if value | 0x20 == 0x6B { ranges.append(0x212A...0x212A) }  // Kelvin sign
      }
    }
    return ScalarSet(ranges)
  }

  private static func isCaseless(_ range: ClosedRange<UInt32>) -> Bool {
    (max(range.lowerBound, 0x80)...range.upperBound).allSatisfy { value in
      guard let properties = Unicode.Scalar(value)?.properties else { return true }
      return !properties.isCased && !properties.changesWhenCaseFolded
        && !properties.changesWhenUppercased
    }
  }
}
