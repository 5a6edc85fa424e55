import Foundation
import Shared
import Support
import Testing

@Suite struct KernelsTests {
  /// Lengths around the lanes: none, below eight, whole, and with a rest.
  static let lengths = [1, 3, 8, 15, 16, 17, 64, 333]

  @Test(arguments: [Activation.gelu, .geluTanh, .silu, .relu, .quickGELU, .squaredReLU], lengths)
  func anActivationAgreesWithItsFormula(activation: Activation, length: Int) {
    for range: Float in [1, 6, 30, 200] {
      let input = ReferenceKernels.numbers(length, range: range, seed: length)
      var output = input
      var span = output.mutableSpan
      Kernels.activate(activation, &span)
      for (x, y) in zip(input, output) {
        let expected = ReferenceKernels.activate(activation, Double(x))
        let error = abs(Double(y) - expected)
        #expect(error <= 4e-7 * max(1, abs(Double(x)), abs(expected)), "\(activation) of \(x)")
      }
    }
  }

  @Test(arguments: lengths) func softmaxAgreesWithItsFormula(length: Int) {
    let input = ReferenceKernels.numbers(length, range: 40, seed: length)
    var output = input
    var span = output.mutableSpan
    Kernels.softmax(&span)
    let expected = ReferenceKernels.softmax(input.map { Double($0) })
    for (x, y) in zip(output, expected) { #expect(abs(Double(x) - y) < 5e-7) }
  }

  @Test(arguments: lengths) func aSinkTakesItsShareOfTheWeights(length: Int) {
    let input = ReferenceKernels.numbers(length, range: 4, seed: length)
    var output = input
    var span = output.mutableSpan
    Kernels.softmax(&span, sink: 1.5)
    let expected = ReferenceKernels.softmax(input.map { Double($0) } + [1.5]).dropLast()
    for (x, y) in zip(output, expected) { #expect(abs(Double(x) - y) < 5e-7) }
  }

  @Test(arguments: lengths) func soluMultipliesWithTheSoftmaxOfARow(length: Int) {
    let input = ReferenceKernels.numbers(length, range: 4, seed: length)
    var output = input
    var span = output.mutableSpan
    Kernels.activate(.solu, &span)
    let weights = ReferenceKernels.softmax(input.map { Double($0) })
    for index in input.indices {
      #expect(abs(Double(output[index]) - Double(input[index]) * weights[index]) < 5e-6)
    }
  }

  @Test func gatesAndInputsAlternateAndStayWithinTheLimit() {
    var row: [Float] = [1, 2, 9, -9, -3, 0.5]
    var span = row.mutableSpan
    Kernels.gateClamped(&span, alpha: 1.5, limit: 4)
    func expected(_ g: Double, _ x: Double) -> Double { g / (1 + exp(-1.5 * g)) * (x + 1) }
    for (value, wanted) in zip(row, [expected(1, 2), expected(4, -4), expected(-3, 0.5)]) {
      #expect(abs(Double(value) - wanted) < 1e-5)
    }
    var bounded: [Float] = [-3, -1, 0, 1, 3]
    var boundedSpan = bounded.mutableSpan
    Kernels.clamp(&boundedSpan, limit: 2)
    #expect(bounded == [-2, -1, 0, 1, 2])
  }

  @Test func neighborsAreRotatedTogether() {
    var row: [Float] = [1, 0, 0, 1, 7, 3, 4, 2, 2, 8]
    let (cosines, sines): ([Float], [Float]) = ([0.6, 0], [0.8, 1])
    var span = row.mutableSpan
    Kernels.rotateNeighbors(&span, headWidth: 5, cosines: cosines.span, sines: sines.span)
    let expected: [Float] = [0.6, 0.8, -1, 0, 7, -1.4, 4.8, -2, 2, 8]
    for (value, wanted) in zip(row, expected) { #expect(abs(value - wanted) < 1e-6) }
  }

  @Test(arguments: [NormKind.layer, .rootMeanSquare], lengths)
  func aNormInPlaceIsTheNorm(kind: NormKind, length: Int) {
    let input = ReferenceKernels.numbers(length, range: 5, seed: length).map { $0 + 2 }
    var (apart, inPlace) = ([Float](repeating: 0, count: length), input)
    var target = apart.mutableSpan
    var row = inPlace.mutableSpan
    let scale = Kernels.normalize(input.span, kind, epsilon: 1e-5, into: &target)
    #expect(Kernels.normalizeInPlace(&row, kind, epsilon: 1e-5) == scale)
    #expect(inPlace == apart)
  }

  @Test func meansAreTakenFromEachRun() {
    var row: [Float] = [1, 2, 3, 10, 20, 30]
    var span = row.mutableSpan
    Kernels.subtractMeans(&span, over: 3)
    #expect(row == [-1, 0, 1, -10, 0, 10])
  }

  @Test(arguments: [Float(2), 30, 50]) func aSoftCapAgreesWithItsFormula(cap: Float) {
    let input = ReferenceKernels.numbers(40, range: 200, seed: 3) + [0, 1e-4, -1e-4, 1e4, -1e4]
    var output = input
    var span = output.mutableSpan
    Kernels.softCap(&span, cap: cap)
    for (x, y) in zip(input, output) {
      let expected = Double(cap) * tanh(Double(x) / Double(cap))
      #expect(abs(Double(y) - expected) < 3e-7 * Double(cap), "\(x)")
    }
  }

  @Test func softmaxOfOneScoreIsOneHoweverLarge() {
    for score: Float in [-3e38, -100, 0, 100, 3e38] {
      var row = [score]
      var span = row.mutableSpan
      Kernels.softmax(&span)
      #expect(row == [1])
    }
  }

  @Test(arguments: [NormKind.layer, .rootMeanSquare], lengths)
  func aNormAgreesWithItsFormula(kind: NormKind, length: Int) {
    let input = ReferenceKernels.numbers(length, range: 5, seed: length).map { $0 + 2 }
    var output = [Float](repeating: .nan, count: length)
    var span = output.mutableSpan
    let scale = Kernels.normalize(input.span, kind, epsilon: 1e-5, into: &span)
    let expected = ReferenceKernels.normalize(
      input.map { Double($0) }, kind, epsilon: Double(Float(1e-5)))
    #expect(abs(Double(scale) - expected.scale) < 1e-6 * max(1, expected.scale))
    for (x, y) in zip(output, expected.row) { #expect(abs(Double(x) - y) < 2e-6) }
  }

  @Test(arguments: lengths) func reductionsAgreeWithPlainLoops(length: Int) {
    let row = ReferenceKernels.numbers(length, range: 5, seed: length)
    let sum = row.reduce(0.0) { $0 + Double($1) }
    let squares = row.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(abs(Double(Kernels.sum(row.span)) - sum) < 1e-5 * Double(length))
    #expect(abs(Double(Kernels.squareSum(row.span)) - squares) < 1e-5 * squares + 1e-6)
    #expect(Kernels.maximum(row.span) == row.max())
  }

  @Test func gainAndBiasAreAppliedElementByElement() {
    let (gain, bias, none): ([Float], [Float], [Float]) = ([2, 3, 4], [1, 0, -1], [])
    var row: [Float] = [1, 2, 3]
    var span = row.mutableSpan
    Kernels.affine(&span, gain: gain.span, bias: bias.span)
    #expect(row == [3, 6, 11])
    var other: [Float] = [1, 2, 3]
    var otherSpan = other.mutableSpan
    Kernels.affine(&otherSpan, gain: gain.span, bias: none.span)
    #expect(other == [2, 6, 12])
  }

  @Test func aQuarterTurnMovesTheFirstHalfOfEachHeadToTheSecond() {
    var row: [Float] = [1, 2, 3, 4, 9, 5, 6, 7, 8, 9]
    let (cosines, sines): ([Float], [Float]) = ([0, 0], [1, 1])
    var span = row.mutableSpan
    Kernels.rotate(&span, headWidth: 5, cosines: cosines.span, sines: sines.span)
    #expect(row == [-3, -4, 1, 2, 9, -7, -8, 5, 6, 9])
  }

  @Test func rowsAreAddedCopiedAndMultiplied() {
    var row: [Float] = [1, 2, 3]
    let other: [Float] = [4, 5, 6]
    var span = row.mutableSpan
    Kernels.add(other.span, to: &span)
    Kernels.multiply(by: other.span, &span)
    #expect(row == [20, 35, 54])
    var copySpan = row.mutableSpan
    Kernels.copy(other.span, to: &copySpan)
    #expect(row == other)
  }
}
