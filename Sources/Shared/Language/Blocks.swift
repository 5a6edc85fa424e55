// The steps of a forward pass: embedding, blocks, end. Each reads the description, leaves its result
// in the pass's work memory and lends it to the tap under its TransformerLens name.

/// Rows that one task of a rowwise step takes.
private let rowBlock = 16

extension ForwardPass {
  // MARK: Start and end

  mutating func embed(
    _ transformer: borrowing Transformer, _ tokens: Span<UInt32>, _ tap: Tap
  ) throws {
    let plan = transformer.weights.plan
    let (width, context) = (model.width, contextSize)
    let table = transformer.weights.span(plan.embedding)
    Rows.forEach(tokens.count, width, &residual) { token, row in
      let start = Int(tokens[token]) * width
      Kernels.copy(table.extracting(start..<start + width), to: &row)
    }
    try emit(.embedding, nil, residual, tokens: tokens.count, tap)
    guard model.positions == .learned else { return }
    let positions = transformer.weights.span(plan.positions)
    Rows.forEach(tokens.count, width, &attentionOutput) { token, row in
      let start = token % context * width
      Kernels.copy(positions.extracting(start..<start + width), to: &row)
    }
    try emit(.positions, nil, attentionOutput, tokens: tokens.count, tap)
    Rows.add(attentionOutput, to: &residual, tokens: tokens.count)
  }

  mutating func runEnd(
    _ transformer: borrowing Transformer, tokens: Int, _ tap: Tap
  ) throws {
    guard continues(after: .residualAfter, model.layerCount - 1),
      let norm = transformer.weights.plan.finalNorm
    else { return }
    try normalise(transformer, norm, .finalScale, .finalOutput, nil, tokens: tokens, tap)
    try emit(.unembedInput, nil, normalised, tokens: tokens, tap)
    guard let unembedding = transformer.weights.plan.unembedding else { return }
    Rows.project(transformer.weights, unembedding, normalised, into: &logits, tokens: tokens)
    try emit(.logits, nil, logits, tokens: tokens, tap)
  }

  // MARK: A block

  mutating func runBlock(
    _ transformer: borrowing Transformer, _ layer: Int, tokens: Int, _ tap: Tap
  ) throws {
    let places = transformer.weights.plan.layers[layer]
    try emit(.residualBefore, layer, residual, tokens: tokens, tap)
    guard continues(after: .residualBefore, layer) else { return }
    try normalise(
      transformer, places.norm1, .norm1Scale, .norm1Output, layer, tokens: tokens, tap)
    guard continues(after: .norm1Output, layer) else { return }
    try attend(transformer, places, layer, tokens: tokens, tap)
    guard continues(after: .attentionOutput, layer) else { return }
    if model.block == .sequential {
      Rows.add(attentionOutput, to: &residual, tokens: tokens)
      try emit(.residualBetween, layer, residual, tokens: tokens, tap)
    }
    try normalise(
      transformer, places.norm2, .norm2Scale, .norm2Output, layer, tokens: tokens, tap)
    guard continues(after: .norm2Output, layer) else { return }
    try perceive(transformer, places, layer, tokens: tokens, tap)
    guard continues(after: .mlpOutput, layer) else { return }
    if model.block == .parallel {
      Rows.add(attentionOutput, to: &residual, tokens: tokens)
    }
    Rows.add(mlpOutput, to: &residual, tokens: tokens)
    try emit(.residualAfter, layer, residual, tokens: tokens, tap)
  }

  /// normalised ← norm(residual).
  private mutating func normalise(
    _ transformer: borrowing Transformer, _ norm: NormPlace, _ scaleSite: HookSite,
    _ outputSite: HookSite, _ layer: Int?, tokens: Int, _ tap: Tap
  ) throws {
    Rows.normalise(
      residual, model.norm, epsilon: model.normEpsilon, into: &normalised, scales: &scale,
      tokens: tokens)
    try emit(scaleSite, layer, scale, tokens: tokens, tap)
    try emit(outputSite, layer, normalised, tokens: tokens, tap)
    let gain = transformer.weights.span(norm.gain)
    let bias = transformer.weights.span(norm.bias)
    Rows.forEach(tokens, model.width, &normalised) { _, row in
      Kernels.affine(&row, gain: gain, bias: bias)
    }
  }

  /// attentionOutput ← attention(normalised).
  private mutating func attend(
    _ transformer: borrowing Transformer, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ tap: Tap
  ) throws {
    let (queries, keys) = (
      model.headCount * model.headWidth, model.keyValueHeadCount * model.headWidth
    )
    Rows.project(
      transformer.weights, places.queryKeyValue, normalised, into: &queryKeyValue, tokens: tokens)
    try emit(.query, layer, queryKeyValue, tokens: tokens, width: queries, tap)
    try emit(.key, layer, queryKeyValue, tokens: tokens, column: queries, width: keys, tap)
    try emit(.value, layer, queryKeyValue, tokens: tokens, column: queries + keys, width: keys, tap)
    guard continues(after: .value, layer) else { return }
    if model.positions != .learned {
      rotation.rotate(
        &queryKeyValue, heads: model.headCount + model.keyValueHeadCount,
        headWidth: model.headWidth, tokens: tokens)
      try emit(.rotatedQuery, layer, queryKeyValue, tokens: tokens, width: queries, tap)
      try emit(
        .rotatedKey, layer, queryKeyValue, tokens: tokens, column: queries, width: keys, tap)
      guard continues(after: .rotatedKey, layer) else { return }
    }
    let attention = Attention(
      model, layer: layer, contextSize: contextSize, sequences: tokens / contextSize,
      records: Attention.Records(
        scores: wants(.scores, layer), pattern: wants(.pattern, layer)))
    attention.run(
      queryKeyValue, into: &mixed, scratch: &scratch, scores: &scores, pattern: &pattern)
    try emit(.scores, layer, scores, tokens: tokens, tap)
    try emit(.pattern, layer, pattern, tokens: tokens, tap)
    try emit(.mixed, layer, mixed, tokens: tokens, tap)
    guard continues(after: .mixed, layer) else { return }
    Rows.project(
      transformer.weights, places.attentionOutput, mixed, into: &attentionOutput, tokens: tokens)
    try emit(.attentionOutput, layer, attentionOutput, tokens: tokens, tap)
  }

  /// mlpOutput ← perceptron(normalised).
  private mutating func perceive(
    _ transformer: borrowing Transformer, _ places: LayerPlaces, _ layer: Int, tokens: Int,
    _ tap: Tap
  ) throws {
    let width = model.mlpWidth
    Rows.project(
      transformer.weights, places.mlpIn, normalised, into: &hidden, tokens: tokens)
    try emit(.mlpBefore, layer, hidden, tokens: tokens, width: width, tap)
    if model.isGated {
      try emit(.mlpLinear, layer, hidden, tokens: tokens, column: width, width: width, tap)
    }
    guard continues(after: .mlpLinear, layer) else { return }
    Rows.activate(
      model.activation, isGated: model.isGated, &hidden, width: width, tokens: tokens)
    try emit(.mlpAfter, layer, hidden, tokens: tokens, width: width, tap)
    guard continues(after: .mlpAfter, layer) else { return }
    Rows.project(transformer.weights, places.mlpOut, hidden, into: &mlpOutput, tokens: tokens)
    try emit(.mlpOutput, layer, mlpOutput, tokens: tokens, tap)
  }
}

/// Steps that treat every token's row alike, shared among threads in fixed blocks.
enum Rows {
  /// Calls `body` with each of the first `tokens` rows.
  static func forEach(
    _ tokens: Int, _ width: Int, _ target: inout Matrix,
    _ body: @Sendable (Int, inout MutableSpan<Float>) -> Void
  ) {
    let stride = target.columns
    var span = target.mutableSpan
    span.withDisjoint { all in
      Parallel.forBlocks(tokens, blockSize: rowBlock) { block in
        for token in block {
          all.withSlice(token * stride..<token * stride + width) { body(token, &$0) }
        }
      }
    }
  }

  /// target ← target + source `[tokens, d]`.
  static func add(_ source: borrowing Matrix, to target: inout Matrix, tokens: Int) {
    let width = target.columns
    let values = source.span
    forEach(tokens, width, &target) { token, row in
      Kernels.add(values.extracting(token * width..<(token + 1) * width), to: &row)
    }
  }

  /// target ← norm(source) without gain and bias, `[tokens, d]`; scales `[tokens, 1]`.
  static func normalise(
    _ source: borrowing Matrix, _ kind: NormKind, epsilon: Float, into target: inout Matrix,
    scales: inout Matrix, tokens: Int
  ) {
    let width = target.columns
    let values = source.span
    var scaleSpan = scales.mutableSpan
    scaleSpan.withDisjoint { scales in
      forEach(tokens, width, &target) { token, row in
        let scale = Kernels.normalise(
          values.extracting(token * width..<(token + 1) * width), kind, epsilon: epsilon, into: &row
        )
        scales.withSlice(token..<token + 1) { $0[0] = scale }
      }
    }
  }

  /// The first half of each row ← activation of it, times the second half where gated.
  static func activate(
    _ activation: Activation, isGated: Bool, _ hidden: inout Matrix, width: Int, tokens: Int
  ) {
    let stride = hidden.columns
    var span = hidden.mutableSpan
    span.withDisjoint { all in
      Parallel.forBlocks(tokens, blockSize: rowBlock) { block in
        for token in block {
          let start = token * stride
          all.withSlice(start..<start + width) { row in
            Kernels.activate(activation, &row)
            guard isGated else { return }
            all.withSlice(start + width..<start + 2 * width) { linear in
              Kernels.multiply(by: linear.span, &row)
            }
          }
        }
      }
    }
  }

  /// target `[tokens, outputs]` ← source · W + b, with the first `inputs` columns of source.
  static func project(
    _ weights: borrowing ModelWeights, _ projection: Projection, _ source: borrowing Matrix,
    into target: inout Matrix, tokens: Int
  ) {
    let bias = weights.span(projection.bias)
    if !bias.isEmpty {
      forEach(tokens, projection.outputs, &target) { _, row in Kernels.copy(bias, to: &row) }
    }
    let stride = target.columns
    var span = target.mutableSpan
    Multiply.product(
      rows: tokens, columns: projection.outputs, inner: projection.inputs,
      source.span, aStride: source.columns,
      weights.span(projection.weight), projection.order == .outputMajor ? .transposed : .plain,
      into: &span, cStride: stride, keep: bias.isEmpty ? 0 : 1)
  }
}
