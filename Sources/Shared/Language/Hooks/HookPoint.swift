// The places of a forward pass where activations can be taken. Comes in: a name of TransformerLens
// or the path of a module of transformers. Leaves: a place with the shape of its rows, or the
// nearest names that exist.

/// A place in the forward pass of a model.
package struct HookPoint: Sendable, Hashable {
  package let site: HookSite
  /// Nil outside the blocks.
  package let layer: Int?
  /// The one head that is taken; nil for all, side by side.
  package var head: Int?
  /// The module of transformers that it was asked for by.
  package var modulePath: String?
  /// TransformerLens's name in models where it is not that of the site.
  private var hookName: String?

  package init(_ site: HookSite, layer: Int? = nil, modulePath: String? = nil) {
    precondition((layer == nil) == (site.part != .block), "only blocks have layers")
    self.site = site
    self.layer = layer
    self.modulePath = modulePath
  }

  package var name: String {
    modulePath ?? (layer.map { "blocks.\($0)." } ?? "") + (hookName ?? site.hookName ?? "")
  }

  /// TransformerLens calls norms of outputs as those of inputs where there are no others.
  private func named(in model: ModelDescription) -> HookPoint {
    guard model.tensors.norm1 == nil, model.tensors.outputNorms != nil else { return self }
    var point = self
    switch site {
    case .attentionNormScale, .attentionNormNormalized, .mlpNormScale, .mlpNormNormalized:
      point.hookName = site.hookName?.replacing("_post.", with: ".")
    default: break
    }
    return point
  }

  /// Every hook point of TransformerLens that a model has, in the order of computation.
  package static func all(in model: ModelDescription) -> [HookPoint] {
    let sites = HookSite.allCases.filter { $0.hookName != nil }
    func outside(_ part: HookSite.Part) -> [HookPoint] {
      sites.filter { $0.part == part && $0.exists(in: model) }.map { HookPoint($0) }
    }
    let blocks = (0..<model.layerCount).flatMap { layer in
      sites.filter { $0.part == .block && $0.exists(in: model, layer: layer) }.map {
        HookPoint($0, layer: layer).named(in: model)
      }
    }
    return outside(.start) + blocks + outside(.end)
  }

  /// The number of blocks that must run for this hook point.
  package func layersNeeded(in model: ModelDescription) -> Int {
    switch site.part {
    case .start: 0
    case .end: model.layerCount
    case .block: (layer ?? 0) + (site == .residualBefore ? 0 : 1)
    }
  }

  /// Whether this is computed before another one.
  package func precedes(_ other: HookPoint) -> Bool {
    func stage(_ point: HookPoint) -> Int {
      point.layer ?? (point.site >= .finalScale ? Int.max : -1)
    }
    return (stage(self), site) < (stage(other), other.site)
  }

  /// Whether what takes the place of its rows changes anything after it.
  package var isReplaceable: Bool { site.isRead }

  /// The shape of a token's row; heads come first.
  package func shape(in model: ModelDescription) -> [HookDimension] {
    let elements = site.elements(in: model, layer: layer)
    guard head == nil, let heads = site.headCount(in: model, layer: layer) else {
      return [elements]
    }
    return [.fixed(heads), elements]
  }

  /// The number of elements of a token's row, d_in.
  package func width(in model: ModelDescription, contextSize: Int) -> Int {
    shape(in: model).reduce(1) { $0 * $1.size(contextSize: contextSize) }
  }

  /// The columns of a whole row that are taken.
  func columns(in model: ModelDescription, contextSize: Int) -> Range<Int> {
    let width = width(in: model, contextSize: contextSize)
    let first = (head ?? 0) * width
    return first..<first + width
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

extension HookPoint {
  /// The hook point of a name or of a module's path; an error names the nearest that exist.
  package static func find(
    _ name: String, in model: ModelDescription
  ) throws(HookPointError) -> HookPoint {
    let all = all(in: model)
    if let point = all.first(where: { $0.name == name }) { return point }
    let modules = modules(in: model)
    if let point = modules.first(where: { $0.name == name }) { return point }
    // Who writes a path means a module, and is helped with modules.
    let isPath = modules.contains { name.hasPrefix($0.name.prefix { $0 != "." } + ".") }
    throw .unknown(
      name: name,
      nearest: nearest(name, isPath ? modules : all).map {
        "\($0.name) (d=\($0.plainWidth(model)))"
      }
    )
  }

  /// Up to three names with the fewest differing characters, among equals of the nearest layers.
  private static func nearest(_ name: String, _ all: [HookPoint]) -> [HookPoint] {
    // A greater number is no layer's, and its distance from one need not fit.
    let layer = name.split(separator: ".").lazy.compactMap { Int32($0) }.first.map { Int($0) }
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

  /// The same place, of one head only.
  package func taking(head: Int?, in model: ModelDescription) throws(HookPointError) -> HookPoint {
    guard let head else { return self }
    guard let heads = site.headCount(in: model, layer: layer) else { throw .noHeads(name: name) }
    guard head < heads else { throw .wrongHead(name: name, stated: head, heads: heads) }
    var point = self
    point.head = head
    return point
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
  case noHeads(name: String)
  case wrongHead(name: String, stated: Int, heads: Int)
  case notStorable(name: String)
  case notProcessed(name: String)

  package var sentence: String {
    switch self {
    case .unknown(let name, _): "The model has no hook point \(name)."
    case .wrongLayer(let name, let stated, let layer):
      "hook_layer is \(stated), but \(name) lies in layer \(layer)."
    case .wrongWidth(let name, let stated, let width):
      "d_in is \(stated), but \(name) has \(width) columns."
    case .noHeads(let name): "hook_head_index is set, but \(name) has no heads."
    case .wrongHead(let name, let stated, let heads):
      "hook_head_index is \(stated), but \(name) has \(heads) heads."
    case .notStorable(let name):
      "\(name) is minus infinity where attention is masked, so it cannot be stored."
    case .notProcessed(let name):
      "\(name) is a module of transformers, whose weights are never processed."
    }
  }

  package var hint: String? {
    switch self {
    case .unknown(_, let nearest):
      "It has \(nearest.joined(separator: ", ")); saeline-cache --list-hooks lists all."
    case .wrongLayer(_, _, let layer): "Set hook_layer to \(layer), or leave it out."
    case .wrongWidth(_, _, let width): "Set d_in to \(width), or leave it out."
    case .noHeads: "Leave hook_head_index out."
    case .wrongHead(_, _, let heads): "Set hook_head_index to 0...\(heads - 1)."
    case .notStorable: "Store hook_pattern, the weights that the scores become."
    case .notProcessed: "Use TransformerLens's name of the place, or no weight processing."
    }
  }
}
