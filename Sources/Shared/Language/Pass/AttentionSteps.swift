// The steps of attention within a block. Each leaves its result in the pass's work memory and lends it
// to the visitor, who may change it: queries, keys and values, their norms and rotation, what heads
// mix, and what is added to the residual stream.

extension ForwardPass {
  /// output ← attention(normalized).
  mutating func attend(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    try projectQueriesKeysValues(weights, places, layer, tokens: tokens, visit)
    guard continues(after: .value, layer) else { return }
    try normalizeQueriesKeys(weights, places, layer, tokens: tokens, visit)
    guard continues(after: .valueNormOutput, layer) else { return }
    if let limit = model.queryKeyValueLimit {
      Rows.forEach(tokens, model.heads(layer: layer).columns, &queryKeyValue) { _, row in
        Kernels.clamp(&row, limit: limit)
      }
    }
    if model.positions.isRotary {
      try rotate(layer, tokens: tokens, visit)
      guard continues(after: .rotatedKey, layer) else { return }
    }
    shareKeysValues(layer, tokens: tokens)
    try mix(weights, places.sinks, layer, tokens: tokens, visit)
    let results =
      try wants(.result, layer)
      ? emitResult(weights, places, layer, tokens: tokens, visit) : Visited.seen
    guard continues(after: .result, layer) else { return }
    try projectMixed(weights, places, results, layer, tokens: tokens, visit)
  }

  /// queryKeyValue ← normalized · W + b.
  private mutating func projectQueriesKeysValues(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    let heads = model.heads(layer: layer)
    if let latent = model.latent, let own = places.latent {
      try projectLatent(weights, places, latent, own, layer, tokens: tokens, visit)
      return
    }
    if model.positions == .learnedForAttention {
      Rows.copy(attentionPositions, to: &output, tokens: tokens)
      Rows.add(normalized, to: &output, tokens: tokens)
      Rows.project(
        weights, places.queryKeyValue, output, into: &queryKeyValue, scratch: &tiles,
        tokens: tokens)
      Rows.project(
        weights, places.queryKeyValue, normalized, into: &secondQueryKeyValue, scratch: &tiles,
        tokens: tokens)
      Rows.copy(
        secondQueryKeyValue, columns: heads.values, to: &queryKeyValue, tokens: tokens)
    } else {
      Rows.project(
        weights, places.queryKeyValue, normalized, into: &queryKeyValue, scratch: &tiles,
        tokens: tokens)
    }
    try emit(.queryKeyValue, layer, queryKeyValue, tokens: tokens, visit)
    try emitColumns(.query, layer, heads.queries, tokens: tokens, visit)
    try emitColumns(.key, layer, heads.keys, tokens: tokens, visit)
    if model.layers[layer].keyValues == .keys {
      Rows.copy(heads.keys, of: &queryKeyValue, to: heads.values.lowerBound, tokens: tokens)
    }
    try emitColumns(.value, layer, heads.values, tokens: tokens, visit)
  }

  /// Norms queries, keys and values of models that do so.
  private mutating func normalizeQueriesKeys(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    let heads = model.heads(layer: layer)
    if let place = places.queryNorm {
      try normalizeHeads(
        weights, place, heads.queries, [.queryNormScale, .queryNormNormalized, .queryNormOutput],
        layer, tokens: tokens, visit)
    }
    if let place = places.keyNorm {
      try normalizeHeads(
        weights, place, heads.keys, [.keyNormScale, .keyNormNormalized, .keyNormOutput], layer,
        tokens: tokens, visit)
    }
    guard model.tensors.headNorms?.value != nil, model.layers[layer].keyValues.hasKeys else {
      return
    }
    Rows.normalizeHeads(
      &queryKeyValue, columns: heads.values, headWidth: heads.width, norm, scales: &headScales,
      tokens: tokens)
    try emitColumns(.valueNormOutput, layer, heads.values, tokens: tokens, visit)
  }

  /// Rotates queries and keys, in layers that do so; keys of earlier layers have been.
  private mutating func rotate(_ layer: Int, tokens: Int, _ visit: Visitor) throws {
    let heads = model.heads(layer: layer)
    if let rotation = model.layers[layer].rotation {
      let rotated = model.layers[layer].keyValues.hasKeys ? heads.keys : heads.queries
      rotations.rotate(
        &queryKeyValue, rotation, heads: rotated.upperBound / heads.width,
        headWidth: heads.width, from: model.latent?.plainWidth ?? 0, tokens: tokens)
    }
    try emitColumns(.rotatedQuery, layer, heads.queries, tokens: tokens, visit)
    try emitColumns(.rotatedKey, layer, heads.keys, tokens: tokens, visit)
  }

  /// Keeps keys and values that later layers take, or takes those of an earlier one.
  private mutating func shareKeysValues(_ layer: Int, tokens: Int) {
    let heads = model.heads(layer: layer)
    let both = heads.keys.lowerBound..<heads.columns
    if case .layer(let source) = model.layers[layer].keyValues {
      Rows.copy(
        sharedKeyValues, columns: model.sharedColumns(of: source), to: &queryKeyValue,
        at: both.lowerBound, tokens: tokens)
      return
    }
    let kept = model.sharedColumns(of: layer)
    guard !kept.isEmpty else { return }
    Rows.copy(
      queryKeyValue, columns: both, to: &sharedKeyValues, at: kept.lowerBound, tokens: tokens)
  }

  /// mixed ← softmax(scores) · values, of each head.
  private mutating func mix(
    _ weights: borrowing ModelWeights, _ sinks: Range<Int>, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    let attention = Attention(
      model, layer: layer, contextSize: contextSize, sequences: tokens / contextSize,
      records: Attention.Records(
        scores: wants(.scores, layer), pattern: wants(.pattern, layer)),
      factors: weights.factors)
    attention.run(
      queryKeyValue, sinks: weights.vector(sinks), into: &mixed, scratch: &scratch, scores: &scores,
      pattern: &pattern)
    try emit(.scores, layer, scores, tokens: tokens, visit)
    if try emit(.pattern, layer, pattern, tokens: tokens, visit) == .replaced {
      attention.mix(pattern, queryKeyValue, into: &mixed)
    }
    if model.tensors.queryHasGate { gateMixed(tokens: tokens) }
    try emit(.mixed, layer, mixed, tokens: tokens, visit)
  }

  /// mixed ← mixed · σ(gate).
  private mutating func gateMixed(tokens: Int) {
    Rows.multiply(
      &mixed, byLogisticOf: queryKeyValue, column: model.heads().columns,
      width: model.queryGateWidth, tokens: tokens)
  }

  /// output ← mixed · W_O + b, with the results of heads where these were replaced.
  private mutating func projectMixed(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ results: Visited, _ layer: Int,
    tokens: Int, _ visit: Visitor
  ) throws {
    if results == .replaced { leaveUnshown(layer, tokens: tokens) }
    Rows.project(
      weights, places.attentionOutput, mixed, into: &output, scratch: &tiles, tokens: tokens)
    if results == .replaced {
      Rows.addHeads(result, width: model.width, to: &output, tokens: tokens)
    }
    if let place = places.attentionNorm {
      try emit(.attentionProjected, layer, output, tokens: tokens, visit)
      try normalizeOutput(
        weights, place, [.attentionNormScale, .attentionNormNormalized], layer, tokens: tokens,
        visit)
    }
    try emit(.attentionOutput, layer, output, tokens: tokens, visit)
  }

  func emitColumns(
    _ site: HookSite, _ layer: Int, _ columns: Range<Int>, tokens: Int, _ visit: Visitor
  ) throws {
    try emit(site, layer, queryKeyValue, tokens: tokens, column: columns.lowerBound, visit)
  }

  /// Norms some heads of queryKeyValue in place; `sites` are those of scale, normalized, output.
  private mutating func normalizeHeads(
    _ weights: borrowing ModelWeights, _ place: NormPlace, _ columns: Range<Int>,
    _ sites: [HookSite], _ layer: Int, tokens: Int, _ visit: Visitor
  ) throws {
    let takesAll = model.tensors.headNorms?.span == .all
    let width = model.heads(layer: layer).width
    Rows.normalizeHeads(
      &queryKeyValue, columns: columns, headWidth: takesAll ? columns.count : width,
      norm, scales: &headScales, tokens: tokens)
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
    let heads = model.heads(layer: layer)
    show(mixed, tokens: tokens, column: 0, width: heads.mixed, change, layer)
    Rows.projectHeads(
      weights, places.attentionOutput, shown, headWidth: heads.valueWidth, into: &result,
      scratch: &tiles, tokens: tokens)
    return try emit(.result, layer, result, tokens: tokens, visit)
  }

  /// mixed ← what attention's output has besides the results of heads.
  private mutating func leaveUnshown(_ layer: Int, tokens: Int) {
    let width = model.heads(layer: layer).mixed
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
}
