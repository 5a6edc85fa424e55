// The names of a model's tensors, and how these lie in their files. Comes in from a family's
// description; leaves to the weights and to the hook points that are called after modules.

/// The tensors of a model's files.
package struct TensorNames: Sendable, Equatable {
  /// What may stand before every name but the unembedding's.
  package var prefixes: [String]
  package var embedding: String
  /// Whether embeddings are scaled after their module has written them.
  package var scalesAfterEmbedding = false
  /// The norm of embeddings.
  package var embeddingNorm: String?
  /// The projections between the table of embeddings and the model's width.
  package var embeddingProjections: EmbeddingProjectionNames?
  package var positions: String?
  /// What stands before a layer's number.
  package var layers: String
  /// Nil where attention reads the residual stream itself.
  package var norm1: String?
  /// The same as `norm1` where both parts of a block read one norm.
  package var norm2: String?
  /// The norm of a block's result, which then is the residual stream, as is what `norm2` gives.
  package var blockNorm: String?
  /// A number that a block's result is multiplied with, a whole name.
  package var blockScale: String?
  /// Norms of what attention and MLP write.
  package var outputNorms: OutputNormNames?
  package var queryKeyValue: QueryKeyValueNames
  /// Whether each head's rows of the query are followed by as many of a gate, whose sigmoid the
  /// head's output is multiplied with.
  package var queryHasGate = false
  /// Norms of each head's queries and keys.
  package var headNorms: HeadNormNames?
  /// Each head's score of a token that is not there, which takes a share of the weights.
  package var attentionSinks: String?
  package var attentionOutput: String
  /// Whether the modules of attention and MLP write what they add and what they add it to.
  package var modulesAddResidual = false
  package var mlpIn: String
  /// The same as `mlpIn` where one tensor holds the gate and then the input.
  package var mlpGate: String?
  package var mlpOut: String
  /// The norm of the activation's output.
  package var activationNorm: String?
  /// The module of the nonlinearity.
  package var activation: String?
  /// Nil where the unembedding reads the residual stream itself.
  package var finalNorm: String?
  /// Whole names, the first that exists.
  package var unembedding: [String]
  /// Whether embedding and unembedding are one matrix, which files keep under either name.
  package var isTied = false
  package var order: WeightOrder = .outputMajor
  package var biases = Biases()
  package var spelling: TensorSpelling = .modules
}

/// How tensors are called.
package enum TensorSpelling: Sendable, Equatable {
  /// A module's path with `.weight` or `.bias`.
  case modules
  /// TransformerLens's: `W_Q` and `b_Q`, `w` and `b` of norms; heads are a dimension of their own.
  case transformerLens
}

/// The names of the projections of embeddings.
package struct EmbeddingProjectionNames: Sendable, Equatable {
  package var into: String
  package var out: String
}

/// The names of the norms after attention and MLP.
package struct OutputNormNames: Sendable, Equatable {
  package var attention: String
  package var mlp: String
}

/// The norms on queries and keys, and on values, where these have one; that has no gain.
package struct HeadNormNames: Sendable, Equatable {
  package var query: String
  package var key: String
  package var value: String?
  package var span: HeadNormSpan = .head

  /// What one norm takes together.
  package enum HeadNormSpan: Sendable, Equatable {
    /// A head; all heads have the same gain.
    case head
    /// A head; each has a gain of its own, a tensor with the head's number in its name.
    case ownHead
    /// All heads.
    case all
  }
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
  /// One tensor: for each head of keys the queries that share it, then its key and its value.
  case fusedPerHead(String)
}

/// How a projection's matrix lies in its file.
package enum WeightOrder: Sendable, Equatable {
  /// `[outputs, inputs]`, as torch.nn.Linear stores it.
  case outputMajor
  /// `[inputs, outputs]`, as GPT-2's Conv1D stores it.
  case inputMajor
}
