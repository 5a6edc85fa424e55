// Queries, keys and values by way of narrow vectors. Comes in: a norm's output. Leaves: the three side by
// side, not yet rotated. After transformers' modeling_deepseek_v2.py and modeling_deepseek_v3.py.

extension ForwardPass {
  private var latentNorm: Norm { Norm(kind: model.norm, epsilon: LatentAttention.normEpsilon) }

  /// queryKeyValue ← what the narrow vectors of normalized become.
  mutating func projectLatent(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ latent: LatentAttention,
    _ own: LatentPlaces, _ layer: Int, tokens: Int, _ visit: Visitor
  ) throws {
    try projectQueries(weights, places, own, layer, tokens: tokens, visit)
    let heads = model.heads(layer: layer)
    try emitColumns(.query, layer, heads.queries, tokens: tokens, visit)
    Rows.project(
      weights, own.keyValueInto, normalized, into: &compressed, scratch: &tiles, tokens: tokens)
    try emit(.compressedKeyValue, layer, compressed, tokens: tokens, visit)
    copySharedKeys(latent, heads, tokens: tokens)
    normalizeCompressed(weights, own.keyValueNorm, width: latent.rank, tokens: tokens)
    try emit(.compressedKeyValueNorm, layer, compressed, tokens: tokens, visit)
    Rows.project(
      weights, own.keyValueFrom, compressed, into: &expanded, scratch: &tiles, tokens: tokens)
    try emit(.expandedKeyValue, layer, expanded, tokens: tokens, visit)
    for head in 0..<heads.count {
      let first = head * latent.expandedWidth
      let middle = first + latent.plainWidth
      Rows.copy(
        expanded, columns: first..<middle, to: &queryKeyValue,
        at: heads.keys.lowerBound + head * heads.width, tokens: tokens)
      Rows.copy(
        expanded, columns: middle..<first + latent.expandedWidth, to: &queryKeyValue,
        at: heads.values.lowerBound + head * heads.valueWidth, tokens: tokens)
    }
    try emitColumns(.key, layer, heads.keys, tokens: tokens, visit)
    try emitColumns(.value, layer, heads.values, tokens: tokens, visit)
  }

  private mutating func projectQueries(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ own: LatentPlaces, _ layer: Int,
    tokens: Int, _ visit: Visitor
  ) throws {
    guard let into = own.queryInto, let norm = own.queryNorm else {
      Rows.project(
        weights, places.queryKeyValue, normalized, into: &queryKeyValue, scratch: &tiles,
        tokens: tokens)
      return
    }
    Rows.project(weights, into, normalized, into: &compressed, scratch: &tiles, tokens: tokens)
    try emit(.compressedQuery, layer, compressed, tokens: tokens, visit)
    normalizeCompressed(weights, norm, width: into.outputs, tokens: tokens)
    try emit(.compressedQueryNorm, layer, compressed, tokens: tokens, visit)
    Rows.project(
      weights, places.queryKeyValue, compressed, into: &queryKeyValue, scratch: &tiles,
      tokens: tokens)
  }

  /// The first columns of compressed ← norm of them.
  private mutating func normalizeCompressed(
    _ weights: borrowing ModelWeights, _ place: NormPlace, width: Int, tokens: Int
  ) {
    Rows.normalizeHeads(
      &compressed, columns: 0..<width, headWidth: width, latentNorm, scales: &scale,
      tokens: tokens)
    Rows.scale(
      &compressed, gain: weights.vector(place.gain), bias: weights.vector(place.bias),
      tokens: tokens)
  }

  /// Every head's key ends with the same elements.
  private mutating func copySharedKeys(
    _ latent: LatentAttention, _ heads: LayerHeads, tokens: Int
  ) {
    for head in 0..<heads.count {
      Rows.copy(
        compressed, columns: latent.rank..<latent.compressedWidth, to: &queryKeyValue,
        at: heads.keys.lowerBound + head * heads.width + latent.plainWidth, tokens: tokens)
    }
  }
}
