import Foundation
import Shared
import Testing
import Trainer

@Suite struct OptimizerTests {
  private let optimizer = Optimizer(beta1: 0.9, beta2: 0.999)

  /// Numbers of every tensor, more than one task's worth of the encoder.
  private func gradient(_ step: Int, norm: Double? = nil) -> Parameters {
    var result = Parameters(dIn: 40, dSae: 2000)
    let random = Random(seed: step, stream: "gradient")
    let spread = norm.map { $0 / Double(2 * 80000 + 2000 + 40).squareRoot() } ?? 1e-3
    result.fill(
      [80000, 2000, 80000, 40].enumerated().map { tensor, count in
        (0..<count).map { Float(random.normal(100_000 * tensor + $0) * spread) }
      })
    return result
  }

  private func norm(_ gradient: borrowing Parameters) -> Double {
    gradient.tensors.joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test func aLargeGradientIsScaledToNormOne() {
    let large = gradient(1, norm: 30)
    let expected = 1 / (norm(large) + 1e-6)
    #expect(
      abs(Double(optimizer.clippingFactor(norm: optimizer.norm(large))) - expected) < 1e-6
        * expected)
  }

  @Test func theBoundIsTheUsersAndZeroIsNone() {
    let norm = optimizer.norm(gradient(1, norm: 30))
    let bound = Optimizer(beta1: 0.9, beta2: 0.999, maxNorm: 4)
    #expect(bound.clippingFactor(norm: norm) == Float(4 / (norm + 1e-6)))
    #expect(Optimizer(beta1: 0.9, beta2: 0.999, maxNorm: 0).clippingFactor(norm: norm) == 1)
    var settings = TrainSettings()
    settings.maxGradNorm = 0
    #expect(SAEConfiguration(settings, dIn: 3).maxGradNorm == 0)
  }

  @Test func aSmallGradientIsLeftAsItIs() {
    #expect(optimizer.clippingFactor(norm: optimizer.norm(gradient(1, norm: 0.9))) == 1)
    #expect(optimizer.clippingFactor(norm: optimizer.norm(Parameters(dIn: 3, dSae: 5))) == 1)
  }

  @Test func updatesFollowAdamsFormula() {
    var state = TrainingState(dIn: 40, dSae: 2000)
    state.parameters.fill(gradient(9, norm: 400).tensors)
    var twin = AdamTwin(state.parameters.tensors)
    for step in 1...12 {
      let gradient = gradient(step)
      optimizer.update(&state, gradient, factor: 0.5, step: step, learningRate: 0.01)
      twin.update(gradient.tensors, factor: 0.5, step: step, learningRate: 0.01)
    }
    for (values, expected) in zip(state.parameters.tensors, twin.parameters) {
      #expect(worstError(values, expected.map { Float($0) }) < 1e-4)
    }
    for (values, expected) in zip(state.secondMoment.tensors, twin.second) {
      #expect(worstError(values, expected.map { Float($0) }) < 1e-4)
    }
  }

  @Test func aLogarithmLearnsWhereItIsAskedFor() {
    let optimizer = Optimizer(beta1: 0.9, beta2: 0.999, logarithmic: [.threshold])
    let shape = ParameterShape(dIn: 2, dOut: 2, dSae: 3, kinds: [.decoder, .threshold])
    var state = TrainingState(shape)
    var logarithms = [0.01, 0.5, 2].map { log($0) }
    for latent in 0..<3 { state.parameters.threshold[0, latent] = Float(exp(logarithms[latent])) }
    var twin = AdamTwin([logarithms.map { Float($0) }])
    for step in 1...12 {
      var gradient = Parameters(shape)
      for latent in 0..<3 { gradient.threshold[0, latent] = Float(latent - 1) + Float(step) / 9 }
      let slopes = (0..<3).map { gradient.threshold[0, $0] * state.parameters.threshold[0, $0] }
      optimizer.deriveByLogarithms(&gradient, state.parameters)
      #expect(gradient.threshold.values == slopes)
      optimizer.update(&state, gradient, factor: 1, step: step, learningRate: 0.1)
      twin.update([slopes], factor: 1, step: step, learningRate: 0.1)
    }
    logarithms = twin.parameters[0]
    #expect(worstError(state.parameters.threshold.values, logarithms.map { Float(exp($0)) }) < 1e-5)
  }

  @Test func anEntryWithoutGradientStays() {
    var state = TrainingState(dIn: 2, dSae: 2)
    state.parameters.encoder[1, 1] = 0.75
    optimizer.update(
      &state, Parameters(dIn: 2, dSae: 2), factor: 1, step: 1, learningRate: 1)
    #expect(state.parameters.encoder.values == [0, 0, 0, 0.75])
  }
}

/// Adam (Kingma, Ba 2015) in double precision.
private struct AdamTwin {
  var parameters: [[Double]]
  var first: [[Double]]
  var second: [[Double]]

  init(_ parameters: [[Float]]) {
    self.parameters = parameters.map { $0.map(Double.init) }
    first = parameters.map { [Double](repeating: 0, count: $0.count) }
    second = first
  }

  mutating func update(_ gradient: [[Float]], factor: Double, step: Int, learningRate: Double) {
    var (decay1, decay2) = (1.0, 1.0)
    for _ in 0..<step { (decay1, decay2) = (decay1 * 0.9, decay2 * 0.999) }
    for tensor in gradient.indices {
      for (index, value) in gradient[tensor].enumerated() {
        let g = Double(value) * factor
        first[tensor][index] = 0.9 * first[tensor][index] + 0.1 * g
        second[tensor][index] = 0.999 * second[tensor][index] + 0.001 * g * g
        parameters[tensor][index] -=
          learningRate * first[tensor][index] / (1 - decay1)
          / ((second[tensor][index] / (1 - decay2)).squareRoot() + 1e-8)
      }
    }
  }
}
