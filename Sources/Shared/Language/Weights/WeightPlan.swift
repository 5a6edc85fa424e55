// Which tensors of a model's files are needed and what they are for. Comes in: a description.
// Leaves: matrices by number, which stay in their files, and the places of gains and biases in one
// array of Float.
//
// Queries, keys and values become one projection, `[queries | keys | values]` whatever the files'
// order, and so do gate and input of a gated MLP: one large product instead of several.

/// The weights that a pass needs.
struct WeightPlan: Sendable {
  /// Elements of all gains and biases.
  private(set) var vectorCount = 0
  private(set) var vectors: [TensorRequest] = []
  private(set) var matrices: [TensorRequest] = []
  /// The numbers of the tables of embeddings and positions.
  private(set) var embedding = 0
  private(set) var embeddingNorm: NormPlace?
  /// From the table's width to the model's, and back before the unembedding.
  private(set) var projectionIn: Projection?
  private(set) var projectionOut: Projection?
  private(set) var positions: Int?
  private(set) var layerInputs: LayerInputPlaces?
  private(set) var layers: [LayerPlaces] = []
  private(set) var finalNorm: NormPlace?
  private(set) var unembedding: Projection?
  let description: ModelDescription

  var names: TensorNames { description.tensors }

  /// Plans the first `layers` layers and what lies before them, and the end of the model if asked.
  init(_ description: ModelDescription, layers: Int, includesFinalNorm: Bool, unembeds: Bool) {
    self.description = description
    let tableWidth = description.embeddingWidth ?? description.width
    embedding = planEmbedding(width: tableWidth)
    embeddingNorm = names.embeddingNorm.map { norm($0) }
    if let names = names.embeddingProjections {
      projectionIn = projection(
        [(names.into, description.width)], inputs: tableWidth, hasBias: false)
      if includesFinalNorm || unembeds {
        projectionOut = projection(
          [(names.out, tableWidth)], inputs: description.width, hasBias: false)
      }
    }
    if let name = names.positions {
      var offset = 0
      if case .learned(let first) = description.positions { offset = first }
      positions = matrix(name, [description.contextLimit + offset, description.width])
    }
    if layers > 0 { layerInputs = description.layerInputs.map { planLayerInputs($0) } }
    for layer in 0..<layers { self.layers.append(block(names.layers + "\(layer).", layer)) }
    if includesFinalNorm || unembeds { finalNorm = names.finalNorm.map { norm($0) } }
    if unembeds { unembedding = planUnembedding(inputs: tableWidth) }
  }

  /// The projections of all layers and those at both ends.
  var projections: [Projection] {
    layers.flatMap { layer in
      [layer.queryKeyValue, layer.attentionOutput] + layer.mlp.projections
        + (layer.input?.projections ?? []) + (layer.latent?.projections ?? [])
    } + [projectionIn, projectionOut, unembedding].compactMap { $0 }
  }

  // MARK: Parts

  private mutating func planEmbedding(width: Int) -> Int {
    let shape = [description.vocabularySize, width]
    var sources = [TensorRequest.Source(names: weightNames(names.embedding), shape: shape)]
    if names.isTied {
      sources.append(TensorRequest.Source(names: names.unembedding.map(weightName), shape: shape))
    }
    return matrix(sources, elements: shape[0] * shape[1])
  }

  private mutating func block(_ prefix: String, _ layer: Int) -> LayerPlaces {
    let (kind, heads) = (description.layers[layer], description.heads(layer: layer))
    if kind.mixer == .deltaRule, let rule = description.deltaRule {
      return deltaBlock(rule, prefix, kind)
    }
    let (query, key) = (names.headNorms?.query, names.headNorms?.key)
    let hasKeys = kind.keyValues.hasKeys
    return LayerPlaces(
      norm1: names.norm1.map { norm(prefix + $0) },
      queryKeyValue: queryKeyValue(prefix, heads, kind.keyValues), deltaRule: nil,
      latent: description.latent.map { planLatent($0, prefix) },
      queryNorm: headNorm(prefix, query, heads: heads.count, size: heads.width),
      keyNorm: hasKeys
        ? headNorm(prefix, key, heads: heads.keyValueCount, size: heads.width) : nil,
      sinks: sinks(prefix),
      attentionOutput: planAttentionOutput(prefix, inputs: heads.mixed),
      attentionNorm: names.outputNorms.map { norm(prefix + $0.attention) },
      norm2: kind.mlp == .none ? nil : names.norm2.map { norm(prefix + $0) },
      mlp: planMLP(prefix, kind),
      mlpNorm: kind.mlp == .none ? nil : names.outputNorms.map { norm(prefix + $0.mlp) },
      blockNorm: names.blockNorm.map { norm(prefix + $0) },
      input: description.layerInputs.map { planLayerInput($0, prefix, layer) },
      blockScale: names.blockScale.map { number(prefix + $0) })
  }

  private mutating func planAttentionOutput(_ prefix: String, inputs: Int) -> Projection {
    let name = prefix + names.attentionOutput
    guard names.spelling == .transformerLens else {
      return projection(
        [(name, description.width)], inputs: inputs, hasBias: names.biases.attentionOutput)
    }
    let (heads, size, width) = (description.headCount, description.headWidth, description.width)
    let number = matrix(
      [TensorRequest.Source(names: weightNames(name), shape: [heads, size, width])],
      elements: inputs * width)
    let bias = reserve(width)
    vector(biasNames(name), [width], at: bias.lowerBound)
    return Projection(
      inputs: inputs, outputs: width, order: .inputMajor,
      stretches: [Projection.Stretch(outputs: 0..<width, matrix: number, source: 0)], bias: bias)
  }

  mutating func planMLP(_ prefix: String, _ kind: LayerKind) -> MLPPlaces {
    switch kind.mlp {
    case .none: return .none
    case .dense: break
    case .routed:
      guard let experts = description.experts else { return .none }
      return .routed(planExperts(experts, prefix))
    }
    let width = kind.mlpWidth ?? description.mlpWidth
    let hasBias = names.biases.mlp
    let isJoined = names.mlpGate == names.mlpIn
    let inputs =
      isJoined
      ? [(prefix + names.mlpIn, 2 * width)]
      : [names.mlpGate, names.mlpIn].compactMap { $0 }.map { (prefix + $0, width) }
    return .dense(
      DensePlaces(
        input: projection(inputs, inputs: description.width, hasBias: hasBias),
        activationNorm: names.activationNorm.map { norm(prefix + $0, width: width) },
        output: projection(
          [(prefix + names.mlpOut, description.width)], inputs: width, hasBias: hasBias)))
  }

  private mutating func sinks(_ prefix: String) -> Range<Int> {
    guard let name = names.attentionSinks else { return 0..<0 }
    let place = reserve(description.headCount)
    vector(full(prefix + name), [place.count], at: place.lowerBound)
    return place
  }

  mutating func norm(_ name: String, width: Int? = nil) -> NormPlace {
    let width = width ?? description.width
    guard description.normsHaveParameters else { return NormPlace(gain: 0..<0, bias: 0..<0) }
    let gain = reserve(width)
    vector(gainNames(name), [width], at: gain.lowerBound, offset: description.gainOffset)
    guard kind(ofNorm: name) == .layer else { return NormPlace(gain: gain, bias: 0..<0) }
    let bias = reserve(width)
    vector(biasNames(name), [width], at: bias.lowerBound)
    return NormPlace(gain: gain, bias: bias)
  }

  private func kind(ofNorm name: String) -> NormKind {
    name == names.finalNorm ? description.finalNorm ?? description.norm : description.norm
  }

  /// One number, by its whole name.
  private mutating func number(_ name: String) -> Range<Int> {
    let place = reserve(1)
    vector(full(name), [1], at: place.lowerBound)
    return place
  }

  private mutating func headNorm(
    _ prefix: String, _ name: String?, heads: Int, size: Int
  ) -> NormPlace? {
    guard let name, let span = names.headNorms?.span else { return nil }
    let gain = reserve(span == .head ? size : heads * size)
    switch span {
    case .head, .all:
      vector(
        gainNames(prefix + name), [gain.count], at: gain.lowerBound,
        offset: description.gainOffset)
    case .ownHead:
      for head in 0..<heads {
        vector(
          gainNames(prefix + name + ".\(head)"), [size], at: gain.lowerBound + head * size,
          offset: description.gainOffset)
      }
    }
    return NormPlace(gain: gain, bias: 0..<0)
  }

  private mutating func planUnembedding(inputs: Int) -> Projection {
    let outputs = description.vocabularySize
    let isTransposed = names.spelling == .transformerLens
    let shape = isTransposed ? [inputs, outputs] : [outputs, inputs]
    var sources = [TensorRequest.Source(names: names.unembedding.map(weightName), shape: shape)]
    // Files with both keep what each of them says.
    if names.isTied {
      sources.append(TensorRequest.Source(names: weightNames(names.embedding), shape: shape))
    }
    let number = matrix(sources, elements: inputs * outputs)
    let bias = reserve(names.biases.unembedding ? outputs : 0)
    if !bias.isEmpty {
      vector(names.unembedding.map(biasName), [outputs], at: bias.lowerBound)
    }
    return Projection(
      inputs: inputs, outputs: outputs, order: isTransposed ? .inputMajor : .outputMajor,
      stretches: [Projection.Stretch(outputs: 0..<outputs, matrix: number, source: 0)], bias: bias)
  }
}

extension WeightPlan {
  /// Tensors whose outputs stand side by side.
  mutating func projection(
    _ parts: [(name: String, outputs: Int)], inputs: Int, hasBias: Bool
  ) -> Projection {
    let order = names.order
    let outputs = parts.reduce(0) { $0 + $1.outputs }
    let bias = reserve(hasBias ? outputs : 0)
    var stretches: [Projection.Stretch] = []
    var first = 0
    for part in parts {
      let shape = order == .outputMajor ? [part.outputs, inputs] : [inputs, part.outputs]
      let number = matrix(part.name, shape)
      stretches.append(
        Projection.Stretch(outputs: first..<first + part.outputs, matrix: number, source: 0))
      if hasBias { vector(biasNames(part.name), [part.outputs], at: bias.lowerBound + first) }
      first += part.outputs
    }
    return Projection(
      inputs: inputs, outputs: outputs, order: order, stretches: stretches, bias: bias)
  }

  // MARK: Places

  /// Room for `count` elements of vectors, at a multiple of 64 bytes.
  mutating func reserve(_ count: Int) -> Range<Int> {
    let start = (vectorCount + 15) / 16 * 16
    vectorCount = start + count
    return start..<start + count
  }

  /// The number of a matrix that stays in its file.
  mutating func matrix(_ name: String, _ shape: [Int]) -> Int {
    matrix(
      [TensorRequest.Source(names: weightNames(name), shape: shape)],
      elements: shape.reduce(1, *))
  }

  mutating func matrix(_ sources: [TensorRequest.Source], elements: Int) -> Int {
    matrices.append(TensorRequest(sources: sources, elements: elements, pieces: []))
    return matrices.count - 1
  }

  mutating func vector(_ names: [String], _ shape: [Int], at target: Int, offset: Float = 0) {
    let count = shape.reduce(1, *)
    vector(
      names, shape, [TensorRequest.Piece(source: 0, count: count, target: target)], offset: offset)
  }

  mutating func vector(
    _ names: [String], _ shape: [Int], _ pieces: [TensorRequest.Piece], offset: Float = 0
  ) {
    vectors.append(
      TensorRequest(
        sources: [TensorRequest.Source(names: names, shape: shape)],
        elements: shape.reduce(1, *), pieces: pieces, offset: offset,
        isOptional: self.names.spelling == .transformerLens
          && names.allSatisfy { $0.split(separator: ".").last?.hasPrefix("b") ?? false }))
  }

  // MARK: Names

  func weightName(_ name: String) -> String {
    names.spelling == .modules ? name + ".weight" : name
  }

  func biasName(_ name: String) -> String {
    guard names.spelling == .transformerLens else { return name + ".bias" }
    let parts = name.split(separator: ".").map(String.init)
    guard let last = parts.last, last.hasPrefix("W_") else { return name + ".b" }
    return (parts.dropLast() + ["b_" + last.dropFirst(2)]).joined(separator: ".")
  }

  func weightNames(_ name: String) -> [String] { full(name).map(weightName) }
  func biasNames(_ name: String) -> [String] { full(name).map(biasName) }
  func gainNames(_ name: String) -> [String] {
    full(names.spelling == .modules ? name + ".weight" : name + ".w")
  }

  func full(_ name: String) -> [String] { names.prefixes.map { $0 + name } }
}
