// Where a layer's queries, keys and values are in a model's files.

extension WeightPlan {
  /// `[queries | keys | values]`, whatever the order of the files.
  mutating func queryKeyValue(_ prefix: String) -> Projection {
    let hasBias = names.biases.queryKeyValue
    let keyWidth = description.keyValueHeadCount * description.headWidth
    switch names.queryKeyValue {
    case .separate(let query, let key, let value):
      if names.spelling == .transformerLens {
        return perHead([query, key, value].map { prefix + $0 })
      }
      let parts = [
        (prefix + query, description.headCount * description.headWidth),
        (prefix + key, keyWidth), (prefix + value, keyWidth),
      ]
      return projection(parts, inputs: description.width, hasBias: hasBias)
    case .fused(let name):
      return projection(
        [(prefix + name, description.queryKeyValueWidth)], inputs: description.width,
        hasBias: hasBias)
    case .fusedPerHead(let name): return fusedPerHead(prefix + name, hasBias: hasBias)
    }
  }

  /// One tensor `[K, H/K + 2, h, inputs]`, put in the order `[queries | keys | values]`.
  private mutating func fusedPerHead(_ name: String, hasBias: Bool) -> Projection {
    let (heads, groups, size) = (
      description.headCount, description.keyValueHeadCount, description.headWidth
    )
    let (inputs, outputs) = (description.width, (heads + 2 * groups) * size)
    let number = matrix(name, [outputs, inputs])
    let shared = heads / groups
    let queries = (0..<heads).map { $0 / shared * (shared + 2) + $0 % shared }
    let keys = (0..<groups).map { $0 * (shared + 2) + shared }
    let starts = (queries + keys + keys.map { $0 + 1 }).map { $0 * size }
    let bias = reserve(hasBias ? outputs : 0)
    if hasBias {
      vector(
        biasNames(name), [outputs],
        starts.enumerated().map { index, source in
          TensorRequest.Piece(source: source, count: size, target: bias.lowerBound + index * size)
        })
    }
    return Projection(
      inputs: inputs, outputs: outputs, order: .outputMajor,
      stretches: starts.enumerated().map { index, source in
        Projection.Stretch(
          outputs: index * size..<(index + 1) * size, matrix: number, source: source)
      }, bias: bias)
  }

  /// Tensors `[heads, inputs, h]`, each with a bias `[heads, h]`.
  private mutating func perHead(_ tensors: [String]) -> Projection {
    let (heads, size, inputs) = (
      description.headCount, description.headWidth, description.width
    )
    let bias = reserve(3 * heads * size)
    var stretches: [Projection.Stretch] = []
    for tensor in tensors {
      vector(
        biasNames(tensor), [heads, size], at: bias.lowerBound + stretches.count * size)
      for head in 0..<heads {
        let source = TensorRequest.Source(
          names: weightNames(tensor), shape: [heads, inputs, size], base: head * inputs * size)
        let number = matrix([source], elements: inputs * size)
        let first = stretches.count * size
        stretches.append(
          Projection.Stretch(outputs: first..<first + size, matrix: number, source: 0))
      }
    }
    return Projection(
      inputs: inputs, outputs: 3 * heads * size, order: .inputMajor, stretches: stretches,
      bias: bias)
  }
}
