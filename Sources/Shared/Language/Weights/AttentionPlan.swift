// Where a layer's queries, keys and values are in a model's files.

extension WeightPlan {
  /// `[queries | keys | values]`, whatever the order of the files, without what comes from elsewhere.
  mutating func queryKeyValue(
    _ prefix: String, _ heads: LayerHeads, _ origin: KeyValueOrigin
  ) -> Projection {
    let hasBias = names.biases.queryKeyValue
    if let latent = description.latent, latent.queryRank == nil {
      return projection(
        [(prefix + latent.query, heads.queries.count)], inputs: description.width, hasBias: false)
    }
    if let latent = description.latent, let rank = latent.queryRank {
      return projection(
        [(prefix + latent.queryFrom, heads.queries.count)], inputs: rank, hasBias: false)
    }
    if names.queryHasGate { return withGates(prefix, hasBias: hasBias) }
    switch names.queryKeyValue {
    case .separate(let query, let key, let value):
      if names.spelling == .transformerLens {
        return perHead([query, key, value].map { prefix + $0 })
      }
      var parts = [(prefix + query, heads.queries.count)]
      if origin.hasKeys { parts.append((prefix + key, heads.keys.count)) }
      if origin == .projections { parts.append((prefix + value, heads.values.count)) }
      return projection(parts, inputs: description.width, hasBias: hasBias)
    case .fused(let name):
      return projection(
        [(prefix + name, heads.columns)], inputs: description.width,
        hasBias: hasBias)
    case .fusedPerHead(let name): return fusedPerHead(prefix + name, hasBias: hasBias)
    }
  }

  /// One tensor `[K, H/K + 2, h, inputs]`, put in the order `[queries | keys | values]`.
  private mutating func fusedPerHead(_ name: String, hasBias: Bool) -> Projection {
    let (heads, groups, size) = (
      description.headCount, description.keyValueHeadCount, description.headWidth
    )
    let (inputs, outputs) = (description.width, (heads + 2 * groups) * size)
    let number = matrix(name, [outputs, inputs])
    let shared = heads / groups
    let queries = (0..<heads).map { $0 / shared * (shared + 2) + $0 % shared }
    let keys = (0..<groups).map { $0 * (shared + 2) + shared }
    let starts = (queries + keys + keys.map { $0 + 1 }).map { $0 * size }
    let bias = reserve(hasBias ? outputs : 0)
    if hasBias {
      vector(
        biasNames(name), [outputs],
        starts.enumerated().map { index, source in
          TensorRequest.Piece(source: source, count: size, target: bias.lowerBound + index * size)
        })
    }
    return Projection(
      inputs: inputs, outputs: outputs, order: .outputMajor,
      stretches: starts.enumerated().map { index, source in
        Projection.Stretch(
          outputs: index * size..<(index + 1) * size, matrix: number, source: source)
      }, bias: bias)
  }

  /// Tensors `[heads, inputs, h]`, each with a bias `[heads, h]`.
  private mutating func perHead(_ tensors: [String]) -> Projection {
    let (heads, size, inputs) = (
      description.headCount, description.headWidth, description.width
    )
    let bias = reserve(3 * heads * size)
    var stretches: [Projection.Stretch] = []
    for tensor in tensors {
      vector(
        biasNames(tensor), [heads, size], at: bias.lowerBound + stretches.count * size)
      for head in 0..<heads {
        let source = TensorRequest.Source(
          names: weightNames(tensor), shape: [heads, inputs, size], base: head * inputs * size)
        let number = matrix([source], elements: inputs * size)
        let first = stretches.count * size
        stretches.append(
          Projection.Stretch(outputs: first..<first + size, matrix: number, source: 0))
      }
    }
    return Projection(
      inputs: inputs, outputs: 3 * heads * size, order: .inputMajor, stretches: stretches,
      bias: bias)
  }

  /// `[queries | keys | values | gates]`, of a query tensor `[H, 2, h, inputs]`.
  private mutating func withGates(_ prefix: String, hasBias: Bool) -> Projection {
    guard case .separate(let query, let key, let value) = names.queryKeyValue else {
      preconditionFailure("gates stand in the tensor of queries")
    }
    let (heads, size, inputs) = (
      description.headCount, description.headWidth, description.width
    )
    let keyWidth = description.keyValueHeadCount * size
    let outputs = 2 * heads * size + 2 * keyWidth
    let bias = reserve(hasBias ? outputs : 0)
    let queries = matrix(prefix + query, [2 * heads * size, inputs])
    var stretches: [Projection.Stretch] = []
    var pieces: [TensorRequest.Piece] = []
    func addHeads(_ half: Int) {
      for head in 0..<heads {
        let (first, source) = (stretches.last?.outputs.upperBound ?? 0, (2 * head + half) * size)
        stretches.append(
          Projection.Stretch(outputs: first..<first + size, matrix: queries, source: source))
        pieces.append(
          TensorRequest.Piece(source: source, count: size, target: bias.lowerBound + first))
      }
    }
    addHeads(0)
    for name in [key, value] {
      let first = stretches.last?.outputs.upperBound ?? 0
      let number = matrix(prefix + name, [keyWidth, inputs])
      stretches.append(
        Projection.Stretch(outputs: first..<first + keyWidth, matrix: number, source: 0))
      if hasBias { vector(biasNames(prefix + name), [keyWidth], at: bias.lowerBound + first) }
    }
    addHeads(1)
    if hasBias { vector(biasNames(prefix + query), [2 * heads * size], pieces) }
    return Projection(
      inputs: inputs, outputs: outputs, order: .outputMajor, stretches: stretches, bias: bias)
  }

  /// The ways through narrow vectors to queries, and to keys and values.
  mutating func planLatent(_ latent: LatentAttention, _ prefix: String) -> LatentPlaces {
    let (width, heads) = (description.width, description.headCount)
    return LatentPlaces(
      queryInto: latent.queryRank.map {
        projection([(prefix + latent.queryInto, $0)], inputs: width, hasBias: latent.hasBiases)
      },
      queryNorm: latent.queryRank.map { norm(prefix + latent.queryNorm, width: $0) },
      keyValueInto: projection(
        [(prefix + latent.keyValueInto, latent.compressedWidth)], inputs: width,
        hasBias: latent.hasBiases),
      keyValueNorm: norm(prefix + latent.keyValueNorm, width: latent.rank),
      keyValueFrom: projection(
        [(prefix + latent.keyValueFrom, heads * latent.expandedWidth)], inputs: latent.rank,
        hasBias: false))
  }

  /// A block whose tokens see those before them by a delta rule.
  mutating func deltaBlock(
    _ rule: DeltaRule, _ prefix: String, _ kind: LayerKind
  ) -> LayerPlaces {
    let module = prefix + rule.module + "."
    let small = { (plan: inout WeightPlan, name: String, shape: [Int]) -> Range<Int> in
      let place = plan.reserve(shape.reduce(1, *))
      plan.vector(plan.full(module + name), shape, at: place.lowerBound)
      return place
    }
    let input = projection(
      [
        (module + "in_proj_qkv", rule.convolvedWidth), (module + "in_proj_z", rule.valueWidth),
        (module + "in_proj_b", rule.valueHeadCount), (module + "in_proj_a", rule.valueHeadCount),
      ], inputs: description.width, hasBias: false)
    return LayerPlaces(
      norm1: names.norm1.map { norm(prefix + $0) }, queryKeyValue: input,
      deltaRule: DeltaPlaces(
        convolution: small(&self, "conv1d.weight", [rule.convolvedWidth, 1, rule.kernelWidth]),
        decay: small(&self, "A_log", [rule.valueHeadCount]),
        decayBias: small(&self, "dt_bias", [rule.valueHeadCount]),
        norm: small(&self, "norm.weight", [rule.valueHeadWidth])),
      queryNorm: nil, keyNorm: nil, sinks: 0..<0,
      attentionOutput: projection(
        [(module + "out_proj", description.width)], inputs: rule.valueWidth, hasBias: false),
      attentionNorm: nil, norm2: names.norm2.map { norm(prefix + $0) },
      mlp: planMLP(prefix, kind), mlpNorm: nil, blockNorm: nil)
  }
}
