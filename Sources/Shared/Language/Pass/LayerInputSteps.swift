// The steps by which a block takes its own input of every token: a learned vector with what a projection
// makes of the token's embedding. Comes in: the embeddings. Leaves: a sum in the residual stream. After
// transformers' modeling_gemma4.py.

extension ForwardPass {
  /// Keeps what the inputs of layers are made of.
  mutating func keepEmbeddings(_ tokens: Span<UInt32>) {
    guard model.layerInputs != nil else { return }
    Rows.copy(residual, to: &embeddings, tokens: tokens.count)
    batch = tokens.indices.map { tokens[$0] }
  }

  /// residual ← residual + norm(W · (activation(gate · residual) · input)).
  mutating func addLayerInput(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    guard let inputs = model.layerInputs, let place = places.input,
      let shared = weights.plan.layerInputs
    else { return }
    makeLayerInput(weights, inputs, shared, place, layer, tokens: tokens)
    Rows.project(
      weights, place.gate, residual, into: &hidden, scratch: &tiles, tokens: tokens)
    try emit(.layerInputGate, layer, hidden, tokens: tokens, visit)
    Rows.activate(model.activation, &hidden, width: inputs.width, tokens: tokens)
    try emit(.layerInputActivated, layer, hidden, tokens: tokens, visit)
    Rows.multiply(&hidden, by: layerInput, width: inputs.width, tokens: tokens)
    Rows.project(
      weights, place.output, hidden, into: &output, scratch: &tiles, tokens: tokens)
    try emit(.layerInputProjected, layer, output, tokens: tokens, visit)
    Rows.normalizeHeads(
      &output, columns: 0..<model.width, headWidth: model.width, norm, scales: &scale,
      tokens: tokens)
    Rows.scale(
      &output, gain: weights.vector(place.outputNorm.gain),
      bias: weights.vector(place.outputNorm.bias), tokens: tokens)
    try emit(.layerInputOutput, layer, output, tokens: tokens, visit)
    Rows.add(output, to: &residual, tokens: tokens)
  }

  /// layerInput `[T, p]` ← (norm(W · embedding / √d) + √p · learned) / √2.
  private mutating func makeLayerInput(
    _ weights: borrowing ModelWeights, _ inputs: LayerInputs, _ shared: LayerInputPlaces,
    _ place: LayerInputPlace, _ layer: Int, tokens: Int
  ) {
    let (width, layers) = (inputs.width, model.layerCount)
    Rows.project(
      weights, place.projection, embeddings, into: &layerInput, scratch: &tiles, tokens: tokens)
    Rows.multiply(
      &layerInput, by: 1 / Float(model.width).squareRoot(), width: width, tokens: tokens)
    Rows.normalizeHeads(
      &layerInput, columns: 0..<width, headWidth: width, norm, scales: &scale, tokens: tokens)
    Rows.scale(
      &layerInput, gain: weights.vector(shared.norm.gain), bias: weights.vector(shared.norm.bias),
      tokens: tokens)
    let batch = batch
    Rows.forEach(tokens, width, &hidden) { token, row in
      weights.readPart(
        shared.table, of: Int(batch[token]), part: layer, parts: layers, into: &row)
    }
    Rows.add(hidden, to: &layerInput, tokens: tokens, factor: Float(width).squareRoot())
    Rows.multiply(&layerInput, by: Float(0.5).squareRoot(), width: width, tokens: tokens)
  }
}
