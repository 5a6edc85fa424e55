// The language model of a pipeline's cache, as its settings describe it: what is taken of it and how its
// weights are to look. The cacher runs it, and the trainer once more with an SAE in it.

extension CacheSettings {
  /// How the weights are to look processed.
  package var weightProcessing: WeightProcessing {
    WeightProcessing(
      foldsNorms: foldLn, centersWriting: centerWritingWeights, centersUnembedding: centerUnembed,
      foldsValueBiases: foldValueBiases)
  }

  /// What the factors of the model's products are rounded to.
  package var factors: FactorPrecision { autocastLM ? .bfloat16 : .float32 }

  /// The hook point of a name, of one head where the settings say which.
  package func hookPoint(
    _ name: String, in model: ModelDescription
  ) throws(HookPointError) -> HookPoint {
    try HookPoint.find(name, in: model).taking(head: hookHeadIndex, in: model)
  }
}

extension TrainSettings {
  /// What the factors of the model's products are rounded to where a loss is measured.
  package var factors: FactorPrecision { autocastLM ? .bfloat16 : .float32 }
}

extension StorageType {
  /// How numbers of this type stand in a shard.
  package var tensorType: TensorType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .int8: .int8
    }
  }
}
