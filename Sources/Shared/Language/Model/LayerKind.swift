// What the layers of a model differ in. Comes in from a family's description; leaves to the weights, the
// pass and the hooks.

/// What one layer's attention differs in from another's.
package struct LayerKind: Sendable, Equatable {
  /// How many tokens a token sees, itself among them; nil for all before it.
  package var window: Int?
  /// Which of the model's rotations it uses; nil where queries and keys stay as they are.
  package var rotation: Int? = 0
  package var mixer: MixerKind = .attention
  package var mlp: MLPKind = .dense
  /// Sizes that are not those of most layers.
  package var headWidth: Int?
  package var keyValueHeadCount: Int?
  package var mlpWidth: Int?
  package var keyValues: KeyValueOrigin = .projections

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

/// How a layer's tokens see those before them.
package enum MixerKind: Sendable, Equatable {
  case attention
  /// By a state that each token updates.
  case deltaRule
}

/// What follows a layer's attention.
package enum MLPKind: Sendable, Equatable {
  case none
  case dense
  /// Each token goes through some of the model's experts.
  case routed
}

/// Where a layer's keys and values come from.
package enum KeyValueOrigin: Sendable, Equatable {
  case projections
  /// Values are what keys are before their norm and rotation.
  case keys
  /// Those of an earlier layer, as its heads read them.
  case layer(Int)

  /// Whether the layer has keys of its own.
  var hasKeys: Bool {
    if case .layer = self { false } else { true }
  }

  /// Columns that are projected for queries, keys and values.
  func projected(_ heads: LayerHeads) -> Int {
    switch self {
    case .projections: heads.columns
    case .keys: heads.keys.upperBound
    case .layer: heads.queries.upperBound
    }
  }
}

extension ModelDescription {
  /// The layers whose keys and values others take.
  var sharedLayers: [Int] {
    Set(
      layers.compactMap { kind in
        if case .layer(let source) = kind.keyValues { source } else { nil }
      }
    ).sorted()
  }

  /// Where such a layer's `[keys | values]` are kept; empty of other layers.
  func sharedColumns(of layer: Int) -> Range<Int> {
    var first = 0
    for source in sharedLayers {
      let heads = heads(layer: source)
      let count = heads.keys.count + heads.values.count
      if source == layer { return first..<first + count }
      first += count
    }
    return first..<first
  }
}

/// The heads of a layer, and the columns of their rows `[queries | keys | values]`.
package struct LayerHeads: Sendable, Equatable {
  package let count: Int
  /// Below `count` where several query heads share keys and values.
  package let keyValueCount: Int
  /// Of queries and keys, and of values.
  package let width: Int
  package let valueWidth: Int

  package var columns: Int { keys.upperBound + keyValueCount * valueWidth }
  package var queries: Range<Int> { 0..<count * width }
  package var keys: Range<Int> { count * width..<(count + keyValueCount) * width }
  package var values: Range<Int> { keys.upperBound..<columns }
  /// Columns of what all heads mix.
  package var mixed: Int { count * valueWidth }
}

/// A vector of each token for every layer, learned and projected from its embedding (Gemma 3n, 2025).
///
/// What its layer makes of it is added to the residual stream after the MLP.
package struct LayerInputs: Sendable, Equatable {
  package var width: Int
  /// Tokens of the table.
  package var vocabularySize: Int
  /// The table `[vocabulary, layers · width]`, the projection `[layers · width, d]` and its norm.
  package var table: String
  package var projection: String
  package var norm: String
  /// The modules of a layer: into the vector's width, back, and the norm of that.
  package var gate: String
  package var activation: String
  package var output: String
  package var outputNorm: String

  /// The weights that one token meets in a layer.
  func weightsPerToken(width model: Int) -> Int { 3 * model * width }
}
