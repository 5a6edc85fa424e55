// The steps of a forward pass: embedding, blocks, end. Each reads the description, leaves its result
// in the pass's work memory and lends it to the visitor, who may change it. Those of attention are in
// AttentionSteps.

extension ForwardPass {
  var norm: Norm { Norm(kind: model.norm, epsilon: model.normEpsilon) }

  mutating func embed(
    _ weights: borrowing ModelWeights, _ tokens: Span<UInt32>, _ visit: Visitor
  ) throws {
    let plan = weights.plan
    let (context, factor) = (contextSize, model.embeddingScale)
    Rows.forEach(tokens.count, model.width, &residual) { token, row in
      weights.readRow(plan.embedding, Int(tokens[token]), into: &row)
      if factor != 1 { for column in row.indices { row[column] *= factor } }
    }
    try emit(.embedding, nil, residual, tokens: tokens.count, visit)
    guard case .learned(let offset) = model.positions, let positions = plan.positions else {
      return
    }
    Rows.forEach(tokens.count, model.width, &output) { token, row in
      weights.readRow(positions, token % context + offset, into: &row)
    }
    try emit(.positions, nil, output, tokens: tokens.count, visit)
    Rows.add(output, to: &residual, tokens: tokens.count)
  }

  mutating func runEnd(
    _ weights: borrowing ModelWeights, tokens: Int, _ visit: Visitor
  ) throws {
    guard continues(after: .residualAfter, model.layerCount - 1),
      let place = weights.plan.finalNorm
    else { return }
    try normalize(weights, place, .finalScale, .finalNormalized, nil, tokens: tokens, visit)
    if !processing.foldsNorms { try emit(.unembedInput, nil, normalized, tokens: tokens, visit) }
    guard let unembedding = weights.plan.unembedding else { return }
    Rows.project(
      weights, unembedding, normalized, into: &logits, scratch: &tiles, tokens: tokens)
    try emit(.logits, nil, logits, tokens: tokens, visit)
    guard let cap = model.logitCap, wants(.cappedLogits, nil) else { return }
    Rows.forEach(tokens, model.vocabularySize, &logits) { _, row in
      Kernels.softCap(&row, cap: cap)
    }
    try emit(.cappedLogits, nil, logits, tokens: tokens, visit)
  }

  mutating func runBlock(
    _ weights: borrowing ModelWeights, _ layer: Int, tokens: Int, _ visit: Visitor
  ) throws {
    let places = weights.plan.layers[layer]
    try emit(.residualBefore, layer, residual, tokens: tokens, visit)
    guard continues(after: .residualBefore, layer) else { return }
    try normalize(
      weights, places.norm1, .norm1Scale, .norm1Normalized, layer, tokens: tokens, visit)
    try emit(.norm1Output, layer, normalized, tokens: tokens, visit)
    guard continues(after: .norm1Output, layer) else { return }
    try attend(weights, places, layer, tokens: tokens, visit)
    guard continues(after: .attentionOutput, layer) else { return }
    switch model.block {
    case .sequential:
      Rows.add(output, to: &residual, tokens: tokens)
      try emit(.residualBetween, layer, residual, tokens: tokens, visit)
    case .parallel: Rows.copy(output, to: &attentionOutput, tokens: tokens)
    }
    if !keepsNorm(layer) {
      try normalize(
        weights, places.norm2, .norm2Scale, .norm2Normalized, layer, tokens: tokens, visit)
    }
    try emit(.norm2Output, layer, normalized, tokens: tokens, visit)
    guard continues(after: .norm2Output, layer) else { return }
    try applyMLP(weights, places, layer, tokens: tokens, visit)
    guard continues(after: .mlpOutput, layer) else { return }
    if model.block == .parallel { Rows.add(attentionOutput, to: &residual, tokens: tokens) }
    Rows.add(output, to: &residual, tokens: tokens)
    try emit(.residualAfter, layer, residual, tokens: tokens, visit)
  }

  /// Whether the MLP reads the very output of attention's norm, which may have been replaced.
  private func keepsNorm(_ layer: Int) -> Bool {
    model.tensors.norm1 == model.tensors.norm2 && wants(.norm1Output, layer)
      && !wants(.norm2Scale, layer) && !wants(.norm2Normalized, layer)
  }

  /// normalized ← norm(residual).
  private mutating func normalize(
    _ weights: borrowing ModelWeights, _ place: NormPlace, _ scaleSite: HookSite,
    _ normalizedSite: HookSite, _ layer: Int?, tokens: Int, _ visit: Visitor
  ) throws {
    // Gain and bias are applied while a row is near, unless somebody looks before that.
    let isSeen =
      wants(normalizedSite, layer)
      || layer == nil && processing.foldsNorms && wants(.unembedInput, nil)
    let (gain, bias) = (weights.vector(place.gain), weights.vector(place.bias))
    let none = gain.extracting(0..<0)
    Rows.normalize(
      residual, norm, width: model.width, gain: isSeen ? none : gain, bias: isSeen ? none : bias,
      into: &normalized,
      scales: &scale, tokens: tokens)
    try emit(scaleSite, layer, scale, tokens: tokens, visit)
    guard isSeen else { return }
    try emit(normalizedSite, layer, normalized, tokens: tokens, visit)
    // Where norms are folded, the gain has gone into the unembedding.
    if layer == nil, processing.foldsNorms {
      try emit(.unembedInput, nil, normalized, tokens: tokens, visit)
    }
    Rows.scale(&normalized, gain: gain, bias: bias, tokens: tokens)
  }

  /// output ← norm(output), of what attention or the MLP wrote.
  mutating func normalizeOutput(
    _ weights: borrowing ModelWeights, _ place: NormPlace, _ scaleSite: HookSite,
    _ normalizedSite: HookSite, _ layer: Int, tokens: Int, _ visit: Visitor
  ) throws {
    Rows.normalizeHeads(
      &output, columns: 0..<model.width, headWidth: model.width, norm, scales: &scale,
      tokens: tokens)
    try emit(scaleSite, layer, scale, tokens: tokens, visit)
    try emit(normalizedSite, layer, output, tokens: tokens, visit)
    Rows.scale(
      &output, gain: weights.vector(place.gain), bias: weights.vector(place.bias), tokens: tokens)
  }

  /// output ← MLP(normalized).
  private mutating func applyMLP(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    let (width, activation) = (model.mlpWidth, model.activation)
    // A plain MLP's activation is applied block by block, unless somebody looks before.
    let isFused = !model.isGated && !wants(.mlpBefore, layer) && continues(after: .mlpLinear, layer)
    Rows.project(
      weights, places.mlpIn, normalized, into: &hidden, scratch: &tiles, tokens: tokens,
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
    try emit(.mlpAfter, layer, hidden, tokens: tokens, visit)
    guard continues(after: .mlpAfter, layer) else { return }
    Rows.project(weights, places.mlpOut, hidden, into: &output, scratch: &tiles, tokens: tokens)
    if let place = places.mlpNorm {
      try emit(.mlpProjected, layer, output, tokens: tokens, visit)
      try normalizeOutput(
        weights, place, .mlpNormScale, .mlpNormNormalized, layer, tokens: tokens, visit)
    }
    try emit(.mlpOutput, layer, output, tokens: tokens, visit)
  }
}
