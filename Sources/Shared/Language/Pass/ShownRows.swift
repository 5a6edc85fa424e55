// Rows of a hook point as processed weights would give them, and the way back.

extension ForwardPass {
  /// shown ← the columns of `values`, less what processing takes from them.
  func show(
    _ values: borrowing Matrix, tokens: Int, column: Int, width: Int,
    _ change: WeightProcessing.Change, _ layer: Int?
  ) {
    let (source, stride, target, shownStride) = (
      values.span, values.columns, shown.disjoint, shown.columns
    )
    let bias = valueBias(layer: layer, width: width)
    let means = embeddingMeans
    Parallel.forBlocks(tokens, blockSize: 16) { block in
      for token in block {
        target.withSlice(token * shownStride..<token * shownStride + width) { row in
          let first = token * stride + column
          Kernels.copy(source.extracting(first..<first + width), to: &row)
          switch change {
          case .none: break
          case .mean(let size): Kernels.subtractMeans(&row, over: size)
          case .meanBesidesEmbedding(let size):
            Kernels.subtractMeans(&row, over: size)
            for index in row.indices { row[index] += means[token] }
          case .valueBias: for index in row.indices { row[index] -= bias[index] }
          }
        }
      }
    }
  }

  /// values ← what was put in the place of some columns of `shown`, and what processing had taken.
  func takeBack(
    _ values: borrowing Matrix, tokens: Int, column: Int, _ columns: Range<Int>, width: Int,
    _ change: WeightProcessing.Change, _ layer: Int?
  ) {
    let (target, stride, source, shownStride) = (
      values.disjoint, values.columns, shown.span, shown.columns
    )
    let bias = valueBias(layer: layer, width: width)
    Parallel.forBlocks(tokens, blockSize: 16) { block in
      for token in block {
        let first = token * stride + column + columns.lowerBound
        target.withSlice(first..<first + columns.count) { row in
          let start = token * shownStride + columns.lowerBound
          Kernels.copy(source.extracting(start..<start + columns.count), to: &row)
          // Nothing that comes after these rows sees their mean.
          guard case .valueBias = change else { return }
          for index in row.indices { row[index] += bias[columns.lowerBound + index] }
        }
      }
    }
  }

  /// The bias that a row of values, or of heads mixed from them, loses.
  func valueBias(layer: Int?, width: Int) -> [Float] {
    guard let layer, layer < valueBiases.count else { return [] }
    let bias = valueBiases[layer]
    if bias.isEmpty || width == bias.count { return bias }
    // Several heads mix the values of one.
    let shared = model.headCount / model.keyValueHeadCount
    return (0..<model.headCount).flatMap { head in
      let first = head / shared * model.headWidth
      return bias[first..<first + model.headWidth]
    }
  }

  /// What values lose: their bias, and the norm's bias sent through their weights where norms are
  /// folded.
  mutating func readValueBiases(_ weights: borrowing ModelWeights) -> [[Float]] {
    let places = weights.plan.layers
    var biases: [[Float]] = []
    for (number, layer) in places.enumerated() {
      let values = model.heads(layer: number).values
      guard layer.deltaRule == nil, layer.latent == nil,
        model.layers[number].keyValues == .projections
      else {
        biases.append([])
        continue
      }
      let bias = weights.vector(layer.norm1?.bias ?? 0..<0)
      let folds = processing.foldsNorms && !bias.isEmpty
      for column in 0..<model.width { normalized[0, column] = folds ? bias[column] : 0 }
      Rows.project(
        weights, layer.queryKeyValue, normalized, into: &queryKeyValue, scratch: &tiles, tokens: 1)
      biases.append(values.map { queryKeyValue[0, $0] })
    }
    return biases
  }
}
