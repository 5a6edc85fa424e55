// Hook points by the paths of transformers' modules, such as `transformer.h.3.mlp`: what is taken is
// the module's output. The paths are those of the tensors, so no family lists them.

extension HookPoint {
  /// Every module of a model whose output is a hook point, in the order of computation.
  package static func modules(in model: ModelDescription) -> [HookPoint] {
    let names = model.tensors
    let prefix = names.prefixes[0]
    var found = [HookPoint(.embedding, modulePath: prefix + names.embedding)]
    if let positions = names.positions {
      found.append(HookPoint(.positions, modulePath: prefix + positions))
    }
    let inBlock = names.blockModules
    for layer in 0..<model.layerCount {
      let block = prefix + names.layers + "\(layer)"
      found += inBlock.map { HookPoint($0.site, layer: layer, modulePath: block + "." + $0.path) }
      found.append(HookPoint(.residualAfter, layer: layer, modulePath: block))
    }
    found.append(HookPoint(.unembedInput, modulePath: prefix + names.finalNorm))
    return found + names.unembeddingModules.map { HookPoint(.logits, modulePath: $0) }
  }

  /// Whether a name is that of a module: TransformerLens's contain `hook_`, but for its `logits`.
  package static func isModulePath(_ name: String) -> Bool {
    name != HookSite.cappedLogits.hookName
      && !name.split(separator: ".").contains { $0.hasPrefix("hook_") }
  }
}

extension TensorNames {
  /// The modules of a block and what they write.
  fileprivate var blockModules: [(path: String, site: HookSite)] {
    var modules: [(path: String, site: HookSite)] = [(norm1, .norm1Output)]
    switch queryKeyValue {
    case .separate(let query, let key, let value):
      modules += [(query, .query), (key, .key), (value, .value)]
    case .fused(let name): modules.append((name, .queryKeyValue))
    // Its columns lie head by head, which is not how they are computed here.
    case .fusedPerHead: break
    }
    if let headNorms {
      modules += [(headNorms.query, .queryNormOutput), (headNorms.key, .keyNormOutput)]
    }
    let attention = outputNorms == nil ? HookSite.attentionOutput : .attentionProjected
    modules += containers(attentionOutput).map { ($0, attention) }
    if let outputNorms { modules.append((outputNorms.attention, .attentionOutput)) }
    if norm2 != norm1 { modules.append((norm2, .norm2Output)) }
    if let mlpGate { modules.append((mlpGate, .mlpBefore)) }
    modules.append((mlpIn, mlpGate == nil ? .mlpBefore : .mlpLinear))
    if let activation { modules.append((activation, mlpGate == nil ? .mlpAfter : .mlpActivated)) }
    let mlp = outputNorms == nil ? HookSite.mlpOutput : .mlpProjected
    modules += containers(mlpOut).map { ($0, mlp) }
    if let outputNorms { modules.append((outputNorms.mlp, .mlpOutput)) }
    return modules
  }

  /// A projection's module and the modules that end with it: `mlp.c_proj`, `mlp`.
  private func containers(_ path: String) -> [String] {
    let parts = path.split(separator: ".")
    return (1...parts.count).reversed().map { parts.prefix($0).joined(separator: ".") }
  }
}
