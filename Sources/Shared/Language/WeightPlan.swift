// Which tensors of a model's files are needed and where they go. Comes in: a description. Leaves:
// the place of every weight in one array of Float, and the tensors to fill it from.
//
// Queries, keys and values become one projection, `[queries | keys | values]` whatever the file's
// order, and so do gate and input of a gated perceptron: one large product instead of several.

/// A projection: its matrix in the order of its file, and its bias.
struct Projection: Sendable, Equatable {
  let inputs: Int
  let outputs: Int
  let order: WeightOrder
  let weight: Range<Int>
  /// Empty where there is none.
  let bias: Range<Int>
}

/// Gain and bias of a norm; the bias is empty for root-mean-square norms.
struct NormPlace: Sendable, Equatable {
  let gain: Range<Int>
  let bias: Range<Int>
}

/// The weights of a block.
struct LayerPlaces: Sendable, Equatable {
  let norm1: NormPlace
  let queryKeyValue: Projection
  let attentionOutput: Projection
  let norm2: NormPlace
  /// `[gate | input]` where the perceptron is gated.
  let mlpIn: Projection
  let mlpOut: Projection
}

/// A tensor that must be in the files, and the places of its elements.
struct TensorRequest: Sendable {
  /// Consecutive elements of the tensor.
  struct Piece: Sendable {
    let source: Int
    let count: Int
    let target: Int
  }

  /// What the tensor may be called, the likeliest name first.
  let names: [String]
  let shape: [Int]
  let pieces: [Piece]
}

/// The places of all weights that a pass needs.
struct WeightPlan: Sendable {
  private(set) var count = 0
  private(set) var requests: [TensorRequest] = []
  private(set) var embedding = 0..<0
  private(set) var positions = 0..<0
  private(set) var layers: [LayerPlaces] = []
  private(set) var finalNorm: NormPlace?
  private(set) var unembedding: Projection?
  private let description: ModelDescription

  /// Plans the first `layers` layers and what lies before them, and the end of the model if asked.
  init(_ description: ModelDescription, layers: Int, includesFinalNorm: Bool, unembeds: Bool) {
    self.description = description
    let names = description.tensors
    embedding = tensor(names.embedding, [description.vocabularySize, description.width])
    if description.positions == .learned, let name = names.positions {
      positions = tensor(name, [description.contextLimit, description.width])
    }
    for layer in 0..<layers { self.layers.append(block(names.layers + "\(layer).")) }
    if includesFinalNorm || unembeds { finalNorm = norm(names.finalNorm) }
    if unembeds { unembedding = planUnembedding() }
  }

  // MARK: Parts

  private mutating func block(_ prefix: String) -> LayerPlaces {
    let names = description.tensors
    let mixedWidth = description.headCount * description.headWidth
    let mlpInputs =
      [names.mlpGate, names.mlpIn].compactMap { $0 }.map { (prefix + $0, description.mlpWidth) }
    return LayerPlaces(
      norm1: norm(prefix + names.norm1),
      queryKeyValue: queryKeyValue(prefix),
      attentionOutput: projection(
        [(prefix + names.attentionOutput, description.width)], inputs: mixedWidth,
        hasBias: names.biases.attentionOutput),
      norm2: norm(prefix + names.norm2),
      mlpIn: projection(mlpInputs, inputs: description.width, hasBias: names.biases.mlp),
      mlpOut: projection(
        [(prefix + names.mlpOut, description.width)], inputs: description.mlpWidth,
        hasBias: names.biases.mlp))
  }

  private mutating func queryKeyValue(_ prefix: String) -> Projection {
    let hasBias = description.tensors.biases.queryKeyValue
    let keyWidth = description.keyValueHeadCount * description.headWidth
    switch description.tensors.queryKeyValue {
    case .separate(let query, let key, let value):
      let parts = [
        (prefix + query, description.headCount * description.headWidth),
        (prefix + key, keyWidth), (prefix + value, keyWidth),
      ]
      return projection(parts, inputs: description.width, hasBias: hasBias)
    case .fused(let name):
      return projection(
        [(prefix + name, description.queryKeyValueWidth)], inputs: description.width,
        hasBias: hasBias)
    case .fusedPerHead(let name): return perHead(prefix + name, hasBias: hasBias)
    }
  }

  /// One tensor `[heads, 3, headWidth, inputs]`, put in the order `[3, heads, headWidth, inputs]`.
  private mutating func perHead(_ name: String, hasBias: Bool) -> Projection {
    let (heads, size) = (description.headCount, description.headWidth)
    let (inputs, outputs) = (description.width, 3 * description.headCount * description.headWidth)
    func pieces(rowLength: Int, at start: Int) -> [TensorRequest.Piece] {
      (0..<heads * 3).map { index in
        let (head, part) = (index / 3, index % 3)
        let count = size * rowLength
        return TensorRequest.Piece(
          source: index * count, count: count, target: start + (part * heads + head) * count)
      }
    }
    let weight = reserve(outputs * inputs)
    request(name + ".weight", [outputs, inputs], pieces(rowLength: inputs, at: weight.lowerBound))
    let bias = reserve(hasBias ? outputs : 0)
    if hasBias { request(name + ".bias", [outputs], pieces(rowLength: 1, at: bias.lowerBound)) }
    return Projection(
      inputs: inputs, outputs: outputs, order: .outputMajor, weight: weight, bias: bias)
  }

  /// Tensors whose outputs stand side by side.
  private mutating func projection(
    _ parts: [(name: String, outputs: Int)], inputs: Int, hasBias: Bool
  ) -> Projection {
    let order = description.tensors.order
    precondition(order == .outputMajor || parts.count == 1, "columns cannot be joined")
    let outputs = parts.reduce(0) { $0 + $1.outputs }
    let weight = reserve(outputs * inputs)
    let bias = reserve(hasBias ? outputs : 0)
    var first = 0
    for part in parts {
      let shape = order == .outputMajor ? [part.outputs, inputs] : [inputs, part.outputs]
      request(part.name + ".weight", shape, at: weight.lowerBound + first * inputs)
      if hasBias { request(part.name + ".bias", [part.outputs], at: bias.lowerBound + first) }
      first += part.outputs
    }
    return Projection(inputs: inputs, outputs: outputs, order: order, weight: weight, bias: bias)
  }

  private mutating func norm(_ name: String) -> NormPlace {
    let gain = tensor(name + ".weight", [description.width])
    let hasBias = description.norm == .layer
    return NormPlace(
      gain: gain, bias: hasBias ? tensor(name + ".bias", [description.width]) : 0..<0)
  }

  private mutating func planUnembedding() -> Projection {
    let shape = [description.vocabularySize, description.width]
    var weight = embedding
    if !description.tensors.unembedding.isEmpty {
      weight = reserve(shape[0] * shape[1])
      let piece = TensorRequest.Piece(source: 0, count: weight.count, target: weight.lowerBound)
      requests.append(
        TensorRequest(names: description.tensors.unembedding, shape: shape, pieces: [piece]))
    }
    return Projection(
      inputs: description.width, outputs: description.vocabularySize, order: .outputMajor,
      weight: weight, bias: 0..<0)
  }

  // MARK: Places

  /// Room for `count` elements, at a multiple of 64 bytes.
  private mutating func reserve(_ count: Int) -> Range<Int> {
    let start = (self.count + 15) / 16 * 16
    self.count = start + count
    return start..<start + count
  }

  private mutating func tensor(_ name: String, _ shape: [Int]) -> Range<Int> {
    let range = reserve(shape.reduce(1, *))
    request(name, shape, at: range.lowerBound)
    return range
  }

  private mutating func request(_ name: String, _ shape: [Int], at target: Int) {
    let count = shape.reduce(1, *)
    request(name, shape, [TensorRequest.Piece(source: 0, count: count, target: target)])
  }

  private mutating func request(_ name: String, _ shape: [Int], _ pieces: [TensorRequest.Piece]) {
    requests.append(
      TensorRequest(
        names: description.tensors.prefixes.map { $0 + name }, shape: shape, pieces: pieces))
  }
}
