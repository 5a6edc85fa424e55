// The update of the parameters: clipping by the global norm, then Adam, each in one pass over
// memory. As torch 2 does it, in float32.

import Foundation
import Shared

/// Adam with clipping of the gradient's global norm.
package struct Optimizer: Sendable {
  private let beta1: Double
  private let beta2: Double
  /// The bound on the norm of the whole gradient; 0 is none.
  private let maxNorm: Double
  /// Parameters above zero whose logarithms learn.
  private let logarithmic: Set<ParameterKind>
  /// Elements per task; fixed, so that sums do not depend on the number of threads.
  fileprivate static let block = 1 << 16

  package init(
    beta1: Double, beta2: Double, maxNorm: Double = 1, logarithmic: Set<ParameterKind> = []
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.maxNorm = maxNorm
    self.logarithmic = logarithmic
  }

  /// dL/dlog p = p·dL/dp, for the parameters whose logarithms learn.
  package func deriveByLogarithms(
    _ gradient: inout Parameters, _ parameters: borrowing Parameters
  ) {
    let values = ParameterReader(parameters)
    for kind in gradient.shape.kinds where logarithmic.contains(kind) {
      let value = values[kind]
      var slope = ParameterWriter(&gradient)[kind].slice(value.indices)
      for index in value.indices { slope[index] *= value[index] }
    }
  }

  /// The norm of all parameters' gradients together.
  package func norm(
    _ gradient: borrowing Parameters, of kinds: Set<ParameterKind> = Set(ParameterKind.allCases)
  ) -> Double {
    let values = ParameterReader(gradient)
    var sum = 0.0
    for kind in gradient.shape.kinds where kinds.contains(kind) {
      sum += Self.squaredNorm(values[kind])
    }
    return sum.squareRoot()
  }

  /// The factor that brings a gradient to a norm of at most `maxNorm`: min(1, maxNorm / (‖g‖ + 1e-6)),
  /// as torch's clip_grad_norm_ does.
  package func clippingFactor(norm: Double) -> Float {
    maxNorm > 0 ? Float(min(1, maxNorm / (norm + 1e-6))) : 1
  }

  private static func squaredNorm(_ values: Span<Float>) -> Double {
    let blocks = (values.count + block - 1) / block
    var partial = [Double](repeating: 0, count: blocks)
    var span = partial.mutableSpan
    span.withDisjoint { BlockNorms(values, copy $0).run(blocks) }
    return partial.reduce(0, +)
  }

  /// Takes step number `step` (the first is 1) with the gradient times `factor`; other parameters
  /// than those of `kinds` stay as they are, moments included.
  package func update(
    _ state: inout TrainingState, _ gradient: borrowing Parameters,
    _ kinds: Set<ParameterKind> = Set(ParameterKind.allCases), factor: Float, step: Int,
    finetuningStep: Int = 0, learningRate: Double
  ) {
    for kind in gradient.shape.kinds where kinds.contains(kind) {
      // A factor of a latent starts to learn with fine-tuning.
      let rates = rates(
        factor: factor, step: kind == .latentScale ? finetuningStep : step,
        learningRate: learningRate)
      update(
        kind, &state.parameters, first: &state.firstMoment, second: &state.secondMoment, gradient,
        rates)
    }
  }

  private func update(
    _ kind: ParameterKind, _ parameters: inout Parameters, first: inout Parameters,
    second: inout Parameters, _ gradient: borrowing Parameters, _ rates: Rates
  ) {
    AdamUpdate(
      ParameterReader(gradient)[kind], ParameterWriter(&parameters)[kind],
      first: ParameterWriter(&first)[kind], second: ParameterWriter(&second)[kind], rates
    ).run(byLogarithm: logarithmic.contains(kind))
  }

  private func rates(factor: Float, step: Int, learningRate: Double) -> Rates {
    let first = 1 - power(beta1, step)
    let second = 1 - power(beta2, step)
    return Rates(
      factor: factor, keep1: Float(beta1), take1: Float(1 - beta1), keep2: Float(beta2),
      take2: Float(1 - beta2), size: Float(learningRate / first),
      correction: Float(second.squareRoot()))
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    var square = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }
}

/// The numbers of a step of Adam.
private struct Rates: Sendable {
  let factor: Float
  let keep1: Float
  let take1: Float
  let keep2: Float
  let take2: Float
  let size: Float
  let correction: Float
}

/// Squared norms of blocks.
private struct BlockNorms: ~Escapable, Sendable {
  private let values: Span<Float>
  private let partial: Disjoint<Double>

  @_lifetime(copy values, copy partial)
  init(_ values: Span<Float>, _ partial: Disjoint<Double>) {
    self.values = values
    self.partial = partial
  }

  func run(_ blocks: Int) {
    Parallel.forEach(blocks) { index in
      let range =
        index * Optimizer.block..<min(values.count, (index + 1) * Optimizer.block)
      partial.set(index, Vector.squaredNorm(values.extracting(range)))
    }
  }
}

/// Adam's step of one parameter.
private struct AdamUpdate: ~Escapable, Sendable {
  private static let epsilon: Float = 1e-8

  private let gradient: Span<Float>
  private let parameter: Disjoint<Float>
  private let first: Disjoint<Float>
  private let second: Disjoint<Float>
  private let rates: Rates

  @_lifetime(copy gradient, copy parameter, copy first, copy second)
  init(
    _ gradient: Span<Float>, _ parameter: Disjoint<Float>, first: Disjoint<Float>,
    second: Disjoint<Float>, _ rates: Rates
  ) {
    self.gradient = gradient
    self.parameter = parameter
    self.first = first
    self.second = second
    self.rates = rates
  }

  func run(byLogarithm: Bool) {
    Parallel.forBlocks(gradient.count, blockSize: Optimizer.block) { range in
      var p = parameter.slice(range)
      var m = first.slice(range)
      var v = second.slice(range)
      let slope = gradient.extracting(range)
      precondition(p.count == m.count && p.count == v.count, "shapes differ")
      if byLogarithm {
        for index in slope.indices {
          p[index] *= exp(-Self.move(&m[index], &v[index], slope[index], rates))
        }
      } else {
        Self.step(&p, &m, &v, slope, rates)
      }
    }
  }

  private static func step(
    _ p: inout MutableSpan<Float>, _ m: inout MutableSpan<Float>, _ v: inout MutableSpan<Float>,
    _ gradient: Span<Float>, _ rates: Rates
  ) {
    let count = gradient.count
    precondition(p.count == count && m.count == count && v.count == count, "shapes differ")
    for index in 0..<count { p[index] -= move(&m[index], &v[index], gradient[index], rates) }
  }

  /// Brings the moments of one number to this step; how far the number falls.
  @inline(__always) private static func move(
    _ mean: inout Float, _ square: inout Float, _ gradient: Float, _ rates: Rates
  ) -> Float {
    let g = gradient * rates.factor
    mean += rates.take1 * (g - mean)
    square = rates.keep2 * square + rates.take2 * g * g
    return rates.size * mean / (square.squareRoot() / rates.correction + epsilon)
  }
}
