// The k largest numbers of a row, found while they pass by.

import Shared

/// Keeps the largest of the numbers that pass by, with their latents.
///
/// Of equal numbers the one with the smaller latent is kept. The candidates so far, more than `k` of
/// them, are thinned out to `k` when the memory is full.
package struct TopK: RowSelection {
  package let k: Int
  /// Whether numbers are compared by their magnitude; they keep their sign.
  package let comparesMagnitudes: Bool

  package init(k: Int, comparesMagnitudes: Bool = false) {
    self.k = k
    self.comparesMagnitudes = comparesMagnitudes
  }

  package var capacity: Int { 2 * k + 32 }
  package var most: Int { k }

  package func scan(
    _ numbers: Span<Float>, first: Int, _ row: inout RowCandidates,
    _ scratch: inout MutableSpan<Float>
  ) {
    guard comparesMagnitudes else {
      return scan(numbers, &row) { Int32(first + $0) }
    }
    for index in numbers.indices { scratch[index] = abs(numbers[index]) }
    // Until `finish` a latent with a negative number is held as −1 − latent.
    scan(scratch.span.extracting(numbers.indices), &row) { index in
      let latent = Int32(first + index)
      return numbers[index] < 0 ? -1 - latent : latent
    }
  }

  @inline(__always)
  private func scan(
    _ numbers: Span<Float>, _ row: inout RowCandidates, latentAt: (Int) -> Int32
  ) {
    var start = Vector.nextBlock(in: numbers, from: 0, above: row.threshold)
    while start < numbers.count {
      let end = min(start + Vector.blockWidth, numbers.count)
      for candidate in start..<end where numbers[candidate] > row.threshold {
        if row.count == capacity { thin(&row) }
        guard numbers[candidate] > row.threshold else { continue }
        row.latents[row.count] = latentAt(candidate)
        row.values[row.count] = numbers[candidate]
        row.count += 1
      }
      start =
        end < numbers.count
        ? Vector.nextBlock(in: numbers, from: end, above: row.threshold) : end
    }
  }

  /// As `scan` of all latents of a row, of some that have all k largest among them, in their order.
  package func scan(
    _ numbers: Span<Float>, latents: Span<Int32>, _ row: inout RowCandidates
  ) {
    precondition(latents.count == numbers.count, "shapes differ")
    for index in numbers.indices {
      let number = comparesMagnitudes ? abs(numbers[index]) : numbers[index]
      guard number > row.threshold else { continue }
      if row.count == capacity { thin(&row) }
      guard number > row.threshold else { continue }
      let isNegative = comparesMagnitudes && numbers[index] < 0
      row.latents[row.count] = isNegative ? -1 - latents[index] : latents[index]
      row.values[row.count] = number
      row.count += 1
    }
  }

  /// Leaves the k best candidates that are above zero, in order of latent.
  package func finish(_ row: inout RowCandidates) {
    if row.count > k { thin(&row) }
    var kept = 0
    for entry in 0..<row.count where row.values[entry] > 0 {
      row.latents[kept] = row.latents[entry]
      row.values[kept] = row.values[entry]
      kept += 1
    }
    row.count = kept
    for entry in 0..<kept where row.latents[entry] < 0 {
      row.latents[entry] = -1 - row.latents[entry]
      row.values[entry] = -row.values[entry]
    }
    row.sortByLatent()
  }

  /// Clears all numbers of a range but the k largest; `row` lends working memory.
  package func clearAllButLargest(
    _ numbers: inout MutableSpan<Float>, _ range: Range<Int>, _ row: inout RowCandidates
  ) {
    guard range.count > k else { return }
    row.count = 0
    row.threshold = -.infinity
    scan(numbers.span.extracting(range), &row) { Int32($0) }
    // Numbers that are none (NaN, −∞) are no candidates: there may be fewer than k.
    guard row.count >= k else { return }
    thin(&row)
    let threshold = row.threshold
    var reaching = 0
    for index in range { reaching += numbers[index] >= threshold ? 1 : 0 }
    guard reaching > k else {
      for index in range { numbers[index] = numbers[index] >= threshold ? numbers[index] : 0 }
      return
    }
    // Several are equal to the worst: those with the smaller latents stay.
    var above = 0
    for entry in 0..<k where row.values[entry] > row.threshold { above += 1 }
    var ties = k - above
    for index in range {
      if numbers[index] > row.threshold { continue }
      if numbers[index] == row.threshold, ties > 0 {
        ties -= 1
      } else {
        numbers[index] = 0
      }
    }
  }

  /// Moves the k best to the front (Hoare's selection) and raises the threshold to the worst.
  private func thin(_ row: inout RowCandidates) {
    var low = 0
    var high = row.count - 1
    while low < high {
      let pivotValue = row.values[(low + high) / 2]
      let pivotLatent = row.latents[(low + high) / 2]
      var left = low
      var right = high
      while left <= right {
        while Self.isBetter(row.values[left], row.latents[left], pivotValue, pivotLatent) {
          left += 1
        }
        while Self.isBetter(pivotValue, pivotLatent, row.values[right], row.latents[right]) {
          right -= 1
        }
        if left <= right {
          row.values.swapAt(left, right)
          row.latents.swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      if k - 1 <= right {
        high = right
      } else if k - 1 >= left {
        low = left
      } else {
        break
      }
    }
    row.count = k
    var worst = Float.infinity
    for entry in 0..<k { worst = min(worst, row.values[entry]) }
    // Later candidates have larger latents, so an equal number would not displace the worst.
    row.threshold = worst
  }

  @inline(__always)
  private static func isBetter(
    _ value: Float, _ latent: Int32, _ otherValue: Float, _ otherLatent: Int32
  ) -> Bool {
    value > otherValue || (value == otherValue && latent < otherLatent)
  }
}
