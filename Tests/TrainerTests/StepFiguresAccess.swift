// Short ways to the figures and gradients of a step, for tests.

import Shared
import Trainer

extension Figures {
  var mse: Double { self[.mse] ?? 0 }
  var sparsity: Double { self[.l1] ?? self[.l0Loss] ?? 0 }
  var auxiliary: Double { self[.auxiliary] ?? 0 }
  var ghost: Double { self[.ghost] ?? 0 }
  var preAct: Double { self[.preAct] ?? 0 }
  var overall: Double { self[.overall] ?? .nan }
  var l0: Double { self[.l0] ?? .nan }
  var explainedVariance: Double { self[.explainedVariance] ?? .nan }
  var deadLatents: Int { Int(self[.deadLatents] ?? -1) }
  var gradientNorm: Double { self[.gradientNorm] ?? .nan }

  /// The losses of inner widths, in ascending order.
  var inner: [Double] {
    filter { $0.figure.name.hasPrefix(Figure.innerLoss.name) }.map(\.value)
  }
}

extension Engine {
  func gradient(_ kind: ParameterKind) -> [Float] { withGradient { $0.values(kind) } }

  /// Of W_encᵀ, b_enc, W_dec, b_dec.
  var gradientTensors: [[Float]] { withGradient { $0.tensors } }

  var gradients: [ParameterKind: [Float]] { withGradient { $0.valuesByKind } }
}

extension Parameters {
  var valuesByKind: [ParameterKind: [Float]] {
    var result: [ParameterKind: [Float]] = [:]
    for kind in shape.kinds { result[kind] = values(kind) }
    return result
  }

  func copied() -> Parameters {
    var result = Parameters(shape)
    result.copy(self)
    return result
  }
}

extension TrainingState {
  /// The running threshold of batchtopk.
  var topkThreshold: Double { carried["topk_threshold"]?.first ?? 0 }
}
