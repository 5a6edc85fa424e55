// A language model that can be run: its description and its weights. Comes in: a folder as Hugging
// Face lays it out. Leaves to the forward pass.

/// A model with the weights that some hook points need.
package struct Transformer: ~Copyable, Sendable {
  package let description: ModelDescription
  package let weights: ModelWeights

  /// Opens as much of a model as the pass to `hookPoints` needs, for products with such factors.
  package static func open(
    _ folder: String, for hookPoints: [HookPoint], factors: FactorPrecision = .float32
  ) throws -> Transformer {
    let description = try ModelDescription.open(folder: folder)
    let plan = WeightPlan(description, for: hookPoints)
    return Transformer(
      description: description,
      weights: try ModelWeights.open(folder: folder, plan: plan, factors: factors))
  }

  private init(description: ModelDescription, weights: consuming ModelWeights) {
    self.description = description
    self.weights = weights
  }
}

extension WeightPlan {
  /// Plans the weights of the pass to some hook points.
  init(_ description: ModelDescription, for hookPoints: [HookPoint]) {
    self.init(
      description, layers: hookPoints.map { $0.layersNeeded(in: description) }.max() ?? 0,
      includesFinalNorm: hookPoints.contains { $0.site >= .finalScale },
      unembeds: hookPoints.contains { $0.site >= .logits })
  }
}
