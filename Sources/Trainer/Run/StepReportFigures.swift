// The figures of a step by their declarations. Comes in: the report of the engine. Leaves: those that
// the architecture has, which go to the run's log.

extension StepReport {
  /// What the step says of an SAE like this; the coefficient is that of its sparsity loss.
  func figures(_ configuration: SAEConfiguration, sparsityCoefficient: Double) -> Figures {
    var figures: Figures = [
      .mse: mse, .overall: overall, .l0: l0, .explainedVariance: explainedVariance,
      .deadLatents: Double(deadLatents), .gradientNorm: gradientNorm,
    ]
    switch configuration.selection {
    case .relu, .gate:
      figures[.l1] = sparsity
      figures[.l1Coefficient] = sparsityCoefficient
    case .jumpReLU:
      figures[.l0Loss] = sparsity
      figures[.l0Coefficient] = sparsityCoefficient
    case .topk, .absTopK, .batchTopK, .pursuit: break
    }
    if configuration.isTopK || configuration.selection == .gate {
      figures[.auxiliary] = auxiliary
    }
    if configuration.usesGhostGrads { figures[.ghost] = ghost }
    if configuration.preActLossCoefficient > 0 { figures[.preAct] = preAct }
    for (width, loss) in zip(configuration.widths, inner) {
      figures[.inner(width: width)] = loss
    }
    return figures
  }
}
