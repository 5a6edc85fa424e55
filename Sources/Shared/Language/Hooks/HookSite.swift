// What can be taken of a forward pass, in the order of computation, with TransformerLens's names.
// Comes in: a description. Leaves: which sites exist in it and the shape of their rows.

/// What is computed at a hook point.
///
/// The order of the cases is that of the computation within a block. Values are those of
/// TransformerLens 3: `hook_normalized` comes before gain and bias.
package enum HookSite: CaseIterable, Sendable {
  case embedded, embeddingNormScale, embeddingNormNormalized
  case embedding, positions
  case residualBefore
  case norm1Scale, norm1Normalized, norm1Output
  case compressedQuery, compressedQueryNorm
  case queryKeyValue, query
  case compressedKeyValue, compressedKeyValueNorm, expandedKeyValue
  case key, value
  case queryNormScale, queryNormNormalized, queryNormOutput
  case keyNormScale, keyNormNormalized, keyNormOutput
  case valueNormOutput
  case rotatedQuery, rotatedKey
  case scores, pattern, mixed, result
  case attentionProjected, attentionNormScale, attentionNormNormalized, attentionOutput
  case residualBetween
  case norm2Scale, norm2Normalized, norm2Output
  case routerScores, expertWeights, expertIndices
  case mlpBefore, mlpLinear, mlpActivated
  case mlpMiddle, activationNormScale, activationNormNormalized
  case mlpAfter
  case mlpProjected, mlpNormScale, mlpNormNormalized, mlpOutput
  case layerInputGate, layerInputActivated, layerInputProjected, layerInputOutput
  case residualAfter
  case finalScale, finalNormalized, unembedInput, logits, cappedLogits

  /// TransformerLens's name, without the block; nil for what only a module of transformers writes.
  var hookName: String? {
    switch self {
    case .embeddingNormScale: "embed.ln.hook_scale"
    case .embeddingNormNormalized: "embed.ln.hook_normalized"
    case .embedding: "hook_embed"
    case .positions: "hook_pos_embed"
    case .residualBefore: "hook_resid_pre"
    case .norm1Scale: "ln1.hook_scale"
    case .norm1Normalized: "ln1.hook_normalized"
    case .query: "attn.hook_q"
    case .key: "attn.hook_k"
    case .value: "attn.hook_v"
    case .queryNormScale: "attn.q_norm.hook_scale"
    case .queryNormNormalized: "attn.q_norm.hook_normalized"
    case .keyNormScale: "attn.k_norm.hook_scale"
    case .keyNormNormalized: "attn.k_norm.hook_normalized"
    case .rotatedQuery: "attn.hook_rot_q"
    case .rotatedKey: "attn.hook_rot_k"
    case .scores: "attn.hook_attn_scores"
    case .pattern: "attn.hook_pattern"
    case .mixed: "attn.hook_z"
    case .result: "attn.hook_result"
    case .attentionNormScale: "ln1_post.hook_scale"
    case .attentionNormNormalized: "ln1_post.hook_normalized"
    case .attentionOutput: "hook_attn_out"
    case .residualBetween: "hook_resid_mid"
    case .norm2Scale: "ln2.hook_scale"
    case .norm2Normalized: "ln2.hook_normalized"
    case .expertWeights: "mlp.hook_expert_weights"
    case .expertIndices: "mlp.hook_expert_indices"
    case .mlpMiddle: "mlp.hook_mid"
    case .activationNormScale: "mlp.ln.hook_scale"
    case .activationNormNormalized: "mlp.ln.hook_normalized"
    case .mlpBefore: "mlp.hook_pre"
    case .mlpLinear: "mlp.hook_pre_linear"
    case .mlpAfter: "mlp.hook_post"
    case .mlpNormScale: "ln2_post.hook_scale"
    case .mlpNormNormalized: "ln2_post.hook_normalized"
    case .mlpOutput: "hook_mlp_out"
    case .residualAfter: "hook_resid_post"
    case .finalScale: "ln_final.hook_scale"
    case .finalNormalized: "ln_final.hook_normalized"
    case .unembedInput: "unembed.hook_in"
    case .logits: "unembed.hook_out"
    case .cappedLogits: "logits"
    case .compressedQuery, .compressedQueryNorm, .compressedKeyValue, .compressedKeyValueNorm,
      .expandedKeyValue, .embedded, .norm1Output, .queryKeyValue, .queryNormOutput, .keyNormOutput,
      .valueNormOutput, .attentionProjected, .norm2Output, .routerScores, .mlpActivated,
      .mlpProjected, .layerInputGate, .layerInputActivated, .layerInputProjected,
      .layerInputOutput:
      nil
    }
  }

  enum Part { case start, block, end }

  /// Where in the model it lies.
  var part: Part {
    switch self {
    case .embedded, .embeddingNormScale, .embeddingNormNormalized, .embedding, .positions: .start
    case .finalScale, .finalNormalized, .unembedInput, .logits, .cappedLogits: .end
    default: .block
    }
  }

  /// Whether a model, or a layer of it, computes it.
  func exists(in model: ModelDescription, layer: Int? = nil) -> Bool {
    let tensors = model.tensors
    let mlp = layer.map { model.layers[$0].mlp } ?? .none
    if isOfAttention, let layer, model.layers[layer].mixer != .attention { return false }
    if isOfKeys, let layer, !model.layers[layer].keyValues.hasKeys { return false }
    switch self {
    case .embedded:
      return tensors.embeddingNorm != nil || tensors.embeddingProjections != nil
        || tensors.scalesAfterEmbedding
    case .embeddingNormScale, .embeddingNormNormalized: return tensors.embeddingNorm != nil
    case .positions: return model.positions.isLearned
    case .norm1Scale, .norm1Normalized, .norm1Output: return tensors.norm1 != nil
    case .rotatedQuery, .rotatedKey: return model.positions.isRotary
    case .queryNormScale, .queryNormNormalized, .queryNormOutput, .keyNormScale,
      .keyNormNormalized, .keyNormOutput:
      return tensors.headNorms != nil
    case .valueNormOutput: return tensors.headNorms?.value != nil
    case .compressedQuery, .compressedQueryNorm: return model.latent?.queryRank != nil
    case .compressedKeyValue, .compressedKeyValueNorm, .expandedKeyValue:
      return model.latent != nil
    case .attentionProjected, .attentionNormScale, .attentionNormNormalized:
      return tensors.outputNorms != nil
    case .residualBetween: return model.block == .sequential && mlp != .none
    case .norm2Scale, .norm2Normalized, .norm2Output: return tensors.norm2 != nil && mlp != .none
    case .routerScores, .expertWeights, .expertIndices: return mlp == .routed
    case .mlpBefore, .mlpAfter: return mlp == .dense
    case .mlpLinear, .mlpActivated: return mlp == .dense && model.isGated
    case .mlpMiddle, .activationNormScale, .activationNormNormalized:
      return mlp == .dense && tensors.activationNorm != nil
    case .mlpProjected, .mlpNormScale, .mlpNormNormalized:
      return tensors.outputNorms != nil && mlp != .none
    case .mlpOutput: return mlp != .none
    case .layerInputGate, .layerInputActivated, .layerInputProjected, .layerInputOutput:
      return model.layerInputs != nil
    case .finalScale, .finalNormalized: return tensors.finalNorm != nil
    case .cappedLogits: return model.changesLogits
    default: return true
    }
  }

  /// Whether it is a part of attention, which layers of other kinds do not have.
  private var isOfAttention: Bool { self >= .compressedQuery && self <= .result }

  /// Whether it is a part of keys or values, which layers that take those of others do not have.
  private var isOfKeys: Bool {
    switch self {
    case .key, .value, .keyNormScale, .keyNormNormalized, .keyNormOutput, .valueNormOutput,
      .rotatedKey:
      true
    default: false
    }
  }

  /// Whether later steps read the rows that are shown; the others are kept beside the computation.
  var isRead: Bool {
    switch self {
    case .norm1Scale, .norm2Scale, .finalScale, .queryNormScale, .keyNormScale,
      .attentionNormScale, .mlpNormScale, .embeddingNormScale, .activationNormScale, .scores,
      .expertIndices:
      false
    default: true
    }
  }

  /// Heads of its rows; nil where there are none.
  func headCount(in model: ModelDescription, layer: Int?) -> Int? {
    let takesHeads = model.tensors.headNorms?.span != .all
    let heads = model.heads(layer: layer)
    switch self {
    case .query, .rotatedQuery, .mixed, .result, .scores, .pattern: return heads.count
    case .queryNormScale, .queryNormNormalized, .queryNormOutput:
      return takesHeads ? heads.count : nil
    case .key, .value, .valueNormOutput, .rotatedKey: return heads.keyValueCount
    case .keyNormScale, .keyNormNormalized, .keyNormOutput:
      return takesHeads ? heads.keyValueCount : nil
    default: return nil
    }
  }

  /// The elements of a token's row, or of each head where there are heads.
  func elements(in model: ModelDescription, layer: Int?) -> HookDimension {
    let takesHeads = model.tensors.headNorms?.span != .all
    let heads = model.heads(layer: layer)
    switch self {
    case .norm1Scale, .norm2Scale, .finalScale, .queryNormScale, .keyNormScale,
      .attentionNormScale, .mlpNormScale, .embeddingNormScale, .activationNormScale:
      return .fixed(1)
    case .query, .rotatedQuery, .key, .rotatedKey: return .fixed(heads.width)
    case .mixed, .value, .valueNormOutput: return .fixed(heads.valueWidth)
    case .compressedQuery, .compressedQueryNorm: return .fixed(model.latent?.queryRank ?? 0)
    case .compressedKeyValue: return .fixed(model.latent?.compressedWidth ?? 0)
    case .compressedKeyValueNorm: return .fixed(model.latent?.rank ?? 0)
    case .expandedKeyValue: return .fixed(heads.count * (model.latent?.expandedWidth ?? 0))
    case .queryNormNormalized, .queryNormOutput:
      return .fixed(takesHeads ? heads.width : heads.queries.count)
    case .keyNormNormalized, .keyNormOutput:
      return .fixed(takesHeads ? heads.width : heads.keys.count)
    case .queryKeyValue: return .fixed(heads.columns)
    case .scores, .pattern: return .context
    case .routerScores, .expertWeights: return .fixed(model.experts?.count ?? 0)
    case .expertIndices: return .fixed(model.experts?.active ?? 0)
    case .mlpBefore, .mlpLinear, .mlpActivated, .mlpMiddle, .activationNormNormalized, .mlpAfter:
      return .fixed(model.mlpWidth(layer: layer))
    case .layerInputGate, .layerInputActivated: return .fixed(model.layerInputs?.width ?? 0)
    case .embedded, .unembedInput: return .fixed(model.embeddingWidth ?? model.width)
    case .logits, .cappedLogits: return .fixed(model.vocabularySize)
    default: return .fixed(model.width)
    }
  }
}

extension HookSite: Comparable {
  /// Whether `left` is computed before `right` in one block.
  package static func < (left: HookSite, right: HookSite) -> Bool { left.order < right.order }

  private var order: Int { HookSite.allCases.firstIndex(of: self) ?? 0 }
}

/// One dimension of a hook point's rows.
package enum HookDimension: Sendable, Equatable {
  case fixed(Int)
  /// As many as a sequence has tokens.
  case context

  func size(contextSize: Int) -> Int {
    switch self {
    case .fixed(let size): size
    case .context: contextSize
    }
  }
}
