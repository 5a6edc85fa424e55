// The steps of a forward pass: embedding, blocks, end. Each reads the description, leaves its result
// in the pass's work memory and lends it to the visitor, who may change it. Those of attention, of
// MLPs and of experts are in files of their own.

extension ForwardPass {
  var norm: Norm { Norm(kind: model.norm, epsilon: model.normEpsilon) }

  mutating func embed(
    _ weights: borrowing ModelWeights, _ tokens: Span<UInt32>, _ visit: Visitor
  ) throws {
    try embedTokens(weights, tokens, visit)
    try emit(.embedding, nil, residual, tokens: tokens.count, visit)
    keepEmbeddings(tokens)
    guard model.positions.isLearned, let positions = weights.plan.positions else { return }
    lookUpPositions(weights, positions, tokens: tokens.count)
    try emit(.positions, nil, output, tokens: tokens.count, visit)
    if model.positions == .learnedForAttention {
      Rows.copy(output, to: &attentionPositions, tokens: tokens.count)
    } else {
      Rows.add(output, to: &residual, tokens: tokens.count)
    }
  }

  /// residual ← embeddings of the tokens.
  private mutating func embedTokens(
    _ weights: borrowing ModelWeights, _ tokens: Span<UInt32>, _ visit: Visitor
  ) throws {
    let (plan, factor) = (weights.plan, model.embeddingScale)
    let width = model.embeddingWidth ?? model.width
    let isScaledLater = model.tensors.scalesAfterEmbedding
    Rows.forEach(tokens.count, width, &residual) { token, row in
      weights.readRow(plan.embedding, Int(tokens[token]), into: &row)
      if factor != 1, !isScaledLater { for column in row.indices { row[column] *= factor } }
    }
    try emit(.embedded, nil, residual, tokens: tokens.count, visit)
    if isScaledLater {
      Rows.forEach(tokens.count, width, &residual) { _, row in
        for column in row.indices { row[column] *= factor }
      }
    }
    if let projection = plan.projectionIn {
      Rows.copy(residual, to: &output, tokens: tokens.count)
      Rows.project(
        weights, projection, output, into: &residual, scratch: &tiles, tokens: tokens.count)
    }
    if let place = plan.embeddingNorm {
      Rows.normalizeHeads(
        &residual, columns: 0..<model.width, headWidth: model.width, norm, scales: &scale,
        tokens: tokens.count)
      try emit(.embeddingNormScale, nil, scale, tokens: tokens.count, visit)
      try emit(.embeddingNormNormalized, nil, residual, tokens: tokens.count, visit)
      Rows.scale(
        &residual, gain: weights.vector(place.gain), bias: weights.vector(place.bias),
        tokens: tokens.count)
      if processing.centers(model) { embeddingMeans = residualMeans(tokens: tokens.count) }
    }
  }

  private func residualMeans(tokens: Int) -> [Float] {
    let (rows, stride, width) = (residual.span, residual.columns, model.width)
    return (0..<tokens).map { token in
      Kernels.sum(rows.extracting(token * stride..<token * stride + width)) / Float(width)
    }
  }

  /// output ← the vectors of the tokens' positions.
  private mutating func lookUpPositions(
    _ weights: borrowing ModelWeights, _ positions: Int, tokens: Int
  ) {
    let context = contextSize
    var offset = 0
    if case .learned(let first) = model.positions { offset = first }
    let first = offset
    Rows.forEach(tokens, model.width, &output) { token, row in
      weights.readRow(positions, token % context + first, into: &row)
    }
  }

  mutating func runEnd(
    _ weights: borrowing ModelWeights, tokens: Int, _ visit: Visitor
  ) throws {
    guard continues(after: .residualAfter, model.layerCount - 1) else { return }
    try normalize(
      weights, weights.plan.finalNorm, [.finalScale, .finalNormalized], nil, tokens: tokens, visit)
    if let projection = weights.plan.projectionOut {
      Rows.copy(normalized, to: &output, tokens: tokens)
      Rows.project(
        weights, projection, output, into: &normalized, scratch: &tiles, tokens: tokens)
    }
    if !showsFinalNormEarly { try emit(.unembedInput, nil, normalized, tokens: tokens, visit) }
    guard let unembedding = weights.plan.unembedding else { return }
    Rows.project(
      weights, unembedding, normalized, into: &logits, scratch: &tiles, tokens: tokens)
    try emit(.logits, nil, logits, tokens: tokens, visit)
    guard model.changesLogits, wants(.cappedLogits, nil) else { return }
    let (cap, factor) = (model.logitCap, model.logitScale)
    Rows.forEach(tokens, model.vocabularySize, &logits) { _, row in
      if factor != 1 { for column in row.indices { row[column] *= factor } }
      if let cap { Kernels.softCap(&row, cap: cap) }
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
      weights, places.norm1, [.norm1Scale, .norm1Normalized], layer, tokens: tokens, visit)
    try emit(.norm1Output, layer, normalized, tokens: tokens, visit)
    guard continues(after: .norm1Output, layer) else { return }
    if let delta = places.deltaRule {
      try applyDeltaRule(weights, places, delta, layer, tokens: tokens, visit)
    } else {
      try attend(weights, places, layer, tokens: tokens, visit)
    }
    guard continues(after: .attentionOutput, layer) else { return }
    switch model.block {
    case .sequential: addToResidual(tokens: tokens)
    case .parallel: Rows.copy(output, to: &attentionOutput, tokens: tokens)
    }
    if places.mlp != .none { try runMLP(weights, places, layer, tokens: tokens, visit) }
    guard continues(after: .mlpOutput, layer) else { return }
    try addLayerInput(weights, places, layer, tokens: tokens, visit)
    guard continues(after: .layerInputOutput, layer) else { return }
    if let place = places.blockScale {
      let factor = weights.vector(place)[0]
      Rows.multiply(&residual, by: factor, width: model.width, tokens: tokens)
    }
    try emit(.residualAfter, layer, residual, tokens: tokens, visit)
  }

  /// residual ← residual + MLP(norm(residual)), or what else a model makes of it.
  private mutating func runMLP(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    if model.block == .sequential {
      try emit(.residualBetween, layer, residual, tokens: tokens, visit)
    }
    if !keepsNorm(layer) {
      try normalize(
        weights, places.norm2, [.norm2Scale, .norm2Normalized], layer, tokens: tokens, visit)
    }
    try emit(.norm2Output, layer, normalized, tokens: tokens, visit)
    guard continues(after: .norm2Output, layer) else { return }
    if places.blockNorm != nil { Rows.copy(normalized, to: &residual, tokens: tokens) }
    try applyMLP(weights, places, layer, tokens: tokens, visit)
    guard continues(after: .mlpOutput, layer) else { return }
    if model.block == .parallel {
      Rows.add(attentionOutput, to: &residual, tokens: tokens, factor: model.residualScale)
    }
    addToResidual(tokens: tokens)
    guard let place = places.blockNorm else { return }
    Rows.normalizeHeads(
      &residual, columns: 0..<model.width, headWidth: model.width, norm, scales: &scale,
      tokens: tokens)
    Rows.scale(
      &residual, gain: weights.vector(place.gain), bias: weights.vector(place.bias),
      tokens: tokens)
  }

  private mutating func addToResidual(tokens: Int) {
    Rows.add(output, to: &residual, tokens: tokens, factor: model.residualScale)
  }

  /// Whether the MLP reads the very output of attention's norm, which may have been replaced.
  private func keepsNorm(_ layer: Int) -> Bool {
    model.tensors.norm1 == model.tensors.norm2 && wants(.norm1Output, layer)
      && !wants(.norm2Scale, layer) && !wants(.norm2Normalized, layer)
  }

  /// Whether the last norm is shown without its gain, which has gone into the unembedding.
  private var showsFinalNormEarly: Bool {
    processing.foldsNorms && model.tensors.finalNorm != nil && model.embeddingWidth == nil
  }

  /// normalized ← norm(residual), or the residual stream itself where there is no norm; `sites` are
  /// those of scale and rows without gain.
  private mutating func normalize(
    _ weights: borrowing ModelWeights, _ place: NormPlace?, _ sites: [HookSite], _ layer: Int?,
    tokens: Int, _ visit: Visitor
  ) throws {
    guard let place else {
      Rows.copy(residual, to: &normalized, tokens: tokens)
      return
    }
    let isEnd = layer == nil
    let norm =
      isEnd ? Norm(kind: model.finalNorm ?? model.norm, epsilon: model.normEpsilon) : norm
    // Gain and bias are applied while a row is near, unless somebody looks before that.
    let isSeen = wants(sites[1], layer) || isEnd && showsFinalNormEarly && wants(.unembedInput, nil)
    let (gain, bias) = (weights.vector(place.gain), weights.vector(place.bias))
    let none = gain.extracting(0..<0)
    Rows.normalize(
      residual, norm, width: model.width, gain: isSeen ? none : gain, bias: isSeen ? none : bias,
      into: &normalized,
      scales: &scale, tokens: tokens)
    try emit(sites[0], layer, scale, tokens: tokens, visit)
    guard isSeen else { return }
    try emit(sites[1], layer, normalized, tokens: tokens, visit)
    // Where norms are folded, the gain has gone into the unembedding.
    if isEnd, showsFinalNormEarly {
      try emit(.unembedInput, nil, normalized, tokens: tokens, visit)
    }
    Rows.scale(&normalized, gain: gain, bias: bias, tokens: tokens)
  }

  /// output ← norm(output), of what attention or the MLP wrote.
  mutating func normalizeOutput(
    _ weights: borrowing ModelWeights, _ place: NormPlace, _ sites: [HookSite], _ layer: Int,
    tokens: Int, _ visit: Visitor
  ) throws {
    Rows.normalizeHeads(
      &output, columns: 0..<model.width, headWidth: model.width, norm, scales: &scale,
      tokens: tokens)
    try emit(sites[0], layer, scale, tokens: tokens, visit)
    try emit(sites[1], layer, output, tokens: tokens, visit)
    Rows.scale(
      &output, gain: weights.vector(place.gain), bias: weights.vector(place.bias), tokens: tokens)
  }
}
