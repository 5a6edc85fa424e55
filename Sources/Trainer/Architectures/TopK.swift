// The topk SAE: of each row the k largest latents take part. Gao et al. 2024, with SAELens's
// comparison of latents as if decoder rows had norm 1. In abstopk they are the largest by magnitude
// and keep their sign.
//
//   h = (a·W_enc + b_enc) · ‖W_j‖     f = ReLU of the k largest h of a row     x̂ = Σ f_j·W_j/‖W_j‖ + b_dec
//   L = MSE + AuxK
//
// Norms cancel in x̂: an active latent adds its pre-activation times W_j, and the gradient is that
// of a plain decoder.

import Shared

/// Keeps the largest of the numbers that pass by, with their latents.
///
/// Of equal numbers the one with the smaller latent is kept. Works in memory of its caller: the
/// candidates so far, more than `k` of them, are thinned out to `k` when the memory is full.
package struct TopK: Sendable {
  package let k: Int
  /// Candidates that the caller must have memory for.
  package var capacity: Int { 2 * k + 32 }

  /// The state of a row: candidates held, and the number that the next must exceed.
  package struct Row {
    package var count: Int
    package var threshold: Float

    package init(count: Int = 0, threshold: Float = -.infinity) {
      self.count = count
      self.threshold = threshold
    }
  }

  package init(k: Int) { self.k = k }

  static func fillAmplitudes(
    _ objective: borrowing Objective, _ latents: Span<Int32>, _ values: Span<Float>,
    _ amplitudes: inout MutableSpan<Float>
  ) {
    let isWeighted = objective.configuration.normalizesDecoder
    for index in values.indices {
      amplitudes[index] =
        isWeighted ? values[index] * objective.inverses[Int(latents[index])] : values[index]
    }
  }

  /// Looks at `row`, the numbers of latents from `firstLatent` on.
  package func scan(
    _ numbers: Span<Float>, firstLatent: Int, _ row: inout Row,
    _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) {
    scan(numbers, &row, &latents, &values) { Int32(firstLatent + $0) }
  }

  /// As `scan`, of the magnitudes of `numbers`; `magnitudes` is working memory of their size.
  ///
  /// Until `finish` a latent with a negative number is held as −1 − latent.
  func scanMagnitudes(
    _ numbers: Span<Float>, _ magnitudes: inout MutableSpan<Float>, firstLatent: Int,
    _ row: inout Row, _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) {
    for index in numbers.indices { magnitudes[index] = abs(numbers[index]) }
    scan(magnitudes.span, &row, &latents, &values) { index in
      let latent = Int32(firstLatent + index)
      return numbers[index] < 0 ? -1 - latent : latent
    }
  }

  @inline(__always)
  private func scan(
    _ numbers: Span<Float>, _ row: inout Row, _ latents: inout MutableSpan<Int32>,
    _ values: inout MutableSpan<Float>, latentAt: (Int) -> Int32
  ) {
    var start = Vector.nextBlock(in: numbers, from: 0, above: row.threshold)
    while start < numbers.count {
      let end = min(start + Vector.blockWidth, numbers.count)
      for candidate in start..<end where numbers[candidate] > row.threshold {
        if row.count == capacity { thin(&row, &latents, &values) }
        guard numbers[candidate] > row.threshold else { continue }
        latents[row.count] = latentAt(candidate)
        values[row.count] = numbers[candidate]
        row.count += 1
      }
      start =
        end < numbers.count
        ? Vector.nextBlock(in: numbers, from: end, above: row.threshold) : end
    }
  }

  /// Leaves the k best candidates that are above zero, in order of latent.
  package func finish(
    _ row: inout Row, _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) {
    if row.count > k { thin(&row, &latents, &values) }
    var kept = 0
    for entry in 0..<row.count where values[entry] > 0 {
      latents[kept] = latents[entry]
      values[kept] = values[entry]
      kept += 1
    }
    row.count = kept
    for entry in 0..<kept where latents[entry] < 0 {
      latents[entry] = -1 - latents[entry]
      values[entry] = -values[entry]
    }
    Self.sortByLatent(kept, &latents, &values)
  }

  /// Clears all numbers of a range but the k largest; `latents` and `values` are working memory.
  package func clearAllButLargest(
    _ numbers: inout MutableSpan<Float>, _ range: Range<Int>,
    _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) {
    guard range.count > k else { return }
    var row = Row()
    scan(numbers.span.extracting(range), firstLatent: 0, &row, &latents, &values)
    // Numbers that are none (NaN, −∞) are no candidates: there may be fewer than k.
    guard row.count >= k else { return }
    thin(&row, &latents, &values)
    var above = 0
    for entry in 0..<k where values[entry] > row.threshold { above += 1 }
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
  private func thin(
    _ row: inout Row, _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) {
    var low = 0
    var high = row.count - 1
    while low < high {
      let pivotValue = values[(low + high) / 2]
      let pivotLatent = latents[(low + high) / 2]
      var left = low
      var right = high
      while left <= right {
        while Self.isBetter(values[left], latents[left], pivotValue, pivotLatent) { left += 1 }
        while Self.isBetter(pivotValue, pivotLatent, values[right], latents[right]) { right -= 1 }
        if left <= right {
          values.swapAt(left, right)
          latents.swapAt(left, right)
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
    for entry in 0..<k { worst = min(worst, values[entry]) }
    // Later candidates have larger latents, so an equal number would not displace the worst.
    row.threshold = worst
  }

  @inline(__always)
  private static func isBetter(
    _ value: Float, _ latent: Int32, _ otherValue: Float, _ otherLatent: Int32
  ) -> Bool {
    value > otherValue || (value == otherValue && latent < otherLatent)
  }

  /// Sorts entries by latent (Shell's sort: short lists, no memory).
  private static func sortByLatent(
    _ count: Int, _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
  ) {
    var gap = count / 2
    while gap > 0 {
      for index in gap..<count {
        let latent = latents[index]
        let value = values[index]
        var place = index
        while place >= gap, latents[place - gap] > latent {
          latents[place] = latents[place - gap]
          values[place] = values[place - gap]
          place -= gap
        }
        latents[place] = latent
        values[place] = value
      }
      gap /= 2
    }
  }
}
