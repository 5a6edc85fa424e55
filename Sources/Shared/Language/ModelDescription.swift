// What a language model is, as data: one forward pass reads it, and a family only fills it in.
// Comes in from a family's reading of config.json; leaves to the weights, the pass and the hooks.

/// A language model without its weights.
package struct ModelDescription: Sendable, Equatable {
  /// The `model_type` of config.json.
  package var family: String
  package var vocabularySize: Int
  /// The most tokens of one sequence.
  package var contextLimit: Int
  package var layerCount: Int
  /// d_model.
  package var width: Int
  package var headCount: Int
  /// Below `headCount` where several query heads share keys and values.
  package var keyValueHeadCount: Int
  package var headWidth: Int
  package var mlpWidth: Int
  package var norm: NormKind
  package var normEpsilon: Float
  package var positions: Positions
  package var block: BlockOrder
  package var activation: Activation
  /// Whether the activation's output is multiplied with a second projection.
  package var isGated: Bool
  /// What scores are multiplied with.
  package var attentionScale: Float
  /// Whether layer l divides its scores by l + 1 as well.
  package var dividesScoresByLayer: Bool
  package var tensors: TensorNames

  /// Columns of queries, keys and values side by side.
  package var queryKeyValueWidth: Int { (headCount + 2 * keyValueHeadCount) * headWidth }

  /// What the scores of a layer are multiplied with.
  package func attentionScale(layer: Int) -> Float {
    dividesScoresByLayer ? attentionScale / Float(layer + 1) : attentionScale
  }

  /// Floating-point operations per token through the first `layers` layers.
  ///
  /// Two per weight of a projection and two per product of attention, which sees half of the
  /// context on average.
  package func operationsPerToken(layers: Int, contextSize: Int) -> Double {
    let attention = width * queryKeyValueWidth + headCount * headWidth * width
    let mlp = (isGated ? 3 : 2) * width * mlpWidth
    let scores = headCount * headWidth * contextSize
    return 2 * Double(layers) * Double(attention + mlp + scores)
  }
}

/// How a model knows where a token stands.
package enum Positions: Sendable, Equatable {
  /// A learned vector per position is added to the embedding.
  case learned
  /// Queries and keys are rotated (RoPE).
  case rotary(Rotary)
}

/// How attention and multilayer perceptron follow each other.
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
}

/// How wavelengths are stretched for contexts beyond those of training.
package enum RotaryScaling: Sendable, Equatable {
  case none
  case linear(factor: Double)
  /// Llama 3.1's: long wavelengths by `factor`, short ones not, those between in part.
  case llama3(factor: Double, low: Double, high: Double, originalContext: Double)
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
  package var norm2: String
  package var queryKeyValue: QueryKeyValueNames
  package var attentionOutput: String
  package var mlpIn: String
  package var mlpGate: String?
  package var mlpOut: String
  package var finalNorm: String
  /// Whole names, the first that exists; empty where the embedding serves again.
  package var unembedding: [String]
  package var order: WeightOrder
  package var biases: Biases
}

/// Which projections have biases.
package struct Biases: Sendable, Equatable {
  package var queryKeyValue: Bool
  package var attentionOutput: Bool
  package var mlp: Bool
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
