// The steps of an MLP within a block. Each leaves its result in the pass's work memory and lends it
// to the visitor, who may change it.

extension ForwardPass {
  /// output ← MLP(normalized), or what its experts make of it.
  mutating func applyMLP(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    switch places.mlp {
    case .none: return
    case .dense(let dense): try applyDense(weights, dense, layer, tokens: tokens, visit)
    case .routed(let routed): try applyExperts(weights, routed, layer, tokens: tokens, visit)
    }
    guard continues(after: .mlpAfter, layer) else { return }
    if let place = places.mlpNorm {
      try emit(.mlpProjected, layer, output, tokens: tokens, visit)
      try normalizeOutput(
        weights, place, [.mlpNormScale, .mlpNormNormalized], layer, tokens: tokens, visit)
    }
    try emit(.mlpOutput, layer, output, tokens: tokens, visit)
  }

  private mutating func applyDense(
    _ weights: borrowing ModelWeights, _ places: DensePlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    let (width, activation) = (model.mlpWidth(layer: layer), model.activation)
    // A plain MLP's activation is applied block by block, unless somebody looks before.
    let isFused =
      !model.isGated && activation.isElementwise && !wants(.mlpBefore, layer)
      && continues(after: .mlpLinear, layer)
    Rows.project(
      weights, places.input, normalized, into: &hidden, scratch: &tiles, tokens: tokens,
      activation: isFused ? activation : nil)
    if !isFused {
      try emit(.mlpBefore, layer, hidden, tokens: tokens, visit)
      try emit(.mlpLinear, layer, hidden, tokens: tokens, column: width, visit)
      guard continues(after: .mlpLinear, layer) else { return }
      Rows.activate(activation, &hidden, width: width, tokens: tokens)
    }
    if model.isGated {
      try emit(.mlpActivated, layer, hidden, tokens: tokens, visit)
      Rows.gate(&hidden, width: width, tokens: tokens)
    }
    if let place = places.activationNorm {
      try normalizeActivation(weights, place, layer, tokens: tokens, visit)
    } else {
      try emit(.mlpAfter, layer, hidden, tokens: tokens, visit)
    }
    guard continues(after: .mlpAfter, layer) else { return }
    Rows.project(weights, places.output, hidden, into: &output, scratch: &tiles, tokens: tokens)
  }

  /// hidden ← norm(hidden).
  private mutating func normalizeActivation(
    _ weights: borrowing ModelWeights, _ place: NormPlace, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    let width = model.mlpWidth(layer: layer)
    try emit(.mlpMiddle, layer, hidden, tokens: tokens, visit)
    Rows.normalizeHeads(
      &hidden, columns: 0..<width, headWidth: width, norm, scales: &scale, tokens: tokens)
    try emit(.activationNormScale, layer, scale, tokens: tokens, visit)
    try emit(.activationNormNormalized, layer, hidden, tokens: tokens, visit)
    // Where norms are folded, the gain has gone into the projection.
    if processing.foldsNorms { try emit(.mlpAfter, layer, hidden, tokens: tokens, visit) }
    Rows.scale(
      &hidden, gain: weights.vector(place.gain), bias: weights.vector(place.bias), tokens: tokens)
    if !processing.foldsNorms { try emit(.mlpAfter, layer, hidden, tokens: tokens, visit) }
  }
}
