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
    SAETrial(.standard) { trial in
      trial.name = "standard, sparsity without norms"
      trial.settings.scaleSparsityPenaltyByDecoderNorm = false
    },
    SAETrial(.standard) { trial in
      trial.name = "standard with ghosts"
      trial.settings.useGhostGrads = true
      trial.dead = [3, 9, 40, 41]
    },
    SAETrial(.gated) { $0.name = "gated" },
    SAETrial(.gated) { trial in
      trial.name = "gated, plain input"
      trial.settings.applyBDecToInput = false
    },
    SAETrial(.abstopk) { trial in
      trial.name = "abstopk, many dead"
      trial.dead = Array(stride(from: 1, to: 64, by: 3))
    },
    SAETrial(.batchtopk) { trial in
      trial.name = "batchtopk, a fraction, some dead"
      trial.settings.k = 6.4
      trial.dead = [5, 8, 61]
    },
    SAETrial(.batchtopk) { trial in
      trial.name = "batchtopk without rescaling, plain input"
      trial.settings.rescaleActsByDecoderNorm = false
      trial.settings.applyBDecToInput = false
    },
    SAETrial(.matryoshkaBatchtopk) { trial in
      trial.name = "matryoshka"
      trial.settings.matryoshkaWidths = WholeNumbers([6, 20])
      trial.dead = [2, 7, 30, 31]
    },
    SAETrial(.matryoshkaBatchtopk) { trial in
      trial.name = "matryoshka, losses of its own for dead latents"
      trial.settings.matryoshkaWidths = WholeNumbers([6, 20, 64])
      trial.settings.useMatryoshkaAuxLoss = true
      trial.dead = [2, 7, 8, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]
    },
    SAETrial(.jumprelu) { trial in
      trial.name = "jumprelu"
      trial.settings.jumpreluBandwidth = 0.4
    },
    SAETrial(.jumprelu) { trial in
      trial.name = "jumprelu, tanh, band to the input, dead latents"
      trial.settings.jumpreluBandwidth = 0.4
      trial.settings.jumpreluSparsityLossMode = .tanh
      trial.settings.jumpreluSteToInput = true
      trial.settings.preActLossCoefficient = 0.3
      trial.dead = [1, 2, 50]
    },
    SAETrial(.jumprelu) { trial in
      trial.name = "jumprelu, quadratic, plain input"
      trial.settings.jumpreluBandwidth = 0.3
      trial.settings.jumpreluSparsityLossMode = .quadratic
      trial.settings.targetL0 = 5
      trial.settings.jumpreluSteToInput = true
      trial.settings.applyBDecToInput = false
    },
    SAETrial(.matchingPursuit) { trial in
      trial.name = "matching pursuit"
      trial.settings.maxIterations = 5
      trial.settings.residualThreshold = 0
    },
    SAETrial(.matchingPursuit) { trial in
      trial.name = "matching pursuit, plain input"
      trial.settings.maxIterations = 3
      trial.settings.residualThreshold = 0
      trial.settings.applyBDecToInput = false
    },
    SAETrial(.transcoder) { $0.name = "transcoder" },
    SAETrial(.skipTranscoder) { $0.name = "skip transcoder" },
    SAETrial(.jumpreluTranscoder) { trial in
      trial.name = "jumprelu transcoder"
      trial.settings.jumpreluBandwidth = 0.4
    },
    SAETrial(.jumpreluSkipTranscoder) { trial in
      trial.name = "jumprelu skip transcoder"
      trial.settings.jumpreluBandwidth = 0.4
    },
  ]
  static let paths: [StepPath] = [.sparse, .dense]

  @Test(arguments: trials) func lossesFollowTheFormula(trial: SAETrial) {
    let (batch, targets) = (trial.batch(), trial.targets())
    let rows = trial.doubleRows(batch)
    let reference = trial.reference
    let expected = reference.losses(rows, targets: trial.targetRows)
    let active = reference.activations(rows).reduce(0) { $0 + $1.count { $0 != 0 } }
    for path in Self.paths {
      var engine = trial.engine(path)
      var state = trial.state
      let report = engine.differentiate(
        batch.span, targets: targets.span, state: &state,
        sparsityCoefficient: trial.sparsityCoefficient)
      let figures = [
        (report.mse, expected.mse), (report.sparsity, expected.sparsity),
        (report.auxiliary, expected.auxiliary), (report.ghost, expected.ghost),
        (report.preAct, expected.preAct),
      ]
      for (value, expected) in figures + zip(report.inner, expected.inner) {
        #expect(abs(value - expected) <= 1e-5 * abs(expected))
      }
      #expect(report.inner.count == expected.inner.count)
      #expect(report.deadLatents == trial.dead.count)
      #expect(abs(report.l0 - Double(active) / Double(trial.rows)) < 1e-9)
    }
  }

  @Test(arguments: trials, paths)
  func explainedVarianceFollowsTheFormula(trial: SAETrial, path: StepPath) {
    let (batch, targets) = (trial.batch(), trial.targets())
    let rows = trial.targetRows ?? trial.doubleRows(batch)
    var engine = trial.engine(path)
    var state = trial.state
    let report = engine.differentiate(
      batch.span, targets: targets.span, state: &state, sparsityCoefficient: 0)
    let mean = rows[0].indices.map { column in
      rows.reduce(0) { $0 + $1[column] } / Double(rows.count)
    }
    let variance = rows.reduce(0) { sum, row in
      sum + zip(row, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    let expected = 1 - report.mse * Double(rows.count) / variance
    #expect(abs(report.explainedVariance - expected) < 1e-5)
    let outs = trial.reference.reconstructions(trial.doubleRows(batch))
    let shares = zip(rows, outs).map { row, out in
      let deviation = zip(row, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return 1 - zip(row, out).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / deviation
    }
    let average = shares.reduce(0, +) / Double(shares.count)
    let squares = shares.reduce(0) { $0 + ($1 - average) * ($1 - average) }
    let deviation = (squares / Double(shares.count - 1)).squareRoot()
    #expect(abs((report[.explainedVarianceOfRows] ?? .nan) - average) < 1e-4)
    #expect(abs((report[.explainedVarianceDeviation] ?? .nan) - deviation) < 1e-4)
  }

  @Test(arguments: trials) func gradientsAreTheDerivativesOfTheLoss(trial: SAETrial) {
    let (batch, targets) = (trial.batch(), trial.targets())
    let rows = trial.doubleRows(batch)
    let reference = trial.reference
    let gradients = Self.paths.map { path in
      var engine = trial.engine(path)
      var state = trial.state
      _ = engine.differentiate(
        batch.span, targets: targets.span, state: &state,
        sparsityCoefficient: trial.sparsityCoefficient)
      return SAEReference.Tensor.allCases.map { engine.gradient($0.parameter) }
    }
    for tensor in SAEReference.Tensor.allCases {
      let count = gradients[0][tensor.rawValue].count
      let scale = gradients[0][tensor.rawValue].map { Double(abs($0)) }.max() ?? 0
      for index in sample(count, tensor) {
        let expected = reference.derivative(tensor, index, rows, targets: trial.targetRows)
        for gradient in gradients {
          let error = abs(Double(gradient[tensor.rawValue][index]) - expected)
          #expect(
            error <= 2e-5 * scale + 1e-4 * abs(expected), "\(tensor) \(index): \(expected)")
        }
      }
    }
  }

  /// Up to 24 indices, different ones for each tensor.
  private func sample(_ count: Int, _ tensor: SAEReference.Tensor) -> [Int] {
    let random = Random(seed: 5, stream: "sample", index: tensor.rawValue)
    return count <= 24 ? Array(0..<count) : (0..<24).map { random.integer($0, below: count) }
  }
}

extension SAETrial {
  /// The targets of a transcoder as rows in double precision.
  fileprivate var targetRows: [[Double]]? {
    let targets = targets()
    return targets.isEmpty ? nil : doubleRows(targets, width: dOut)
  }
}
