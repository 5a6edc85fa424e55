// The largest numbers of a batch, found without sorting it.

import Shared

enum LargestOfBatch {
  /// Numbers above zero by their upper 16 bits: exponent and seven bits of the mantissa.
  static let bins = 1 << 15

  /// The bin of a number above zero.
  @inline(__always) static func bin(_ value: Float) -> Int { Int(value.bitPattern >> 16) }

  /// A number that at least `count` of the counted numbers are above, as large as bins tell; 0 where
  /// fewer are above zero.
  static func limit(_ histogram: Span<Int32>, count: Int) -> Float {
    var above = 0
    var bin = histogram.count - 1
    while bin > 0 {
      above += Int(histogram[bin])
      if above >= count {
        // Just below the bin's least number.
        return Float(bitPattern: (UInt32(bin) << 16) - 1)
      }
      bin -= 1
    }
    return 0
  }

  /// The number at place `rank` (from 0) in descending order; reorders `values` (Hoare's selection).
  static func select(_ values: inout MutableSpan<Float>, count: Int, rank: Int) -> Float {
    var low = 0
    var high = count - 1
    while low < high {
      let pivot = values[(low + high) / 2]
      var left = low
      var right = high
      while left <= right {
        while values[left] > pivot { left += 1 }
        while values[right] < pivot { right -= 1 }
        if left <= right {
          values.swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      if rank <= right {
        high = right
      } else if rank >= left {
        low = left
      } else {
        break
      }
    }
    return values[rank]
  }
}
