// Biases on scores in the place of positions (ALiBi). Comes in: a number of heads. Leaves: what is
// added to the scores of a key. After transformers' modeling_bloom.py and modeling_falcon.py.

import Foundation

/// A bias on scores that falls with the distance of key and query.
package struct LinearBias: Sendable, Equatable {
  /// Per head and position.
  package var slopes: [Float]
  /// Whether the bias of a key is rounded to bfloat16, which shows at late positions.
  package var isRounded = false
  /// What the bias is multiplied with.
  package var scale: Float = 1

  /// The slopes of `heads` heads: a geometric sequence for powers of two; those of twice as many
  /// heads, every other one, for the rest.
  static func slopes(heads: Int) -> [Float] {
    var power = 1
    while power * 2 <= heads { power *= 2 }
    func sequence(_ count: Int) -> [Float] {
      let ratio = Float(pow(2, -8 / Double(count)))
      return (1...count).map { pow(ratio, Float($0)) }
    }
    let others = sequence(2 * power).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    return sequence(power) + others.prefix(heads - power)
  }

  /// What is added to the score of a key at a position, whatever the query's, `[H]` of them.
  func biases(position: Int) -> [Float] {
    slopes.map { slope in
      guard isRounded else { return slope * Float(position) * scale }
      return rounded(rounded(slope) * Float(position)) * scale
    }
  }

  private func rounded(_ value: Float) -> Float {
    Precision.float(bfloat16: Precision.bfloat16(value))
  }
}
