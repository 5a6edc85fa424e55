// Sets of characters: as sorted ranges while a pattern is read, as bits while it runs.

/// A set of characters.
struct ScalarSet: Sendable, Equatable {
  /// Sorted; no two touch.
  private(set) var ranges: [ClosedRange<UInt32>]

  static let last: UInt32 = 0x10FFFF
  static let empty = ScalarSet([])
  static let all = ScalarSet([0...last])

  /// Takes ranges in any order.
  init(_ ranges: [ClosedRange<UInt32>]) {
    self.ranges = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let previous = self.ranges.last, range.lowerBound <= previous.upperBound + 1 {
        let upper = max(previous.upperBound, range.upperBound)
        self.ranges[self.ranges.count - 1] = previous.lowerBound...upper
      } else {
        self.ranges.append(range)
      }
    }
  }

  init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

  /// The characters of which a condition holds.
  ///
  /// It is asked once for each stretch that no Unicode version has assigned.
  init(where isMember: (Unicode.Scalar) -> Bool) {
    var found: [ClosedRange<UInt32>] = []
    for range in ScalarSet.assigned {
      for value in range {
        guard let scalar = Unicode.Scalar(value), isMember(scalar) else { continue }
        if let last = found.last, last.upperBound + 1 == value {
          found[found.count - 1] = last.lowerBound...value
        } else {
          found.append(value...value)
        }
      }
    }
    for range in ScalarSet.uniform {
      if let scalar = Unicode.Scalar(range.lowerBound), isMember(scalar) { found.append(range) }
    }
    self.init(found)
  }

  private static let assigned: [ClosedRange<UInt32>] = [
    0...0x3FFFF, 0xE0000...0xE0FFF, 0xFFFFE...0xFFFFF, 0x10FFFE...0x10FFFF,
  ]
  /// Unassigned, and for private use.
  private static let uniform: [ClosedRange<UInt32>] = [
    0x40000...0xDFFFF, 0xE1000...0xEFFFF, 0xF0000...0xFFFFD, 0x100000...0x10FFFD,
  ]

  func contains(_ value: UInt32) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= value
  }

  /// The one character of a set that has no other.
  var only: UInt32? {
    guard ranges.count == 1, ranges[0].count == 1 else { return nil }
    return ranges[0].lowerBound
  }

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  var inverted: ScalarSet {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= ScalarSet.last { result.append(next...ScalarSet.last) }
    return ScalarSet(result)
  }

  func intersection(_ other: ScalarSet) -> ScalarSet { inverted.union(other.inverted).inverted }
}

/// A set of characters that is quick to ask: pages of 256 bits, equal ones kept once.
struct ScalarBits: Sendable {
  private let low: UInt64
  private let high: UInt64
  private let pageOf: [UInt16]
  private let words: [UInt64]

  init(_ set: ScalarSet) {
    var bits = [UInt64](repeating: 0, count: Int(ScalarSet.last + 1) / 64)
    for range in set.ranges {
      for value in range { bits[Int(value >> 6)] |= 1 << UInt64(value & 63) }
    }
    var known: [[UInt64]: UInt16] = [:]
    var pages: [UInt16] = []
    var words: [UInt64] = []
    for start in stride(from: 0, to: bits.count, by: 4) {
      let page = Array(bits[start..<start + 4])
      if let number = known[page] {
        pages.append(number)
      } else {
        pages.append(UInt16(known.count))
        known[page] = UInt16(known.count)
        words += page
      }
    }
    (low, high) = (bits[0], bits[1])
    (pageOf, self.words) = (pages, words)
  }

  @inline(__always) func contains(_ value: UInt32) -> Bool {
    if value < 64 { return low >> UInt64(value) & 1 != 0 }
    if value < 128 { return high >> UInt64(value & 63) & 1 != 0 }
    let page = Int(pageOf[Int(value >> 8)])
    return words[page * 4 + Int(value >> 6 & 3)] >> UInt64(value & 63) & 1 != 0
  }
}
