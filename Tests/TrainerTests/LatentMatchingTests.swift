// Matching latents by their directions, against the plain loop over all pairs.

import Shared
import Support
import Testing

import Trainer

@Suite("Latents matched between two SAEs")
struct LatentMatchingTests {
  private func random(_ rows: Int, _ columns: Int, _ stream: String) -> Matrix {
    let random = Random(seed: 3, stream: stream)
    var matrix = Matrix(rows: rows, columns: columns)
    for index in 0..<matrix.count {
      matrix.buffer[index] = Float(random.integer(index, below: 2001)) / 1000 - 1
    }
    return matrix
  }

  private func cosine(
    _ first: borrowing Matrix, _ row: Int, _ second: borrowing Matrix, _ other: Int
  ) -> Double {
    var (product, own, others) = (0.0, 0.0, 0.0)
    for column in 0..<first.columns {
      let x = Double(first.buffer[row * first.columns + column])
      let y = Double(second.buffer[other * second.columns + column])
      product += x * y
      own += x * x
      others += y * y
    }
    return own > 0 && others > 0 ? product / (own * others).squareRoot() : -2
  }

  @Test(
    "The matches are those of the plain loop, over any number of blocks",
    arguments: [(1, 1), (3, 5), (128, 130), (129, 4100), (300, 7)])
  func plainTwin(_ sizes: (Int, Int)) throws {
    let first = random(sizes.0, 5, "first")
    let second = random(sizes.1, 5, "second")
    let found = try LatentMatching.both(first, second)
    #expect(found.first.matches.map(\.latent) == Array(0..<sizes.0))
    #expect(found.second.matches.map(\.latent) == Array(0..<sizes.1))
    for match in found.first.matches {
      let best = (0..<sizes.1).map { cosine(first, match.latent, second, $0) }.max() ?? 0
      #expect(abs(Double(match.cosine) - best) < 1e-5)
      #expect(abs(cosine(first, match.latent, second, match.other) - best) < 1e-5)
    }
    for match in found.second.matches {
      let best = (0..<sizes.0).map { cosine(first, $0, second, match.latent) }.max() ?? 0
      #expect(abs(Double(match.cosine) - best) < 1e-5)
    }
  }

  @Test("An SAE is found again in itself, whatever the order and the lengths")
  func itself() throws {
    let first = random(200, 16, "first")
    var second = Matrix(rows: 200, columns: 16)
    for row in 0..<200 {
      for column in 0..<16 {
        second.buffer[(199 - row) * 16 + column] = first.buffer[row * 16 + column] * Float(row + 1)
      }
    }
    let found = try LatentMatching.both(first, second)
    #expect(found.first.matches.allSatisfy { $0.other == 199 - $0.latent })
    #expect(found.first.share(above: 0.9) == 1)
    #expect(abs((found.second.meanCosine ?? 0) - 1) < 1e-5)
  }

  @Test("Latents that do not count, and directions of length zero, match nothing")
  func leftOut() throws {
    var first = random(6, 4, "first")
    for column in 0..<4 { first.buffer[2 * 4 + column] = 0 }
    let second = random(6, 4, "second")
    let found = try LatentMatching.both(
      first, second, firstCounts: { $0 != 4 }, secondCounts: { $0 < 3 })
    #expect(found.first.matches.map(\.latent) == [0, 1, 3, 5])
    #expect(found.first.matches.allSatisfy { $0.other < 3 })
    #expect(found.second.matches.map(\.latent) == [0, 1, 2])
    #expect(found.second.matches.allSatisfy { ![2, 4].contains($0.other) })
    let none = try LatentMatching.both(first, second, firstCounts: { _ in false })
    #expect(none.first.share(above: 0.7) == nil && none.second.meanCosine == nil)
  }

  @Test("Other widths are refused in a sentence")
  func widths() {
    let error = LatentMatchingError.otherWidth(first: 4, second: 5)
    #expect(throws: error) {
      try LatentMatching.both(random(2, 4, "a"), random(2, 5, "b"))
    }
    #expect(error.sentence == "The decoders write into spaces of 4 and 5 dimensions.")
    #expect(error.hint == "Only SAEs of the same width have latents in common.")
  }
}
