// What a language model is, as data: one forward pass reads it, and a family only fills it in.
// Comes in from a family's reading of config.json; leaves to the weights, the pass and the hooks.

/// A language model without its weights.
package struct ModelDescription: Sendable, Equatable {
  /// The `model_type` of config.json.
  package var family: String
  package var vocabularySize: Int
  /// The most tokens of one sequence.
  package var contextLimit: Int
  package var layers: [LayerKind]
  /// d_model.
  package var width: Int
  package var headCount: Int
  /// Below `headCount` where several query heads share keys and values.
  package var keyValueHeadCount: Int
  package var headWidth: Int
  package var mlpWidth: Int
  package var norm: NormKind
  package var normEpsilon: Float
  /// Whether norms of whole rows have gains, and biases where they subtract the mean.
  package var normsHaveParameters = true
  /// The last norm, where it is of another kind.
  package var finalNorm: NormKind?
  /// What is added to the gains in the files; 1 where these say how far a gain lies from one.
  package var gainOffset: Float = 0
  /// What embeddings are multiplied with before the first block.
  package var embeddingScale: Float = 1
  /// The width of the table of embeddings, where projections lead from and to the model's.
  package var embeddingWidth: Int?
  package var positions: Positions
  package var block: BlockOrder = .sequential
  package var activation: Activation
  /// Whether the activation's output is multiplied with a second projection.
  package var isGated: Bool
  /// Experts of routed layers.
  package var experts: Experts?
  /// What layers have in the place of attention that do not attend.
  package var deltaRule: DeltaRule?
  /// How queries, keys and values are made where that is by way of narrow vectors.
  package var latent: LatentAttention?
  /// Vectors of each token for every layer, besides its embedding.
  package var layerInputs: LayerInputs?
  /// What attention and MLP write is multiplied with before it is added.
  package var residualScale: Float = 1
  /// What scores are multiplied with.
  package var attentionScale: Float
  /// Whether layer l divides its scores by l + 1 as well.
  package var dividesScoresByLayer = false
  /// A score s becomes cap·tanh(s / cap) before masking (Gemma 2, 2024).
  package var scoreCap: Float?
  /// The same for logits.
  package var logitCap: Float?
  /// What logits are multiplied with.
  package var logitScale: Float = 1
  /// Queries, keys and values are kept within this size.
  package var queryKeyValueLimit: Float?
  package var tensors: TensorNames

  package var layerCount: Int { layers.count }

  /// Whether something happens to logits after the unembedding.
  package var changesLogits: Bool { logitCap != nil || logitScale != 1 }

  /// Columns of queries, keys and values side by side, where all layers have the same.
  package var queryKeyValueWidth: Int { heads().columns }

  /// The heads of a layer, or those of most.
  package func heads(layer: Int? = nil) -> LayerHeads {
    let kind = layer.map { layers[$0] } ?? LayerKind()
    return LayerHeads(
      count: headCount, keyValueCount: kind.keyValueHeadCount ?? keyValueHeadCount,
      width: kind.headWidth ?? headWidth,
      valueWidth: latent?.valueWidth ?? kind.headWidth ?? headWidth)
  }

  /// The largest that some size of a layer's heads is.
  func largest(_ size: (LayerHeads) -> Int) -> Int {
    layers.indices.reduce(size(heads())) { max($0, size(heads(layer: $1))) }
  }

  /// The width of a layer's MLP, or of most.
  package func mlpWidth(layer: Int?) -> Int { layer.flatMap { layers[$0].mlpWidth } ?? mlpWidth }

  /// What the scores of a layer are multiplied with.
  package func attentionScale(layer: Int) -> Float {
    dividesScoresByLayer ? attentionScale / Float(layer + 1) : attentionScale
  }

  /// Floating-point operations per token through the first `layers` layers.
  ///
  /// Two per weight of a projection and two per element of the products of attention, of which a
  /// token needs those with the keys that it sees.
  package func operationsPerToken(layers: Int, contextSize: Int) -> Double {
    self.layers.prefix(layers).enumerated().reduce(0) { total, element in
      let (index, layer) = element
      let mlp = mlpWeights(layer) + (layerInputs?.weightsPerToken(width: width) ?? 0)
      if layer.mixer == .deltaRule, let deltaRule {
        return total + deltaRule.operationsPerToken(width: width) + 2 * Double(mlp)
      }
      let heads = heads(layer: index)
      let projected = layer.keyValues.projected(heads) + queryGateWidth
      let inputs = latent?.weights(width: width, heads: headCount) ?? width * projected
      let seen = layer.meanVisibleKeys(contextSize: contextSize)
      let products = 2 * Double(heads.queries.count + heads.mixed) * seen
      return total + 2 * Double(inputs + width * heads.mixed + mlp) + products
    }
  }

  /// Columns of the gates that heads' outputs are multiplied with.
  var queryGateWidth: Int { tensors.queryHasGate ? headCount * headWidth : 0 }

  /// The weights of a layer's MLP that one token meets.
  private func mlpWeights(_ layer: LayerKind) -> Int {
    switch layer.mlp {
    case .none: 0
    case .dense: (isGated ? 3 : 2) * width * (layer.mlpWidth ?? mlpWidth)
    case .routed: experts?.weightsPerToken(width: width) ?? 0
    }
  }
}

/// How a model knows where a token stands.
package enum Positions: Sendable, Equatable {
  /// A learned vector per position is added to the embedding; position 0 has row `offset`.
  case learned(offset: Int)
  /// A learned vector per position is added to what queries and keys are made of (Press, Smith,
  /// Lewis 2021, Shortformer).
  case learnedForAttention
  /// Scores fall with distance, at a rate of each head's own (Press, Smith, Lewis 2022, ALiBi).
  case linearBias(LinearBias)
  /// Queries and keys are rotated (RoPE); a layer names its rotation by index.
  case rotary([Rotary])

  package var isRotary: Bool {
    if case .rotary = self { true } else { false }
  }

  package var isLearned: Bool {
    switch self {
    case .learned, .learnedForAttention: true
    case .linearBias, .rotary: false
    }
  }
}

/// How attention and MLP follow each other.
package enum BlockOrder: Sendable, Equatable {
  case sequential
  /// Both read the block's input.
  case parallel
}

/// Rotary positions.
package struct Rotary: Sendable, Equatable {
  /// The elements of a head that are rotated, the first ones; of an odd number one more.
  package var width: Int
  /// θ, the base of the wavelengths.
  package var base: Double
  package var scaling: RotaryScaling
  package var pairing: RotaryPairing = .halves

  package init(width: Int, base: Double, scaling: RotaryScaling) {
    self.width = width
    self.base = base
    self.scaling = scaling
  }

  /// Elements that are rotated together.
  var pairCount: Int { (width + 1) / 2 }
}

/// Which elements of a head are rotated together.
package enum RotaryPairing: Sendable, Equatable {
  /// Element i with element i + width / 2, as in GPT-NeoX.
  case halves
  /// Element 2i with element 2i + 1, as in GPT-J.
  case neighbors
}

/// How wavelengths are stretched for contexts beyond those of training.
package enum RotaryScaling: Sendable, Equatable {
  case none
  case linear(factor: Double)
  /// The first pairs as those of a whole head, stretched by a factor; the others stay as they are.
  case first(pairs: Int, factor: Double)
  /// Llama 3.1's: long wavelengths by `factor`, short ones not, those between in part.
  case llama3(factor: Double, low: Double, high: Double, originalContext: Double)
  case yarn(Yarn)
  case long(LongRotary)

  var isYarn: Bool {
    if case .yarn = self { true } else { false }
  }
}

/// LongRoPE's stretching of each wavelength by a factor of its own (Ding and others 2024).
package struct LongRotary: Sendable, Equatable {
  /// The factors of contexts up to the original one, and of longer ones.
  package var short: [Double]
  package var long: [Double]
  package var originalContext: Double
  /// What cosines and sines are multiplied with.
  package var attentionFactor: Double
}

/// YaRN's stretching of wavelengths (Peng, Quesnelle, Fan, Shippole 2023).
package struct Yarn: Sendable, Equatable {
  package var factor: Double
  /// Turns within the original context above which a wavelength is kept, and below which it is
  /// stretched by the whole factor.
  package var fast: Double
  package var slow: Double
  package var originalContext: Double
  /// What cosines and sines are multiplied with.
  package var attentionFactor: Double
  /// Whether the bounds between the two are rounded to whole pairs.
  package var rounds: Bool
}
