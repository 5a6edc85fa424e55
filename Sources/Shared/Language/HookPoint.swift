// The places of a forward pass where activations can be taken, under TransformerLens's names.
// Comes in: a name. Leaves: a place with the shape of its rows, or the nearest names that exist.

/// What is computed at a hook point; the raw value is the end of its name.
///
/// The order is that of the computation. Values are those of a TransformerLens model without
/// weight processing: `hook_normalized` comes before gain and bias.
package enum HookSite: String, CaseIterable, Sendable {
  case embedding = "hook_embed"
  case positions = "hook_pos_embed"
  case residualBefore = "hook_resid_pre"
  case norm1Scale = "ln1.hook_scale"
  case norm1Output = "ln1.hook_normalized"
  case query = "attn.hook_q"
  case key = "attn.hook_k"
  case value = "attn.hook_v"
  case rotatedQuery = "attn.hook_rot_q"
  case rotatedKey = "attn.hook_rot_k"
  case scores = "attn.hook_attn_scores"
  case pattern = "attn.hook_pattern"
  case mixed = "attn.hook_z"
  case attentionOutput = "hook_attn_out"
  case residualBetween = "hook_resid_mid"
  case norm2Scale = "ln2.hook_scale"
  case norm2Output = "ln2.hook_normalized"
  case mlpBefore = "mlp.hook_pre"
  case mlpLinear = "mlp.hook_pre_linear"
  case mlpAfter = "mlp.hook_post"
  case mlpOutput = "hook_mlp_out"
  case residualAfter = "hook_resid_post"
  case finalScale = "ln_final.hook_scale"
  case finalOutput = "ln_final.hook_normalized"
  case unembedInput = "unembed.hook_in"
  case logits = "unembed.hook_out"

  fileprivate enum Part { case start, block, end }

  fileprivate var part: Part {
    switch self {
    case .embedding, .positions: .start
    case .finalScale, .finalOutput, .unembedInput, .logits: .end
    default: .block
    }
  }

  fileprivate func exists(in model: ModelDescription) -> Bool {
    switch self {
    case .positions: model.positions == .learned
    case .rotatedQuery, .rotatedKey: model.positions != .learned
    case .residualBetween: model.block == .sequential
    case .mlpLinear: model.isGated
    default: true
    }
  }
}

/// One dimension of a hook point's rows.
package enum HookDimension: Sendable, Equatable {
  case fixed(Int)
  /// As many as a sequence has tokens.
  case context
}

/// A place in the forward pass of a model.
package struct HookPoint: Sendable, Hashable {
  package let site: HookSite
  /// Nil outside the blocks.
  package let layer: Int?

  package init(_ site: HookSite, layer: Int? = nil) {
    precondition((layer == nil) == (site.part != .block), "only blocks have layers")
    self.site = site
    self.layer = layer
  }

  package var name: String { (layer.map { "blocks.\($0)." } ?? "") + site.rawValue }

  /// Every hook point of a model, in the order of computation.
  package static func all(in model: ModelDescription) -> [HookPoint] {
    let sites = HookSite.allCases.filter { $0.exists(in: model) }
    let blocks = (0..<model.layerCount).flatMap { layer in
      sites.filter { $0.part == .block }.map { HookPoint($0, layer: layer) }
    }
    return sites.filter { $0.part == .start }.map { HookPoint($0) } + blocks
      + sites.filter { $0.part == .end }.map { HookPoint($0) }
  }

  /// The number of blocks that must run for this hook point.
  package func layersNeeded(in model: ModelDescription) -> Int {
    switch site.part {
    case .start: 0
    case .end: model.layerCount
    case .block: (layer ?? 0) + (site == .residualBefore ? 0 : 1)
    }
  }

  /// The shape of a token's row; heads come first.
  package func shape(in model: ModelDescription) -> [HookDimension] {
    switch site {
    case .norm1Scale, .norm2Scale, .finalScale: [.fixed(1)]
    case .query, .rotatedQuery, .mixed: [.fixed(model.headCount), .fixed(model.headWidth)]
    case .key, .value, .rotatedKey: [.fixed(model.keyValueHeadCount), .fixed(model.headWidth)]
    case .scores, .pattern: [.fixed(model.headCount), .context]
    case .mlpBefore, .mlpLinear, .mlpAfter: [.fixed(model.mlpWidth)]
    case .logits: [.fixed(model.vocabularySize)]
    default: [.fixed(model.width)]
    }
  }

  /// The number of elements of a token's row, d_in.
  package func width(in model: ModelDescription, contextSize: Int) -> Int {
    shape(in: model).reduce(1) { width, dimension in
      switch dimension {
      case .fixed(let size): width * size
      case .context: width * contextSize
      }
    }
  }

  /// The shape for people: `12 × 64 = 768`, `768`, `12 × context`.
  package func shapeText(in model: ModelDescription) -> String {
    let sizes = shape(in: model).map { dimension in
      switch dimension {
      case .fixed(let size): String(size)
      case .context: "context"
      }
    }
    let isFixed = !shape(in: model).contains(.context)
    let product = isFixed && sizes.count > 1 ? " = \(width(in: model, contextSize: 1))" : ""
    return sizes.joined(separator: " × ") + product
  }
}

// MARK: - Finding

extension HookPoint {
  /// The hook point of a name; an error names the nearest that exist.
  package static func find(
    _ name: String, in model: ModelDescription
  ) throws(HookPointError) -> HookPoint {
    let all = all(in: model)
    if let point = all.first(where: { $0.name == name }) { return point }
    throw .unknown(
      name: name, nearest: nearest(name, all).map { "\($0.name) (d=\($0.plainWidth(model)))" })
  }

  /// Up to three names with the fewest differing characters, among equals of the nearest layers.
  private static func nearest(_ name: String, _ all: [HookPoint]) -> [HookPoint] {
    let parts = name.split(separator: ".")
    let layer = parts.count > 1 ? Int(parts[1]) : nil
    let ranked = all.enumerated().map { order, point in
      let away = abs((layer ?? 0) - (point.layer ?? layer ?? 0))
      return (point, (Spelling.distance(name, point.name), away, order))
    }
    return ranked.sorted { $0.1 < $1.1 }.prefix(3).map(\.0)
  }

  private func plainWidth(_ model: ModelDescription) -> String {
    shape(in: model).contains(.context)
      ? "\(model.headCount) × context" : "\(width(in: model, contextSize: 1))"
  }

  /// Refuses what settings say about a hook point where it is not so.
  package func check(
    layer statedLayer: Int?, width statedWidth: Int?, in model: ModelDescription, contextSize: Int
  ) throws(HookPointError) {
    if let statedLayer, let layer, statedLayer != layer {
      throw .wrongLayer(name: name, stated: statedLayer, layer: layer)
    }
    let width = width(in: model, contextSize: contextSize)
    if let statedWidth, statedWidth != width {
      throw .wrongWidth(name: name, stated: statedWidth, width: width)
    }
    if site == .scores { throw .notStorable(name: name) }
  }
}

/// What can be wrong with a hook point that a pipeline file names.
package enum HookPointError: Failure, Equatable {
  case unknown(name: String, nearest: [String])
  case wrongLayer(name: String, stated: Int, layer: Int)
  case wrongWidth(name: String, stated: Int, width: Int)
  case notStorable(name: String)

  package var sentence: String {
    switch self {
    case .unknown(let name, _): "The model has no hook point \(name)."
    case .wrongLayer(let name, let stated, let layer):
      "hook_layer is \(stated), but \(name) lies in layer \(layer)."
    case .wrongWidth(let name, let stated, let width):
      "d_in is \(stated), but \(name) has \(width) columns."
    case .notStorable(let name):
      "\(name) is minus infinity where attention is masked, so it cannot be stored."
    }
  }

  package var hint: String? {
    switch self {
    case .unknown(_, let nearest):
      "It has \(nearest.joined(separator: ", ")); saeline-cache hooks lists all."
    case .wrongLayer(_, _, let layer): "Set hook_layer to \(layer), or leave it out."
    case .wrongWidth(_, _, let width): "Set d_in to \(width), or leave it out."
    case .notStorable: "Store hook_pattern, the weights that the scores become."
    }
  }
}
