// What a row of logits predicts. Comes in: rows `[V]` of V tokens' logits. Leaves: cross-entropy and
// divergence in nats. Exponentials are Float, every sum is Double.

import Foundation

package enum Predictions {
  /// ln Σ eˣ.
  package static func logSum(_ logits: Span<Float>) -> Double {
    let top = Kernels.maximum(logits)
    var sum = 0.0
    for index in 0..<logits.count { sum += Double(Kernels.exponential(logits[index] - top)) }
    return Double(top) + log(sum)
  }

  /// −ln p(token), of logits with their `logSum`.
  package static func crossEntropy(
    _ logits: Span<Float>, logSum: Double, token: UInt32
  ) -> Double {
    logSum - Double(logits[Int(token)])
  }

  /// Σ p·(ln p − ln q) of two rows of logits with their `logSum`s.
  package static func divergence(
    _ logits: Span<Float>, logSum: Double, from other: Span<Float>, logSum otherLogSum: Double
  ) -> Double {
    precondition(logits.count == other.count, "rows of different length")
    let shift = Float(logSum)
    var (sum, mass) = (0.0, 0.0)
    for index in 0..<logits.count {
      let share = Double(Kernels.exponential(logits[index] - shift))
      sum += share * Double(logits[index] - other[index])
      mass += share
    }
    // Shares add up to one but for the rounding of the shift.
    return sum / mass - (logSum - otherLogSum)
  }

  /// Seconds that a thread takes for a token's three `logSum`s and two `divergence`s, of `count` logits each.
  package static func comparisonSeconds(logits count: Int) -> Double {
    let random = Random(seed: 1, stream: "trial")
    let logits = (0..<count).map { Float(random.normal($0)) }
    return Trial.median {
      let start = System.uptime
      var sum = 0.0
      for _ in 0..<3 { sum = logSum(logits.span) }
      for _ in 0..<2 {
        sum += divergence(logits.span, logSum: sum, from: logits.span, logSum: sum)
      }
      // A sum that is read keeps the loops from being left out.
      return sum.isNaN ? .infinity : System.uptime - start
    }
  }
}
