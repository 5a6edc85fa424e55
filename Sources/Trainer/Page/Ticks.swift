// Round numbers along an axis. Comes in: a range. Leaves: steps of 1, 2 or 5 times a power of ten, with their texts.

import Foundation
import Shared

/// Round numbers that divide a range.
package struct Ticks: Sendable, Equatable {
  package let values: [Double]
  /// The whole steps around the range.
  package let lowest: Double
  package let highest: Double
  private let decimals: Int

  /// Divides `low` … `high` into about `count` steps of 1, 2 or 5 times a power of ten.
  ///
  /// - Parameters:
  ///   - low: the lower end of the range.
  ///   - high: the upper end.
  ///   - count: about how many steps.
  ///   - smallestStep: 1 where only whole numbers make sense.
  package init(from low: Double, to high: Double, count: Int, smallestStep: Double = 0) {
    let (low, high) = (Ticks.bounded(low), Ticks.bounded(high))
    // A range without width, or one that is only rounding, gets some around its value.
    let spread = max(max(abs(low), abs(high)) * 1e-9, 1 / Ticks.bound)
    let (low, high) =
      high - low > spread
      ? (low, high) : (low - max(abs(low) * 0.1, 0.1), high + max(abs(high) * 0.1, 0.1))
    let rough = (high - low) / Double(count)
    let exponent = log10(rough).rounded(.down)
    let leading = rough / pow(10, exponent)
    let digit = leading < 1.5 ? 1.0 : leading < 3.5 ? 2 : leading < 7.5 ? 5 : 10
    let step = max(digit * pow(10, exponent), smallestStep)
    let first = (low / step + 1e-9).rounded(.down)
    let last = (high / step - 1e-9).rounded(.up)
    values = (0...Int(last - first)).map { (first + Double($0)) * step }
    lowest = first * step
    highest = last * step
    decimals = max(0, -Int(log10(step * 1.000001).rounded(.down)))
  }

  /// Beyond it, and below its inverse, no step of a range is a number.
  private static let bound = 1e290

  private static func bounded(_ value: Double) -> Double { min(max(value, -bound), bound) }

  /// The text beside a tick.
  package func label(_ value: Double) -> String {
    if value == 0 { return "0" }
    if highest >= 1000 || lowest <= -1000 {
      return Readable.count(value).replacing(".0 ", with: " ")
    }
    if decimals > 4 {
      // One power of ten for all ticks.
      let exponent = log10(max(abs(lowest), abs(highest)) * 1.000001).rounded(.down)
      let mantissa = Readable.fixed(value / pow(10, exponent), decimals: decimals + Int(exponent))
      return "\(mantissa)e\(Int(exponent))"
    }
    return Readable.fixed(value, decimals: decimals)
  }
}
