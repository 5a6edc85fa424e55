import Shared
import Testing
import Trainer

@Suite struct InitializationTests {
  private func initial(
    _ dIn: Int, _ dSae: Int, norm: Double?, seed: Int,
    _ change: (inout InitialDraw) -> Void = { _ in }
  ) -> Parameters {
    var draw = InitialDraw()
    draw.rowNorm = norm
    draw.seed = seed
    change(&draw)
    return .initial(ParameterShape(dIn: dIn, dOut: dIn, dSae: dSae).adding(.threshold), draw)
  }

  private func rowNorms(_ matrix: borrowing Matrix) -> [Double] {
    (0..<matrix.rows).map { Vector.squaredNorm(matrix.row($0)).squareRoot() }
  }

  @Test func theEncoderIsTheDecodersTransposeAndBiasesAreZero() {
    let tensors = initial(37, 300, norm: 0.1, seed: 1).tensors
    // Both are stored by latent.
    #expect(tensors[0] == tensors[2])
    #expect(tensors[1] == [Float](repeating: 0, count: 300))
    #expect(tensors[3] == [Float](repeating: 0, count: 37))
  }

  @Test(arguments: [0.1, 1, 3]) func decoderRowsHaveTheNormAskedFor(norm: Double) {
    let parameters = initial(37, 300, norm: norm, seed: 1)
    #expect(rowNorms(parameters.decoder).allSatisfy { abs($0 - norm) < 1e-6 * norm })
  }

  @Test func withoutANormEntriesAreUniformWithinTheBoundOfHe() {
    let values = initial(96, 500, norm: nil, seed: 1).decoder.values
    let bound: Float = 0.25
    #expect(values.allSatisfy { abs($0) <= bound } && values.contains { abs($0) > 0.999 * bound })
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let square = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
    #expect(abs(mean) < 2e-3)
    #expect(abs(square - 0.0625 / 3) < 2e-4)
  }

  @Test func anEncoderOfItsOwnHasTheBoundOfHeForItsLatents() {
    let values = initial(16, 150, norm: 0.1, seed: 1) { $0.isTied = false }.encoder.values
    #expect(values.allSatisfy { abs($0) <= 0.2 } && values.contains { abs($0) > 0.195 })
  }

  @Test func olderDrawsArePositiveOrNormal() {
    let uniform = initial(40, 300, norm: nil, seed: 1) { $0.draw = .uniform }.decoder.values
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 } && uniform.contains { $0 > 0.99 })
    let normal = initial(40, 300, norm: nil, seed: 1) { $0.draw = .normal }.decoder.values
    let square = normal.reduce(0) { $0 + Double($1) * Double($1) } / Double(normal.count)
    #expect(abs(square - 1) < 0.05 && normal.contains { $0 > 3 })
  }

  @Test(arguments: [(5, 30), (30, 5)]) func anOrthogonalDecoderIsOrthogonal(_ size: (Int, Int)) {
    let (dIn, dSae) = size
    let values = initial(dIn, dSae, norm: nil, seed: 3) { $0.isOrthogonal = true }.decoder.values
    let isTall = dSae >= dIn
    for first in 0..<min(dIn, dSae) {
      for second in 0..<min(dIn, dSae) {
        let product = (0..<max(dIn, dSae)).reduce(Float(0)) { sum, index in
          isTall
            ? sum + values[index * dIn + first] * values[index * dIn + second]
            : sum + values[first * dIn + index] * values[second * dIn + index]
        }
        #expect(abs(product - (first == second ? 1 : 0)) < 1e-5)
      }
    }
  }

  @Test func thresholdsStartWhereAsked() {
    let parameters = initial(4, 6, norm: 1, seed: 1) { $0.threshold = 0.25 }
    #expect(parameters.threshold.values == [Float](repeating: 0.25, count: 6))
  }

  @Test func theDrawDependsOnTheSeedAlone() {
    let first = initial(16, 200, norm: 0.1, seed: 1).tensors
    let again = initial(16, 200, norm: 0.1, seed: 1).tensors
    let other = initial(16, 200, norm: 0.1, seed: 2).tensors
    #expect(first == again)
    #expect(first[2] != other[2])
  }

  @Test func theMeanIsThatOfEachColumn() {
    #expect(Center.mean([1, 10, 2, 20, 6, 30].span, columns: 2) == [3, 20])
  }

  @Test func theGeometricMedianIsHardlyMovedByAnOutlier() {
    let corners: [Float] = [0, 0, 2, 0, 0, 2, 2, 2]
    let square = Center.geometricMedian(corners.span, columns: 2)
    #expect(worstError(square, [1, 1]) < 1e-5)
    let outlier: [Float] = corners + [1000, 1000]
    let pulled = Center.geometricMedian(outlier.span, columns: 2)
    // The minimum of 2·√(a² + …) lies on the diagonal; the mean would be 200.8.
    #expect(pulled[0] > 1 && pulled[0] < 2 && abs(pulled[0] - pulled[1]) < 1e-4)
  }

  @Test func theGeometricMedianOfOnePointIsThatPoint() {
    #expect(Center.geometricMedian([3, -4, 5].span, columns: 3) == [3, -4, 5])
  }
}
