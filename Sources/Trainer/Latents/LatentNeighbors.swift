// Which other latents write almost the same: the highest cosines between rows of the decoder. Comes in: the
// decoder. Leaves: five latents and cosines of each latent that is asked for.

import Shared

/// Another latent, and how alike the directions are.
package struct LatentNeighbor: Sendable, Equatable {
  package let latent: Int
  package let cosine: Float

  package init(latent: Int, cosine: Float) {
    self.latent = latent
    self.cosine = cosine
  }
}

enum LatentNeighbors {
  static let count = 5
  /// Rows of the decoder that are compared with all others at once.
  static let block = 128

  /// Bytes that a comparison takes.
  static func byteCount(latentCount: Int) -> Int { 4 * block * latentCount + 8 * latentCount }

  /// The nearest others of some latents; `decoder` is `[latents, width]`.
  static func find(
    _ latents: [Int], decoder: Span<Float>, norms: [Float], width: Int
  ) -> [[LatentNeighbor]] {
    let all = norms.count
    let inverse = norms.map { $0 > 0 ? 1 / $0 : 0 }
    var directions = Matrix(rows: min(block, latents.count), columns: width)
    var cosines = Matrix(rows: min(block, latents.count), columns: all)
    var result: [[LatentNeighbor]] = []
    for start in stride(from: 0, to: latents.count, by: block) {
      let part = latents[start..<min(start + block, latents.count)]
      Directions.copy(part, of: decoder, scaledBy: inverse, width: width, into: &directions)
      var target = cosines.mutableSpan
      Multiply.product(
        rows: part.count, columns: all, inner: width, directions.span, .plain, decoder, .transposed,
        into: &target)
      let values = cosines.span
      result += Parallel.map(part.count) { index in
        let row = values.extracting(index * all..<(index + 1) * all)
        return nearest(to: part[part.startIndex + index], row, inverse)
      }
    }
    return result
  }

  private static func nearest(
    to latent: Int, _ products: Span<Float>, _ inverse: [Float]
  ) -> [LatentNeighbor] {
    var best = HighestValues(count: count)
    for other in products.indices where other != latent && inverse[other] > 0 {
      best.add(other, products[other] * inverse[other])
    }
    return best.entries.map { LatentNeighbor(latent: $0.index, cosine: $0.value) }
  }
}

enum Directions {
  /// target ← rows of a matrix, each times its factor.
  static func copy(
    _ rows: ArraySlice<Int>, of matrix: Span<Float>, scaledBy factors: [Float], width: Int,
    into target: inout Matrix
  ) {
    var values = target.mutableSpan
    for (place, row) in rows.enumerated() {
      for column in 0..<width {
        values[place * width + column] = matrix[row * width + column] * factors[row]
      }
    }
  }
}

/// The few highest of many values, the first of equal ones first.
struct HighestValues: Sendable {
  private let count: Int
  private(set) var entries: [(index: Int, value: Float)] = []

  init(count: Int) {
    self.count = count
    entries.reserveCapacity(count + 1)
  }

  mutating func add(_ index: Int, _ value: Float) {
    // Nearly every call ends here.
    if entries.count == count, let last = entries.last, value <= last.value { return }
    var place = entries.count
    while place > 0, entries[place - 1].value < value { place -= 1 }
    entries.insert((index, value), at: place)
    if entries.count > count { entries.removeLast() }
  }
}
