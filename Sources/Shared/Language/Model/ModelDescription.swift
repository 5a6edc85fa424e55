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
  /// What is added to the gains in the files; 1 where these say how far a gain lies from one.
  package var gainOffset: Float = 0
  /// What embeddings are multiplied with before the first block.
  package var embeddingScale: Float = 1
  package var positions: Positions
  package var block: BlockOrder = .sequential
  package var activation: Activation
  /// Whether the activation's output is multiplied with a second projection.
  package var isGated: Bool
  /// What scores are multiplied with.
  package var attentionScale: Float
  /// Whether layer l divides its scores by l + 1 as well.
  package var dividesScoresByLayer = false
  /// A score s becomes cap·tanh(s / cap) before masking (Gemma 2, 2024).
  package var scoreCap: Float?
  /// The same for logits.
  package var logitCap: Float?
  package var tensors: TensorNames

  package var layerCount: Int { layers.count }

  /// Columns of queries, keys and values side by side.
  package var queryKeyValueWidth: Int { (headCount + 2 * keyValueHeadCount) * headWidth }

  /// What the scores of a layer are multiplied with.
  package func attentionScale(layer: Int) -> Float {
    dividesScoresByLayer ? attentionScale / Float(layer + 1) : attentionScale
  }

  /// Floating-point operations per token through the first `layers` layers.
  ///
  /// Two per weight of a projection and two per element of the products of attention, of which a
  /// token needs those with the keys that it sees.
  package func operationsPerToken(layers: Int, contextSize: Int) -> Double {
    let attention = width * queryKeyValueWidth + headCount * headWidth * width
    let mlp = (isGated ? 3 : 2) * width * mlpWidth
    return self.layers.prefix(layers).reduce(0) { total, layer in
      let seen = layer.meanVisibleKeys(contextSize: contextSize)
      return total + 2 * Double(attention + mlp) + 4 * Double(headCount * headWidth) * seen
    }
  }
}

/// What one layer's attention differs in from another's.
package struct LayerKind: Sendable, Equatable {
  /// How many tokens a token sees, itself among them; nil for all before it.
  package var window: Int?
  /// Which of the model's rotations it uses; nil where queries and keys stay as they are.
  package var rotation: Int? = 0

  package init(window: Int? = nil) { self.window = window }

  /// The first token that a token sees.
  package func firstVisible(_ token: Int) -> Int { window.map { max(0, token - $0 + 1) } ?? 0 }

  /// Tokens that a token sees, on average over a context.
  package func meanVisibleKeys(contextSize: Int) -> Double {
    let shown = min(window ?? contextSize, contextSize)
    let all = Double(shown) * Double(contextSize) - Double(shown) * Double(shown - 1) / 2
    return all / Double(contextSize)
  }
}

/// How a model knows where a token stands.
package enum Positions: Sendable, Equatable {
  /// A learned vector per position is added to the embedding; position 0 has row `offset`.
  case learned(offset: Int)
  /// Queries and keys are rotated (RoPE); a layer names its rotation by index.
  case rotary([Rotary])

  package var isRotary: Bool {
    if case .rotary = self { true } else { false }
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
  /// The elements of a head that are rotated, the first ones.
  package var width: Int
  /// θ, the base of the wavelengths.
  package var base: Double
  package var scaling: RotaryScaling

  package init(width: Int, base: Double, scaling: RotaryScaling) {
    self.width = width
    self.base = base
    self.scaling = scaling
  }
}

/// How wavelengths are stretched for contexts beyond those of training.
package enum RotaryScaling: Sendable, Equatable {
  case none
  case linear(factor: Double)
  /// Llama 3.1's: long wavelengths by `factor`, short ones not, those between in part.
  case llama3(factor: Double, low: Double, high: Double, originalContext: Double)
  case yarn(Yarn)
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

/// The tensors of a model's files.
package struct TensorNames: Sendable, Equatable {
  /// What may stand before every name but the unembedding's.
  package var prefixes: [String]
  package var embedding: String
  package var positions: String?
  /// What stands before a layer's number.
  package var layers: String
  package var norm1: String
  /// The same as `norm1` where both parts of a block read one norm.
  package var norm2: String
  /// Norms of what attention and MLP write.
  package var outputNorms: OutputNormNames?
  package var queryKeyValue: QueryKeyValueNames
  /// Norms of each head's queries and keys.
  package var headNorms: HeadNormNames?
  package var attentionOutput: String
  package var mlpIn: String
  package var mlpGate: String?
  package var mlpOut: String
  /// The module of the nonlinearity.
  package var activation: String?
  package var finalNorm: String
  /// Whole names, the first that exists; empty where the embedding serves again.
  package var unembedding: [String]
  package var order: WeightOrder = .outputMajor
  package var biases = Biases()

  /// The modules that may write the logits, each of which may have a bias: `lm_head` where the
  /// embedding serves again.
  var unembeddingModules: [String] { unembedding.isEmpty ? ["lm_head"] : unembedding }
}

/// The names of the norms after attention and MLP.
package struct OutputNormNames: Sendable, Equatable {
  package var attention: String
  package var mlp: String
}

/// The names of the norms on queries and keys.
package struct HeadNormNames: Sendable, Equatable {
  package var query: String
  package var key: String
}

/// Which projections have biases.
package struct Biases: Sendable, Equatable {
  package var queryKeyValue = false
  package var attentionOutput = false
  package var mlp = false
  package var unembedding = false
}

/// How the three projections into attention are stored.
package enum QueryKeyValueNames: Sendable, Equatable {
  case separate(query: String, key: String, value: String)
  /// One tensor: all queries, all keys, all values.
  case fused(String)
  /// One tensor: head after head, each with its query, key and value.
  case fusedPerHead(String)
}

/// How a projection's matrix lies in its file.
package enum WeightOrder: Sendable, Equatable {
  /// `[outputs, inputs]`, as torch.nn.Linear stores it.
  case outputMajor
  /// `[inputs, outputs]`, as GPT-2's Conv1D stores it.
  case inputMajor
}
