// The places of a model's weights, layer by layer. Come in from the plan; leave to the pass.

/// Gain and bias of a norm; either is empty where there is none.
struct NormPlace: Sendable, Equatable {
  let gain: Range<Int>
  let bias: Range<Int>
}

/// The weights of a block.
struct LayerPlaces: Sendable, Equatable {
  /// Nil where attention reads the residual stream itself.
  let norm1: NormPlace?
  /// Of a layer with a delta rule all that it projects.
  let queryKeyValue: Projection
  let deltaRule: DeltaPlaces?
  var latent: LatentPlaces?
  /// Gains of the norms on queries and keys.
  let queryNorm: NormPlace?
  let keyNorm: NormPlace?
  /// A score per head, or nothing.
  let sinks: Range<Int>
  let attentionOutput: Projection
  let attentionNorm: NormPlace?
  let norm2: NormPlace?
  let mlp: MLPPlaces
  let mlpNorm: NormPlace?
  /// The norm of the block's result.
  let blockNorm: NormPlace?
  /// Of its own input of every token.
  var input: LayerInputPlace?
  /// What the block's result is multiplied with.
  var blockScale: Range<Int>?
}

/// The weights of latent attention besides the last projection to queries.
struct LatentPlaces: Sendable, Equatable {
  let queryInto: Projection?
  let queryNorm: NormPlace?
  let keyValueInto: Projection
  let keyValueNorm: NormPlace
  let keyValueFrom: Projection

  var projections: [Projection] {
    [queryInto, keyValueInto, keyValueFrom].compactMap { $0 }
  }
}

/// The weights of the inputs of layers that they share.
struct LayerInputPlaces: Sendable, Equatable {
  /// The number of the table.
  let table: Int
  /// The number of the projection from embeddings, of which each layer takes some outputs.
  let projection: Int
  let norm: NormPlace
}

/// The weights by which a layer takes its own input.
struct LayerInputPlace: Sendable, Equatable {
  let projection: Projection
  let gate: Projection
  let output: Projection
  let outputNorm: NormPlace

  var projections: [Projection] { [projection, gate, output] }
}

/// The small weights of a delta rule.
struct DeltaPlaces: Sendable, Equatable {
  /// `[columns, kernel]`.
  let convolution: Range<Int>
  /// Logarithms of rates of decay, and what is added to a token's own, per head.
  let decay: Range<Int>
  let decayBias: Range<Int>
  /// The gain of the norm on each head's output.
  let norm: Range<Int>
}

/// The weights of what follows attention.
enum MLPPlaces: Sendable, Equatable {
  case none
  case dense(DensePlaces)
  case routed(ExpertPlaces)

  var projections: [Projection] {
    switch self {
    case .none: []
    case .dense(let places): [places.input, places.output]
    case .routed(let places):
      [places.router] + places.experts.flatMap { [$0.input, $0.output] }
        + (places.shared.map { [$0.input, $0.output] } ?? [])
        + [places.sharedScore].compactMap { $0 }
    }
  }
}

/// The weights of an MLP.
struct DensePlaces: Sendable, Equatable {
  /// `[gate | input]` where the MLP is gated.
  let input: Projection
  let activationNorm: NormPlace?
  let output: Projection
}

/// The weights of a routed layer.
struct ExpertPlaces: Sendable, Equatable {
  let router: Projection
  let experts: [ExpertPlace]
  /// The expert of all tokens, and its score.
  var shared: ExpertPlace?
  var sharedScore: Projection?
  /// What is added to scores where experts are chosen.
  var choiceBias: Range<Int> = 0..<0
}

/// The weights of an expert.
struct ExpertPlace: Sendable, Equatable {
  let input: Projection
  let output: Projection
}

/// A tensor that must be in the files.
struct TensorRequest: Sendable {
  /// Consecutive elements of a vector and where they go.
  struct Piece: Sendable {
    let source: Int
    let count: Int
    let target: Int
  }

  /// A tensor that may be the one.
  struct Source: Sendable {
    /// What it may be called, the likeliest name first.
    let names: [String]
    let shape: [Int]
    /// The element where the matrix begins, of tensors that hold several.
    var base = 0
    /// What the scales of a tensor in MXFP4 may be called; empty for plain numbers.
    var scales: [String] = []
  }

  /// The first that exists is taken.
  let sources: [Source]
  /// Elements that are used.
  let elements: Int
  /// Empty for a matrix, which stays where it is.
  let pieces: [Piece]
  /// What is added to each element.
  var offset: Float = 0
  /// Whether files may leave it out, which means zeros.
  var isOptional = false
}
