// Which tensors of a model's files are needed and what they are for. Comes in: a description.
// Leaves: matrices by number, which stay in their files, and the places of gains and biases in one
// array of Float.
//
// Queries, keys and values become one projection, `[queries | keys | values]` whatever the files'
// order, and so do gate and input of a gated MLP: one large product instead of several.

/// A projection: where the columns of its output come from, and its bias.
struct Projection: Sendable, Equatable {
  /// Neighboring outputs that are neighbors in a file too.
  struct Stretch: Sendable, Equatable {
    let outputs: Range<Int>
    /// The number of the matrix.
    let matrix: Int
    /// The output of the matrix that comes first.
    let source: Int
  }

  let inputs: Int
  let outputs: Int
  let order: WeightOrder
  let stretches: [Stretch]
  /// Empty where there is none.
  let bias: Range<Int>
  /// The outputs of which a product takes the weights at once.
  let tiles: [Range<Int>]

  init(inputs: Int, outputs: Int, order: WeightOrder, stretches: [Stretch], bias: Range<Int>) {
    self.inputs = inputs
    self.outputs = outputs
    self.order = order
    self.stretches = stretches
    self.bias = bias
    tiles = Projection.cut(stretches.map(\.outputs.count), inputs: inputs)
  }

  /// Elements of the largest tile.
  var tileCount: Int { inputs * (tiles.map(\.count).max() ?? 0) }

  /// Tiles of about 1,024 outputs, fewer where a tile would pass 32 MiB.
  ///
  /// Longer runs are cut by themselves, so that their weights can be used where they lie; shorter
  /// ones are joined.
  private static func cut(_ stretches: [Int], inputs: Int) -> [Range<Int>] {
    let limit = min(1024, max(128, (8 << 20) / inputs / 64 * 64))
    var tiles: [Range<Int>] = []
    var first = 0
    var end = 0
    func close(_ length: Int) {
      let parts = (length + limit - 1) / limit
      let size = parts == 0 ? 0 : ((length + parts - 1) / parts + 15) / 16 * 16
      for start in stride(from: first, to: first + length, by: max(1, size)) {
        tiles.append(start..<min(start + size, first + length))
      }
      first += length
    }
    for stretch in stretches {
      if stretch >= limit / 4 {
        close(end - first)
        end += stretch
        close(stretch)
      } else {
        end += stretch
      }
    }
    close(end - first)
    return tiles
  }
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
  /// Gains of the norms on each head's queries and keys.
  let queryNorm: NormPlace?
  let keyNorm: NormPlace?
  let attentionOutput: Projection
  let attentionNorm: NormPlace?
  let norm2: NormPlace
  /// `[gate | input]` where the MLP is gated.
  let mlpIn: Projection
  let mlpOut: Projection
  let mlpNorm: NormPlace?
}

/// A tensor that must be in the files.
struct TensorRequest: Sendable {
  /// Consecutive elements of a vector and where they go.
  struct Piece: Sendable {
    let source: Int
    let count: Int
    let target: Int
  }

  /// What the tensor may be called, the likeliest name first.
  let names: [String]
  let shape: [Int]
  /// Empty for a matrix, which stays where it is.
  let pieces: [Piece]
  /// What is added to each element.
  var offset: Float = 0
}

/// The weights that a pass needs.
struct WeightPlan: Sendable {
  /// Elements of all gains and biases.
  private(set) var vectorCount = 0
  private(set) var vectors: [TensorRequest] = []
  private(set) var matrices: [TensorRequest] = []
  /// The numbers of the tables of embeddings and positions.
  private(set) var embedding = 0
  private(set) var positions: Int?
  private(set) var layers: [LayerPlaces] = []
  private(set) var finalNorm: NormPlace?
  private(set) var unembedding: Projection?
  private let description: ModelDescription

  /// Plans the first `layers` layers and what lies before them, and the end of the model if asked.
  init(_ description: ModelDescription, layers: Int, includesFinalNorm: Bool, unembeds: Bool) {
    self.description = description
    let names = description.tensors
    embedding = matrix(names.embedding, [description.vocabularySize, description.width])
    if case .learned(let offset) = description.positions, let name = names.positions {
      positions = matrix(name, [description.contextLimit + offset, description.width])
    }
    for layer in 0..<layers { self.layers.append(block(names.layers + "\(layer).")) }
    if includesFinalNorm || unembeds { finalNorm = norm(names.finalNorm) }
    if unembeds { unembedding = planUnembedding() }
  }

  /// The projections of all layers and the unembedding.
  var projections: [Projection] {
    layers.flatMap { [$0.queryKeyValue, $0.attentionOutput, $0.mlpIn, $0.mlpOut] }
      + [unembedding].compactMap { $0 }
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
      queryNorm: headNorm(prefix, names.headNorms?.query),
      keyNorm: headNorm(prefix, names.headNorms?.key),
      attentionOutput: projection(
        [(prefix + names.attentionOutput, description.width)], inputs: mixedWidth,
        hasBias: names.biases.attentionOutput),
      attentionNorm: names.outputNorms.map { norm(prefix + $0.attention) },
      norm2: norm(prefix + names.norm2),
      mlpIn: projection(mlpInputs, inputs: description.width, hasBias: names.biases.mlp),
      mlpOut: projection(
        [(prefix + names.mlpOut, description.width)], inputs: description.mlpWidth,
        hasBias: names.biases.mlp),
      mlpNorm: names.outputNorms.map { norm(prefix + $0.mlp) })
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
    let (inputs, outputs) = (description.width, 3 * heads * size)
    let number = matrix(name, [outputs, inputs])
    let starts = (0..<3 * heads).map { index in (index % heads * 3 + index / heads) * size }
    let bias = reserve(hasBias ? outputs : 0)
    if hasBias {
      vector(
        name + ".bias", outputs,
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

  /// Tensors whose outputs stand side by side.
  private mutating func projection(
    _ parts: [(name: String, outputs: Int)], inputs: Int, hasBias: Bool
  ) -> Projection {
    let order = description.tensors.order
    let outputs = parts.reduce(0) { $0 + $1.outputs }
    let bias = reserve(hasBias ? outputs : 0)
    var stretches: [Projection.Stretch] = []
    var first = 0
    for part in parts {
      let shape = order == .outputMajor ? [part.outputs, inputs] : [inputs, part.outputs]
      let number = matrix(part.name, shape)
      stretches.append(
        Projection.Stretch(outputs: first..<first + part.outputs, matrix: number, source: 0))
      if hasBias { vector(part.name + ".bias", part.outputs, at: bias.lowerBound + first) }
      first += part.outputs
    }
    return Projection(
      inputs: inputs, outputs: outputs, order: order, stretches: stretches, bias: bias)
  }

  private mutating func norm(_ name: String) -> NormPlace {
    let gain = reserve(description.width)
    vector(name + ".weight", gain.count, at: gain.lowerBound, offset: description.gainOffset)
    guard description.norm == .layer else { return NormPlace(gain: gain, bias: 0..<0) }
    let bias = reserve(description.width)
    vector(name + ".bias", bias.count, at: bias.lowerBound)
    return NormPlace(gain: gain, bias: bias)
  }

  private mutating func headNorm(_ prefix: String, _ name: String?) -> NormPlace? {
    guard let name else { return nil }
    let gain = reserve(description.headWidth)
    vector(
      prefix + name + ".weight", gain.count, at: gain.lowerBound, offset: description.gainOffset)
    return NormPlace(gain: gain, bias: 0..<0)
  }

  private mutating func planUnembedding() -> Projection {
    let outputs = description.vocabularySize
    let names = description.tensors.unembedding
    var number = embedding
    if !names.isEmpty {
      number = matrices.count
      matrices.append(
        TensorRequest(
          names: names.map { $0 + ".weight" }, shape: [outputs, description.width], pieces: []))
    }
    let bias = reserve(description.tensors.biases.unembedding ? outputs : 0)
    if !bias.isEmpty {
      let piece = TensorRequest.Piece(source: 0, count: outputs, target: bias.lowerBound)
      let modules = description.tensors.unembeddingModules
      vectors.append(
        TensorRequest(names: modules.map { $0 + ".bias" }, shape: [outputs], pieces: [piece]))
    }
    return Projection(
      inputs: description.width, outputs: outputs, order: .outputMajor,
      stretches: [Projection.Stretch(outputs: 0..<outputs, matrix: number, source: 0)], bias: bias)
  }

  // MARK: Places

  /// Room for `count` elements of vectors, at a multiple of 64 bytes.
  private mutating func reserve(_ count: Int) -> Range<Int> {
    let start = (vectorCount + 15) / 16 * 16
    vectorCount = start + count
    return start..<start + count
  }

  /// The number of a matrix that stays in its file.
  private mutating func matrix(_ name: String, _ shape: [Int]) -> Int {
    matrices.append(TensorRequest(names: full(name + ".weight"), shape: shape, pieces: []))
    return matrices.count - 1
  }

  private mutating func vector(_ name: String, _ count: Int, at target: Int, offset: Float = 0) {
    let piece = TensorRequest.Piece(source: 0, count: count, target: target)
    vectors.append(
      TensorRequest(names: full(name), shape: [count], pieces: [piece], offset: offset))
  }

  private mutating func vector(_ name: String, _ count: Int, _ pieces: [TensorRequest.Piece]) {
    vectors.append(TensorRequest(names: full(name), shape: [count], pieces: pieces))
  }

  private func full(_ name: String) -> [String] {
    description.tensors.prefixes.map { $0 + name }
  }
}
