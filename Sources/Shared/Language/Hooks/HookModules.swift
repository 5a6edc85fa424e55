// Hook points by the paths of transformers' modules, such as `transformer.h.3.mlp`: what is taken is
// the module's output. The paths are those of the tensors, so no family lists them.

extension HookPoint {
  /// Every module of a model whose output is a hook point, in the order of computation.
  package static func modules(in model: ModelDescription) -> [HookPoint] {
    let names = model.tensors
    guard names.spelling == .modules else { return [] }
    let prefix = names.prefixes[0]
    var found: [HookPoint] = []
    func add(_ site: HookSite, _ name: String?) {
      if let name { found.append(HookPoint(site, modulePath: prefix + name)) }
    }
    let isEmbedded = HookSite.embedded.exists(in: model)
    add(isEmbedded ? .embedded : .embedding, names.embedding)
    add(.embedding, names.embeddingNorm ?? names.embeddingProjections?.into)
    add(.positions, names.positions)
    for layer in 0..<model.layerCount {
      let block = prefix + names.layers + "\(layer)"
      found += names.modules(of: model, layer: layer).map {
        HookPoint($0.site, layer: layer, modulePath: block + "." + $0.path)
      }
      found.append(HookPoint(.residualAfter, layer: layer, modulePath: block))
    }
    // What is projected back to the table's width is another row.
    if model.embeddingWidth == nil { add(.unembedInput, names.finalNorm) }
    add(.unembedInput, names.embeddingProjections?.out)
    return found + names.unembedding.map { HookPoint(.logits, modulePath: $0) }
  }

  /// Whether a name is that of a module: TransformerLens's contain `hook_`, but for its `logits`.
  package static func isModulePath(_ name: String) -> Bool {
    name != HookSite.cappedLogits.hookName
      && !name.split(separator: ".").contains { $0.hasPrefix("hook_") }
  }
}

extension LatentAttention {
  /// The modules on the way to queries, keys and values.
  fileprivate var modules: [(path: String, site: HookSite)] {
    let queries: [(path: String, site: HookSite)] =
      queryRank == nil
      ? [(query, .query)]
      : [
        (queryInto, .compressedQuery), (queryNorm, .compressedQueryNorm), (queryFrom, .query),
      ]
    return queries + [
      (keyValueInto, .compressedKeyValue), (keyValueNorm, .compressedKeyValueNorm),
      (keyValueFrom, .expandedKeyValue),
    ]
  }
}

extension TensorNames {
  /// The modules of a block and what they write.
  fileprivate func modules(
    of model: ModelDescription, layer: Int
  ) -> [(path: String, site: HookSite)] {
    var modules: [(path: String, site: HookSite)] = []
    if let norm1 { modules.append((norm1, .norm1Output)) }
    if let rule = model.deltaRule, model.layers[layer].mixer == .deltaRule {
      modules += containers(rule.module + ".out_proj", .attentionOutput, whole: .residualBetween)
      if let norm2 { modules.append((norm2, .norm2Output)) }
      return modules + mlpModules(of: model, layer: layer)
    }
    if let latent = model.latent { modules += latent.modules }
    switch queryKeyValue {
    case _ where model.latent != nil: break
    case .separate(let query, let key, let value):
      // A module of queries and gates writes rows of both.
      if !queryHasGate { modules.append((query, .query)) }
      let origin = model.layers[layer].keyValues
      if origin.hasKeys { modules.append((key, .key)) }
      if origin == .projections { modules.append((value, .value)) }
    case .fused(let name): modules.append((name, .queryKeyValue))
    // Its columns lie head by head, which is not how they are computed here.
    case .fusedPerHead: break
    }
    if let headNorms, headNorms.span != .ownHead {
      modules.append((headNorms.query, .queryNormOutput))
      if model.layers[layer].keyValues.hasKeys {
        modules.append((headNorms.key, .keyNormOutput))
        if let value = headNorms.value { modules.append((value, .valueNormOutput)) }
      }
    }
    let attention = outputNorms == nil ? HookSite.attentionOutput : .attentionProjected
    modules += containers(attentionOutput, attention, whole: .residualBetween)
    if let outputNorms { modules.append((outputNorms.attention, .attentionOutput)) }
    if let norm2, norm2 != norm1 { modules.append((norm2, .norm2Output)) }
    modules += mlpModules(of: model, layer: layer)
    if let inputs = model.layerInputs {
      modules += [
        (inputs.gate, .layerInputGate), (inputs.activation, .layerInputActivated),
        (inputs.output, .layerInputProjected), (inputs.outputNorm, .layerInputOutput),
      ]
    }
    if let blockNorm { modules.append((blockNorm, .residualAfter)) }
    return modules
  }

  private func mlpModules(
    of model: ModelDescription, layer: Int
  ) -> [(path: String, site: HookSite)] {
    let output = outputNorms == nil ? HookSite.mlpOutput : .mlpProjected
    var modules: [(path: String, site: HookSite)] = []
    switch model.layers[layer].mlp {
    case .none: return []
    case .dense:
      // One module of gate and input writes rows of both.
      if let mlpGate, mlpGate != mlpIn { modules.append((mlpGate, .mlpBefore)) }
      if mlpGate != mlpIn { modules.append((mlpIn, mlpGate == nil ? .mlpBefore : .mlpLinear)) }
      if let activation {
        modules.append((activation, mlpGate == nil ? .mlpAfter : .mlpActivated))
      }
      modules += containers(mlpOut, output, whole: .residualAfter)
    case .routed:
      guard let experts = model.experts else { return [] }
      modules.append((experts.router, .routerScores))
      if let module = experts.tensors.module {
        // Beside an expert of all tokens, the module of the others writes a part only.
        let all = containers(module, output, whole: .residualAfter)
        modules += experts.shared == nil ? all[...] : all.dropFirst()
      }
    }
    if let outputNorms { modules.append((outputNorms.mlp, .mlpOutput)) }
    return modules
  }

  /// A projection's module and those that end with it: `mlp.c_proj`, `mlp`.
  ///
  /// They write the same, unless the others add it to the residual stream.
  private func containers(
    _ path: String, _ site: HookSite, whole: HookSite
  ) -> [(path: String, site: HookSite)] {
    let parts = path.split(separator: ".")
    return (1...parts.count).reversed().map { count in
      let isWhole = modulesAddResidual && count < parts.count
      return (parts.prefix(count).joined(separator: "."), isWhole ? whole : site)
    }
  }
}
