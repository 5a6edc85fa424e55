// How fast this machine runs a language model, by passes of that very model over drawn tokens. Comes in: the
// model's folder and the hook points that are wanted. Leaves: seconds per token.

package enum PassTrial {
  /// Operations of a trial, at most, unless one sequence has more.
  private static let operationLimit = 1e10
  /// Operations of a sequence beyond which nothing is tried.
  private static let sequenceLimit = 4e11

  /// Seconds per token of passes to some hook points; of a model too large to be tried, what its operations
  /// take at the speed of products.
  package static func secondsPerToken(
    _ folder: String, _ hookPoints: [HookPoint], processing: WeightProcessing,
    factors: FactorPrecision, contextSize: Int, batch: Int
  ) throws -> Double {
    let description = try ModelDescription.open(folder: folder)
    let operations =
      Double(contextSize) * operationsPerToken(description, hookPoints, contextSize: contextSize)
    guard operations < sequenceLimit else {
      let peak =
        factors == .bfloat16 ? RoundedProduct.measurePeak() : Multiply.measurePeak()
      return operations / Double(contextSize) / peak
    }
    let transformer = try Transformer.open(folder, for: hookPoints, factors: factors)
    let model = transformer.description
    let limit = ForwardPass.sequences(
      model, contextSize: contextSize, hookPoints: hookPoints, processing: processing,
      atMost: max(1, min(batch, Int(operationLimit / max(1, operations)))))
    var pass = ForwardPass(
      transformer, sequenceLimit: limit, contextSize: contextSize, hookPoints: hookPoints,
      processing: processing)
    let random = Random(seed: 1, stream: "trial")
    let tokens = (0..<limit * contextSize).map {
      UInt32(random.uniform($0) * Double(model.vocabularySize))
    }
    // The first pass reads the weights from their file.
    let seconds = try Trial.median {
      let start = System.uptime
      try pass.run(transformer, tokens: tokens.span) { _, _, _ in }
      return System.uptime - start
    }
    return seconds / Double(tokens.count)
  }

  /// Operations of a pass to some hook points, predictions included where these are asked for.
  package static func operationsPerToken(
    _ model: ModelDescription, _ hookPoints: [HookPoint], contextSize: Int
  ) -> Double {
    let layers = hookPoints.map { $0.layersNeeded(in: model) }.max() ?? 0
    let unembeds = hookPoints.contains { $0.site >= .logits }
    return model.operationsPerToken(layers: layers, contextSize: contextSize)
      + (unembeds ? 2 * Double(model.width) * Double(model.vocabularySize) : 0)
  }
}
