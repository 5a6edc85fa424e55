// Collects the latents of a row that are above a limit, where the rows of a task share their room.

import Shared

/// The room that rows share, and how much of it is taken.
struct LatentCollection: ~Copyable, ~Escapable {
  /// The latent of the first number.
  private let first: Int
  private(set) var count: Int
  private var latents: MutableSpan<Int32>
  private var values: MutableSpan<Float>

  @_lifetime(copy latents, copy values)
  init(
    first: Int, count: Int, latents: consuming MutableSpan<Int32>,
    values: consuming MutableSpan<Float>
  ) {
    precondition(latents.count == values.count, "shapes differ")
    self.first = first
    self.count = count
    self.latents = latents
    self.values = values
  }

  /// Appends what is above `limit`; false where it did not fit.
  mutating func collect(_ numbers: Span<Float>, above limit: Float) -> Bool {
    var start = Vector.nextBlock(in: numbers, from: 0, above: limit)
    while start < numbers.count {
      let end = min(start + Vector.blockWidth, numbers.count)
      for index in start..<end where numbers[index] > limit {
        guard append(index, numbers[index]) else { return false }
      }
      start = end < numbers.count ? Vector.nextBlock(in: numbers, from: end, above: limit) : end
    }
    return true
  }

  /// As `collect`, with a limit for each number.
  mutating func collect(_ numbers: Span<Float>, above limits: Span<Float>) -> Bool {
    precondition(limits.count == numbers.count, "shapes differ")
    var start = Vector.nextBlock(in: numbers, from: 0, above: limits)
    while start < numbers.count {
      let end = min(start + Vector.blockWidth, numbers.count)
      for index in start..<end where numbers[index] > limits[index] {
        guard append(index, numbers[index]) else { return false }
      }
      start = end < numbers.count ? Vector.nextBlock(in: numbers, from: end, above: limits) : end
    }
    return true
  }

  /// As `collect`, of some latents, counted from the first; `limits` are those of all, empty where `limit`
  /// is theirs.
  mutating func collect(
    _ numbers: Span<Float>, of latents: Span<Int32>, above limit: Float, _ limits: Span<Float>
  ) -> Bool {
    precondition(latents.count == numbers.count, "shapes differ")
    for index in numbers.indices {
      let latent = Int(latents[index])
      guard numbers[index] > (limits.isEmpty ? limit : limits[latent]) else { continue }
      guard append(latent, numbers[index]) else { return false }
    }
    return true
  }

  @inline(__always) private mutating func append(_ index: Int, _ value: Float) -> Bool {
    guard count < latents.count else { return false }
    latents[count] = Int32(first + index)
    values[count] = value
    count += 1
    return true
  }
}
