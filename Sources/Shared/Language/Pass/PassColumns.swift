// The work memory of a pass. Comes in: a model and what is asked for. Leaves: columns of Float per
// token.

/// The work memory of a pass, in columns of Float per token.
struct PassColumns {
  let model: ModelDescription
  let contextSize: Int
  let hookPoints: [HookPoint]
  let processing: WeightProcessing

  func wants(_ sites: HookSite...) -> Bool { hookPoints.contains { sites.contains($0.site) } }

  var width: Int { Self.padded(max(model.width, model.embeddingWidth ?? 0)) }
  private var deltaRule: DeltaRule? {
    model.layers.contains { $0.mixer == .deltaRule } ? model.deltaRule : nil
  }
  var queryKeyValue: Int {
    let attention = model.largest(\.columns) + model.queryGateWidth
    return Self.padded(max(attention, deltaRule?.inputWidth ?? 0))
  }
  var mixed: Int {
    Self.padded(max(model.largest(\.mixed), deltaRule?.valueWidth ?? 0))
  }
  var hidden: Int {
    let kinds = model.layers.map(\.mlp)
    let widest = model.layers.indices.reduce(0) { max($0, model.mlpWidth(layer: $1)) }
    let dense = kinds.contains(.dense) ? (model.isGated ? 2 : 1) * widest : 0
    let routed = kinds.contains(.routed) ? model.experts?.hiddenWidth ?? 0 : 0
    return Self.padded(max(dense, routed, layerInput))
  }
  /// Embeddings as they were, and what becomes of them for one layer.
  var embeddings: Int { model.layerInputs == nil ? 0 : width }
  var layerInput: Int { model.layerInputs?.width ?? 0 }
  /// Narrow vectors that queries, keys and values are made of, and keys and values as they come.
  var compressed: Int {
    model.latent.map { max($0.queryRank ?? 0, $0.compressedWidth) } ?? 0
  }
  var expanded: Int { model.latent.map { model.headCount * $0.expandedWidth } ?? 0 }
  /// Keys and values that later layers take.
  var sharedKeyValues: Int {
    model.sharedLayers.last.map { model.sharedColumns(of: $0).upperBound } ?? 0
  }
  /// Parallel blocks keep attention's output until the MLP's is there.
  var secondOutput: Int { model.block == .parallel ? width : 0 }
  /// Values by themselves, where queries and keys are made of something else.
  var secondQueryKeyValue: Int {
    model.positions == .learnedForAttention ? queryKeyValue : 0
  }
  var attentionPositions: Int { model.positions == .learnedForAttention ? width : 0 }
  private var experts: Experts? {
    model.layers.contains { $0.mlp == .routed } ? model.experts : nil
  }
  var routerScores: Int { experts?.count ?? 0 }
  var expertIndices: Int { experts?.active ?? 0 }
  /// Rows of an expert's tokens, before and after it.
  var expertRows: Int { experts == nil ? 0 : width }
  var headScales: Int {
    model.tensors.headNorms == nil ? 0 : max(model.headCount, model.largest(\.keyValueCount))
  }
  var scores: Int { wants(.scores) ? model.headCount * contextSize : 0 }
  var pattern: Int { wants(.pattern) ? model.headCount * contextSize : 0 }
  var result: Int { wants(.result) ? model.headCount * model.width : 0 }
  var logits: Int { wants(.logits, .cappedLogits) ? model.vocabularySize : 0 }
  /// Rows as they are shown where that is not as they are computed.
  var shown: Int {
    let changed = hookPoints.filter { point in
      if case .none = processing.change(at: point.site, in: model) { false } else { true }
    }
    let resultSource = wants(.result) ? mixed : 0
    return changed.reduce(resultSource) { largest, point in
      max(largest, point.site.rowWidth(in: model, layer: point.layer, contextSize: contextSize))
    }
  }

  /// Rows at multiples of large powers of two would meet in the same places of the caches, which
  /// costs products some per cent.
  private static func padded(_ columns: Int) -> Int {
    let padded = columns + 16
    return padded % 256 == 0 ? padded + 16 : padded
  }

  /// Columns whatever is asked for.
  var plain: Int {
    3 * width + 1 + secondOutput + queryKeyValue + mixed + hidden + headScales
      + secondQueryKeyValue + attentionPositions + 2 * routerScores + expertIndices + 2 * expertRows
      + embeddings + layerInput + sharedKeyValues + compressed + expanded
  }
  var all: Int { plain + scores + pattern + result + logits + shown }
}

extension HookSite {
  /// Elements of a token's row with all heads.
  func rowWidth(in model: ModelDescription, layer: Int?, contextSize: Int) -> Int {
    (headCount(in: model, layer: layer) ?? 1)
      * elements(in: model, layer: layer).size(contextSize: contextSize)
  }
}
