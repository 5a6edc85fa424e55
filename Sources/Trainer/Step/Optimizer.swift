// The update of the parameters: clipping by the global norm, then Adam, each in one pass over
// memory. As torch 2 does it, in float32.

import Shared

/// Adam with clipping of the gradient's global norm.
package struct Optimizer: Sendable {
  private let beta1: Double
  private let beta2: Double
  private static let epsilon: Float = 1e-8
  /// SAELens's bound on the norm of the whole gradient.
  private static let largestNorm = 1.0
  /// Elements per task; fixed, so that sums do not depend on the number of threads.
  private static let block = 1 << 16

  package init(beta1: Double, beta2: Double) {
    self.beta1 = beta1
    self.beta2 = beta2
  }

  /// The norm of all parameters' gradients together.
  package func norm(
    _ gradient: borrowing Parameters, of kinds: Set<ParameterKind> = Set(ParameterKind.allCases)
  ) -> Double {
    var sum = 0.0
    for kind in gradient.shape.kinds where kinds.contains(kind) {
      sum += gradient.with(kind) { Self.squaredNorm($0) }
    }
    return sum.squareRoot()
  }

  /// The factor that brings a gradient to a norm of at most 1: min(1, 1 / (‖g‖ + 1e-6)).
  package static func clippingFactor(norm: Double) -> Float {
    Float(min(1, largestNorm / (norm + 1e-6)))
  }

  private static func squaredNorm(_ matrix: borrowing Matrix) -> Double {
    let values = matrix.span
    let blocks = (values.count + block - 1) / block
    var partial = [Double](repeating: 0, count: blocks)
    var span = partial.mutableSpan
    span.withDisjoint { partial in
      Parallel.forEach(blocks) { index in
        let range = index * block..<min(values.count, (index + 1) * block)
        partial.set(index, Vector.squaredNorm(values.extracting(range)))
      }
    }
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
      state.parameters.with(kind) { parameter in
        state.firstMoment.with(kind) { first in
          state.secondMoment.with(kind) { second in
            gradient.with(kind) { update(parameter, first, second, $0, rates) }
          }
        }
      }
    }
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

  private struct Rates: Sendable {
    let factor: Float
    let keep1: Float
    let take1: Float
    let keep2: Float
    let take2: Float
    let size: Float
    let correction: Float
  }

  private func update(
    _ parameter: borrowing Matrix, _ first: borrowing Matrix, _ second: borrowing Matrix,
    _ gradient: borrowing Matrix, _ rates: Rates
  ) {
    let gradient = gradient.span
    let parameter = parameter.disjoint
    let first = first.disjoint
    let second = second.disjoint
    Parallel.forBlocks(gradient.count, blockSize: Self.block) { range in
      let g = gradient.extracting(range)
      parameter.withSlice(range) { p in
        first.withSlice(range) { m in
          second.withSlice(range) { v in Self.step(&p, &m, &v, g, rates) }
        }
      }
    }
  }

  private static func step(
    _ p: inout MutableSpan<Float>, _ m: inout MutableSpan<Float>, _ v: inout MutableSpan<Float>,
    _ gradient: Span<Float>, _ rates: Rates
  ) {
    let count = gradient.count
    precondition(p.count == count && m.count == count && v.count == count, "shapes differ")
    for index in 0..<count {
      let g = gradient[index] * rates.factor
      let mean = m[index] + rates.take1 * (g - m[index])
      let square = rates.keep2 * v[index] + rates.take2 * g * g
      m[index] = mean
      v[index] = square
      p[index] -= rates.size * mean / (square.squareRoot() / rates.correction + epsilon)
    }
  }
}
