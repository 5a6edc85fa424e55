// Counter-based random numbers: a value is a pure function of (seed, stream, index), so any worker
// can draw any of them in any order. Permutations are made from them.

import Foundation

/// The random numbers of one stream.
package struct Random: Sendable {
  private let key: UInt64

  /// Chooses a stream.
  ///
  /// - Parameters:
  ///   - seed: what the user gave.
  ///   - stream: what the numbers are for; different names give unrelated numbers.
  ///   - index: which of the streams of that name (a shard, an epoch).
  package init(seed: Int, stream: String, index: Int = 0) {
    var key = Random.mix(UInt64(bitPattern: Int64(seed)) &+ 0x9E37_79B9_7F4A_7C15)
    for byte in stream.utf8 { key = Random.mix(key ^ UInt64(byte)) }
    self.key = Random.mix(
      key ^ Random.mix(UInt64(bitPattern: Int64(index)) &+ 0xD1B5_4A32_D192_ED03))
  }

  /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014), a bijection that avalanches.
  @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// 64 random bits for a counter.
  @inline(__always) package subscript(index: Int) -> UInt64 {
    Random.mix(Random.mix(UInt64(bitPattern: Int64(index)) &* 0x9E37_79B9_7F4A_7C15 &+ key) ^ key)
  }

  /// A uniform number in [0, 1) with 53 random bits.
  package func uniform(_ index: Int) -> Double { Double(self[index] >> 11) * 0x1p-53 }

  /// A uniform integer in 0 ..< bound, by multiplication (bias below 2⁻³² for bounds below 2³²).
  package func integer(_ index: Int, below bound: Int) -> Int {
    Int(self[index].multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A standard normal number (Box and Muller).
  package func normal(_ index: Int) -> Double {
    let radius = (-2 * log(1 - uniform(2 * index))).squareRoot()
    return radius * cos(2 * .pi * uniform(2 * index + 1))
  }

  /// A uniform permutation of 0 ..< count (Fisher and Yates); `count` must be below 2³².
  package func permutation(_ count: Int) -> [UInt32] {
    var order = (0..<UInt32(count)).map { $0 }
    for position in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(position, integer(position, below: position + 1))
    }
    return order
  }

  /// Rounds of the network below: many, so that small ranges are shuffled evenly as well.
  private static let rounds = 8

  /// Where a uniform permutation of 0 ..< `bound` takes `index`, in constant memory.
  ///
  /// A Feistel network over the next power of four, walked until it comes back below the bound.
  package func permuted(_ index: Int, below bound: Int) -> Int {
    precondition(index >= 0 && index < bound, "index outside of its range")
    let bits = Int.bitWidth - (bound - 1).leadingZeroBitCount
    let half = max(1, (bits + 1) / 2)
    var value = index
    repeat { value = networked(value, half) } while value >= bound
    return value
  }

  /// A bijection of 0 ..< 4^half.
  private func networked(_ value: Int, _ half: Int) -> Int {
    let mask = (1 << half) - 1
    var (left, right) = (value >> half, value & mask)
    for round in 0..<Random.rounds {
      let noise = Int(truncatingIfNeeded: self[round << 32 | right] >> 16) & mask
      (left, right) = (right, left ^ noise)
    }
    return left << half | right
  }
}
