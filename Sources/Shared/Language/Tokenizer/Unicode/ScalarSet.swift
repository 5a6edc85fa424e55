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
  init(where isMember: (Unicode.Scalar) -> Bool) {
    self = ScalarSet.grouped(by: isMember)[true] ?? .empty
  }

  /// The characters by something that each has, such as a category.
  ///
  /// It is asked once for each stretch that no Unicode version has assigned.
  static func grouped<Key: Hashable>(by key: (Unicode.Scalar) -> Key) -> [Key: ScalarSet] {
    var found: [Key: [ClosedRange<UInt32>]] = [:]
    var run: (key: Key, range: ClosedRange<UInt32>)?
    func take(_ range: ClosedRange<UInt32>) {
      guard let scalar = Unicode.Scalar(range.lowerBound) else { return }
      let own = key(scalar)
      if let open = run, open.key == own, open.range.upperBound + 1 == range.lowerBound {
        run = (own, open.range.lowerBound...range.upperBound)
      } else {
        if let run { found[run.key, default: []].append(run.range) }
        run = (own, range)
      }
    }
    for range in assigned { for value in range { take(value...value) } }
    for range in uniform { take(range) }
    if let run { found[run.key, default: []].append(run.range) }
    return found.mapValues { ScalarSet($0) }
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
    var rest = set.ranges[...]
    var known: [SIMD4<UInt64>: UInt16] = [:]
    var (pages, words): ([UInt16], [UInt64]) = ([], [])
    for first in stride(from: 0, through: ScalarSet.last, by: 256) {
      let page = ScalarBits.page(first, of: &rest)
      let number = known[page] ?? UInt16(known.count)
      if Int(number) == known.count {
        known[page] = number
        words += [page[0], page[1], page[2], page[3]]
      }
      pages.append(number)
    }
    (low, high) = (words[0], words[1])
    (pageOf, self.words) = (pages, words)
  }

  /// The bits of the 256 characters from `first` on; ranges that end there are dropped.
  private static func page(
    _ first: UInt32, of ranges: inout ArraySlice<ClosedRange<UInt32>>
  ) -> SIMD4<UInt64> {
    var page = SIMD4<UInt64>()
    while let range = ranges.first, range.lowerBound <= first + 255 {
      let within = range.clamped(to: first...first + 255)
      if within.count == 256 {
        page = SIMD4(repeating: .max)
      } else {
        for value in within { page[Int(value >> 6 & 3)] |= 1 << UInt64(value & 63) }
      }
      guard range.upperBound <= first + 255 else { break }
      ranges.removeFirst()
    }
    return page
  }

  @inline(__always) func contains(_ value: UInt32) -> Bool {
    if value < 64 { return low >> UInt64(value) & 1 != 0 }
    if value < 128 { return high >> UInt64(value & 63) & 1 != 0 }
    let page = Int(pageOf[Int(value >> 8)])
    return words[page * 4 + Int(value >> 6 & 3)] >> UInt64(value & 63) & 1 != 0
  }
}
