// The steps of a forward pass: embedding, blocks, end. Each reads the description, leaves its result
// in the pass's work memory and lends it to the visitor, who may change it.

extension ForwardPass {
  private var norm: Norm { Norm(kind: model.norm, epsilon: model.normEpsilon) }

  // MARK: Start and end

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

  // MARK: A block

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
    try perceive(weights, places, layer, tokens: tokens, visit)
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

  /// normalised ← norm(residual).
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
  private mutating func normalizeOutput(
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

  // MARK: Attention

  /// output ← attention(normalised).
  private mutating func attend(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    let queries = 0..<model.headCount * model.headWidth
    let keyWidth = model.keyValueHeadCount * model.headWidth
    let keys = queries.upperBound..<queries.upperBound + keyWidth
    Rows.project(
      weights, places.queryKeyValue, normalized, into: &queryKeyValue, scratch: &tiles,
      tokens: tokens)
    try emit(.queryKeyValue, layer, queryKeyValue, tokens: tokens, visit)
    try emitColumns(.query, layer, queries, tokens: tokens, visit)
    try emitColumns(.key, layer, keys, tokens: tokens, visit)
    try emitColumns(
      .value, layer, keys.upperBound..<keys.upperBound + keyWidth, tokens: tokens, visit)
    guard continues(after: .value, layer) else { return }
    if let place = places.queryNorm {
      try normalizeHeads(
        weights, place, queries, [.queryNormScale, .queryNormNormalized, .queryNormOutput], layer,
        tokens: tokens, visit)
    }
    if let place = places.keyNorm {
      try normalizeHeads(
        weights, place, keys, [.keyNormScale, .keyNormNormalized, .keyNormOutput], layer,
        tokens: tokens, visit)
    }
    guard continues(after: .keyNormOutput, layer) else { return }
    if model.positions.isRotary {
      if let rotation = model.layers[layer].rotation {
        rotations.rotate(
          &queryKeyValue, rotation, heads: model.headCount + model.keyValueHeadCount,
          headWidth: model.headWidth, tokens: tokens)
      }
      try emitColumns(.rotatedQuery, layer, queries, tokens: tokens, visit)
      try emitColumns(.rotatedKey, layer, keys, tokens: tokens, visit)
      guard continues(after: .rotatedKey, layer) else { return }
    }
    let attention = Attention(
      model, layer: layer, contextSize: contextSize, sequences: tokens / contextSize,
      records: Attention.Records(
        scores: wants(.scores, layer), pattern: wants(.pattern, layer)))
    attention.run(
      queryKeyValue, into: &mixed, scratch: &scratch, scores: &scores, pattern: &pattern)
    try emit(.scores, layer, scores, tokens: tokens, visit)
    if try emit(.pattern, layer, pattern, tokens: tokens, visit) == .replaced {
      attention.mix(pattern, queryKeyValue, into: &mixed)
    }
    try emit(.mixed, layer, mixed, tokens: tokens, visit)
    let results =
      try wants(.result, layer)
      ? emitResult(weights, places, layer, tokens: tokens, visit) : Visited.seen
    guard continues(after: .result, layer) else { return }
    if results == .replaced { leaveUnshown(layer, tokens: tokens) }
    Rows.project(
      weights, places.attentionOutput, mixed, into: &output, scratch: &tiles, tokens: tokens)
    if results == .replaced {
      Rows.addHeads(result, width: model.width, to: &output, tokens: tokens)
    }
    if let place = places.attentionNorm {
      try emit(.attentionProjected, layer, output, tokens: tokens, visit)
      try normalizeOutput(
        weights, place, .attentionNormScale, .attentionNormNormalized, layer, tokens: tokens, visit)
    }
    try emit(.attentionOutput, layer, output, tokens: tokens, visit)
  }

  private func emitColumns(
    _ site: HookSite, _ layer: Int, _ columns: Range<Int>, tokens: Int, _ visit: Visitor
  ) throws {
    try emit(site, layer, queryKeyValue, tokens: tokens, column: columns.lowerBound, visit)
  }

  /// Norms some heads of queryKeyValue in place; `sites` are those of scale, normalised, output.
  private mutating func normalizeHeads(
    _ weights: borrowing ModelWeights, _ place: NormPlace, _ columns: Range<Int>,
    _ sites: [HookSite], _ layer: Int, tokens: Int, _ visit: Visitor
  ) throws {
    Rows.normalizeHeads(
      &queryKeyValue, columns: columns, headWidth: model.headWidth, norm, scales: &headScales,
      tokens: tokens)
    try emit(sites[0], layer, headScales, tokens: tokens, visit)
    try emitColumns(sites[1], layer, columns, tokens: tokens, visit)
    Rows.scaleHeads(
      &queryKeyValue, columns: columns, gain: weights.vector(place.gain), tokens: tokens)
    try emitColumns(sites[2], layer, columns, tokens: tokens, visit)
  }

  /// result ← what each head by itself adds to attention's output.
  private mutating func emitResult(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws -> Visited {
    let change = processing.change(at: .mixed, in: model)
    show(
      mixed, tokens: tokens, column: 0, width: model.headCount * model.headWidth, change, layer)
    Rows.projectHeads(
      weights, places.attentionOutput, shown, headWidth: model.headWidth, into: &result,
      scratch: &tiles, tokens: tokens)
    return try emit(.result, layer, result, tokens: tokens, visit)
  }

  /// mixed ← what attention's output has besides the results of heads.
  private mutating func leaveUnshown(_ layer: Int, tokens: Int) {
    let width = model.headCount * model.headWidth
    let bias =
      if case .valueBias = processing.change(at: .mixed, in: model) {
        valueBias(layer: layer, width: width)
      } else {
        [Float](repeating: 0, count: width)
      }
    Rows.forEach(tokens, width, &mixed) { _, row in
      for index in row.indices { row[index] = bias[index] }
    }
  }

  // MARK: MLP

  /// output ← MLP(normalized).
  private mutating func perceive(
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
