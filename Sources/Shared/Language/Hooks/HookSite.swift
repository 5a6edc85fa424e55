// What can be taken of a forward pass, in the order of computation, with TransformerLens's names.
// Comes in: a description. Leaves: which sites exist in it and the shape of their rows.

/// What is computed at a hook point.
///
/// The order of the cases is that of the computation within a block. Values are those of
/// TransformerLens 3: `hook_normalized` comes before gain and bias.
package enum HookSite: CaseIterable, Sendable {
  case embedding, positions
  case residualBefore
  case norm1Scale, norm1Normalized, norm1Output
  case queryKeyValue, query, key, value
  case queryNormScale, queryNormNormalized, queryNormOutput
  case keyNormScale, keyNormNormalized, keyNormOutput
  case rotatedQuery, rotatedKey
  case scores, pattern, mixed, result
  case attentionProjected, attentionNormScale, attentionNormNormalized, attentionOutput
  case residualBetween
  case norm2Scale, norm2Normalized, norm2Output
  case mlpBefore, mlpLinear, mlpActivated, mlpAfter
  case mlpProjected, mlpNormScale, mlpNormNormalized, mlpOutput
  case residualAfter
  case finalScale, finalNormalized, unembedInput, logits, cappedLogits

  /// TransformerLens's name, without the block; nil for what only a module of transformers writes.
  var hookName: String? {
    switch self {
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
    case .norm1Output, .queryKeyValue, .queryNormOutput, .keyNormOutput, .attentionProjected,
      .norm2Output, .mlpActivated, .mlpProjected:
      nil
    }
  }

  enum Part { case start, block, end }

  /// Where in the model it lies.
  var part: Part {
    switch self {
    case .embedding, .positions: .start
    case .finalScale, .finalNormalized, .unembedInput, .logits, .cappedLogits: .end
    default: .block
    }
  }

  /// Whether a model computes it.
  func exists(in model: ModelDescription) -> Bool {
    switch self {
    case .positions: !model.positions.isRotary
    case .rotatedQuery, .rotatedKey: model.positions.isRotary
    case .queryNormScale, .queryNormNormalized, .queryNormOutput, .keyNormScale,
      .keyNormNormalized, .keyNormOutput:
      model.tensors.headNorms != nil
    case .attentionProjected, .attentionNormScale, .attentionNormNormalized, .mlpProjected,
      .mlpNormScale, .mlpNormNormalized:
      model.tensors.outputNorms != nil
    case .residualBetween: model.block == .sequential
    case .mlpLinear, .mlpActivated: model.isGated
    case .cappedLogits: model.logitCap != nil
    default: true
    }
  }

  /// Whether later steps read the rows that are shown; the others are kept beside the computation.
  var isRead: Bool {
    switch self {
    case .norm1Scale, .norm2Scale, .finalScale, .queryNormScale, .keyNormScale,
      .attentionNormScale, .mlpNormScale, .scores:
      false
    default: true
    }
  }

  /// Heads of its rows; nil where there are none.
  func headCount(in model: ModelDescription) -> Int? {
    switch self {
    case .query, .rotatedQuery, .mixed, .result, .scores, .pattern, .queryNormScale,
      .queryNormNormalized, .queryNormOutput:
      model.headCount
    case .key, .value, .rotatedKey, .keyNormScale, .keyNormNormalized, .keyNormOutput:
      model.keyValueHeadCount
    default: nil
    }
  }

  /// The elements of a token's row, or of each head where there are heads.
  func elements(in model: ModelDescription) -> HookDimension {
    switch self {
    case .norm1Scale, .norm2Scale, .finalScale, .queryNormScale, .keyNormScale,
      .attentionNormScale, .mlpNormScale:
      .fixed(1)
    case .query, .rotatedQuery, .mixed, .key, .value, .rotatedKey, .queryNormNormalized,
      .queryNormOutput, .keyNormNormalized, .keyNormOutput:
      .fixed(model.headWidth)
    case .queryKeyValue: .fixed(model.queryKeyValueWidth)
    case .scores, .pattern: .context
    case .mlpBefore, .mlpLinear, .mlpActivated, .mlpAfter: .fixed(model.mlpWidth)
    case .logits, .cappedLogits: .fixed(model.vocabularySize)
    default: .fixed(model.width)
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
