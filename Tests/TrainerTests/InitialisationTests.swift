import Shared
import Testing
import Trainer

@Suite struct InitialisationTests {
  private func rowNorms(_ matrix: borrowing Matrix) -> [Double] {
    (0..<matrix.rows).map { Vector.squaredNorm(matrix.row($0)).squareRoot() }
  }

  @Test func theEncoderIsTheDecodersTransposeAndBiasesAreZero() {
    let tensors = Parameters.initial(dIn: 37, dSae: 300, rowNorm: 0.1, seed: 1).tensors
    // Both are stored by latent.
    #expect(tensors[0] == tensors[2])
    #expect(tensors[1] == [Float](repeating: 0, count: 300))
    #expect(tensors[3] == [Float](repeating: 0, count: 37))
  }

  @Test(arguments: [0.1, 1, 3]) func decoderRowsHaveTheNormAskedFor(norm: Double) {
    let parameters = Parameters.initial(dIn: 37, dSae: 300, rowNorm: norm, seed: 1)
    #expect(rowNorms(parameters.decoder).allSatisfy { abs($0 - norm) < 1e-6 * norm })
  }

  @Test func withoutANormEntriesAreUniformWithinTheBoundOfHe() {
    let values = Parameters.initial(dIn: 96, dSae: 500, rowNorm: nil, seed: 1).decoder.values
    let bound: Float = 0.25
    #expect(values.allSatisfy { abs($0) <= bound } && values.contains { abs($0) > 0.999 * bound })
    let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
    let square = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
    #expect(abs(mean) < 2e-3)
    #expect(abs(square - 0.0625 / 3) < 2e-4)
  }

  @Test func theDrawDependsOnTheSeedAlone() {
    let first = Parameters.initial(dIn: 16, dSae: 200, rowNorm: 0.1, seed: 1).tensors
    let again = Parameters.initial(dIn: 16, dSae: 200, rowNorm: 0.1, seed: 1).tensors
    let other = Parameters.initial(dIn: 16, dSae: 200, rowNorm: 0.1, seed: 2).tensors
    #expect(first == again)
    #expect(first[2] != other[2])
  }

  @Test func theMeanIsThatOfEachColumn() {
    #expect(Centre.mean([1, 10, 2, 20, 6, 30].span, columns: 2) == [3, 20])
  }

  @Test func theGeometricMedianIsHardlyMovedByAnOutlier() {
    let corners: [Float] = [0, 0, 2, 0, 0, 2, 2, 2]
    let square = Centre.geometricMedian(corners.span, columns: 2)
    #expect(worstError(square, [1, 1]) < 1e-5)
    let outlier: [Float] = corners + [1000, 1000]
    let pulled = Centre.geometricMedian(outlier.span, columns: 2)
    // The minimum of 2·√(a² + …) lies on the diagonal; the mean would be 200.8.
    #expect(pulled[0] > 1 && pulled[0] < 2 && abs(pulled[0] - pulled[1]) < 1e-4)
  }

  @Test func theGeometricMedianOfOnePointIsThatPoint() {
    #expect(Centre.geometricMedian([3, -4, 5].span, columns: 3) == [3, -4, 5])
  }
}
