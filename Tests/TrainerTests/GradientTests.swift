import Shared
import Support
import Testing
import Trainer

/// The engine's figures and gradients against a textbook twin in double precision.
@Suite struct GradientTests {
  static let trials: [SAETrial] = [
    SAETrial(.standard) { $0.name = "standard" },
    SAETrial(.standard) { trial in
      trial.name = "standard, p = 0.5"
      trial.settings.lpNorm = 0.5
      trial.sparsityCoefficient = 0.002
    },
    SAETrial(.standard) { trial in
      trial.name = "standard, p = 2, plain input"
      trial.settings.lpNorm = 2
      trial.settings.applyBDecToInput = false
    },
    SAETrial(.topk) { $0.name = "topk" },
    SAETrial(.topk) { trial in
      trial.name = "topk without rescaling"
      trial.settings.rescaleActsByDecoderNorm = false
    },
    SAETrial(.topk) { trial in
      trial.name = "topk, few dead"
      trial.dead = [3, 17, 40]
    },
    SAETrial(.topk) { trial in
      trial.name = "topk, many dead, plain input"
      trial.settings.applyBDecToInput = false
      trial.settings.auxLossCoefficient = 0.7
      trial.dead = Array(stride(from: 1, to: 64, by: 3))
    },
    SAETrial(.topk) { trial in
      trial.name = "topk without rescaling, many dead"
      trial.settings.rescaleActsByDecoderNorm = false
      trial.dead = Array(10..<40)
    },
    SAETrial(.topk) { trial in
      trial.name = "topk, all dead"
      trial.dead = Array(0..<64)
    },
  ]
  static let paths: [StepPath] = [.sparse, .dense]

  @Test(arguments: trials, paths) func lossesFollowTheFormula(trial: SAETrial, path: StepPath) {
    let batch = trial.batch()
    let rows = trial.doubleRows(batch)
    let expected = trial.reference.losses(rows, residuals: trial.reference.residuals(rows))
    var engine = trial.engine(path)
    var state = trial.state
    let report = engine.differentiate(
      batch.span, state: &state, sparsityCoefficient: trial.sparsityCoefficient)
    #expect(abs(report.mse - expected.mse) < 1e-5 * expected.mse)
    #expect(abs(report.sparsity - expected.sparsity) <= 1e-5 * expected.sparsity)
    #expect(abs(report.auxiliary - expected.auxiliary) <= 1e-5 * expected.auxiliary)
    #expect(report.deadLatents == trial.dead.count)
    let active = rows.map { row in trial.reference.encode(row).activations.count { $0 > 0 } }
    #expect(abs(report.l0 - Double(active.reduce(0, +)) / Double(trial.rows)) < 1e-9)
  }

  @Test(arguments: trials, paths)
  func explainedVarianceFollowsTheFormula(trial: SAETrial, path: StepPath) {
    let batch = trial.batch()
    let rows = trial.doubleRows(batch)
    var engine = trial.engine(path)
    var state = trial.state
    let report = engine.differentiate(batch.span, state: &state, sparsityCoefficient: 0)
    let mean = (0..<trial.dIn).map { column in
      rows.reduce(0) { $0 + $1[column] } / Double(rows.count)
    }
    let variance = rows.reduce(0) { sum, row in
      sum + zip(row, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let expected = 1 - report.mse * Double(rows.count) / variance
    #expect(abs(report.explainedVariance - expected) < 1e-5)
  }

  @Test(arguments: trials, paths)
  func gradientsAreTheDerivativesOfTheLoss(trial: SAETrial, path: StepPath) {
    let batch = trial.batch()
    let rows = trial.doubleRows(batch)
    let reference = trial.reference
    let residuals = reference.residuals(rows)
    var engine = trial.engine(path)
    var state = trial.state
    _ = engine.differentiate(
      batch.span, state: &state, sparsityCoefficient: trial.sparsityCoefficient)
    for tensor in SAEReference.Tensor.allCases {
      let gradient = engine.gradient.tensors[tensor.rawValue]
      let scale = Double(gradient.map(abs).max() ?? 0)
      for index in sample(gradient.count, tensor) {
        let expected = reference.derivative(tensor, index, rows, residuals: residuals)
        let error = abs(Double(gradient[index]) - expected)
        #expect(
          error < 2e-5 * scale + 1e-4 * abs(expected), "\(tensor) \(index): \(expected)")
      }
    }
  }

  /// Up to 40 indices, different ones for each tensor.
  private func sample(_ count: Int, _ tensor: SAEReference.Tensor) -> [Int] {
    let random = Random(seed: 5, stream: "sample", index: tensor.rawValue)
    return count <= 40 ? Array(0..<count) : (0..<40).map { random.integer($0, below: count) }
  }
}
