// Where the inputs that each layer has of its own are in a model's files.

extension WeightPlan {
  /// What all layers share.
  mutating func planLayerInputs(_ inputs: LayerInputs) -> LayerInputPlaces {
    let columns = description.layerCount * inputs.width
    return LayerInputPlaces(
      table: matrix(inputs.table, [inputs.vocabularySize, columns]),
      projection: matrix(inputs.projection, [columns, description.width]),
      norm: norm(inputs.norm, width: inputs.width))
  }

  /// What is a layer's own, with its part of the projection from embeddings.
  mutating func planLayerInput(
    _ inputs: LayerInputs, _ prefix: String, _ layer: Int
  ) -> LayerInputPlace {
    let (width, inner) = (description.width, inputs.width)
    let shared = layerInputs?.projection ?? 0
    return LayerInputPlace(
      projection: Projection(
        inputs: width, outputs: inner, order: .outputMajor,
        stretches: [
          Projection.Stretch(outputs: 0..<inner, matrix: shared, source: layer * inner)
        ], bias: 0..<0),
      gate: projection([(prefix + inputs.gate, inner)], inputs: width, hasBias: false),
      output: projection([(prefix + inputs.output, width)], inputs: inner, hasBias: false),
      outputNorm: norm(prefix + inputs.outputNorm))
  }
}
