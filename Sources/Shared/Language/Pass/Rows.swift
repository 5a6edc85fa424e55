// Steps of a forward pass that treat every token's row alike, shared among threads in fixed blocks.

/// Rows that one task of a rowwise step takes.
private let rowBlock = 16

enum Rows {
  /// Calls `body` with each of the first `tokens` rows.
  static func forEach(
    _ tokens: Int, _ width: Int, _ target: inout Matrix,
    _ body: @Sendable (Int, inout MutableSpan<Float>) -> Void
  ) {
    let stride = target.columns
    var span = target.mutableSpan
    span.withDisjoint { all in
      Parallel.forBlocks(tokens, blockSize: rowBlock) { block in
        for token in block {
          all.withSlice(token * stride..<token * stride + width) { body(token, &$0) }
        }
      }
    }
  }

  /// target ← target + factor · source `[tokens, d]`, of which a row may have more columns.
  static func add(
    _ source: borrowing Matrix, to target: inout Matrix, tokens: Int, factor: Float = 1
  ) {
    let width = target.columns
    let (values, stride) = (source.span, source.columns)
    forEach(tokens, width, &target) { token, row in
      let source = values.extracting(token * stride..<token * stride + width)
      if factor == 1 { Kernels.add(source, to: &row) } else { Vector.add(factor, source, to: &row) }
    }
  }

  /// target ← target + Σ source over heads `[tokens, H·d]`.
  static func addHeads(
    _ source: borrowing Matrix, width: Int, to target: inout Matrix, tokens: Int
  ) {
    let (values, stride) = (source.span, source.columns)
    forEach(tokens, width, &target) { token, row in
      for first in Swift.stride(from: token * stride, to: (token + 1) * stride, by: width) {
        Kernels.add(values.extracting(first..<first + width), to: &row)
      }
    }
  }

  /// target ← target · σ(source), with `width` columns of source from `column` on.
  static func multiply(
    _ target: inout Matrix, byLogisticOf source: borrowing Matrix, column: Int, width: Int,
    tokens: Int
  ) {
    let (values, stride) = (source.span, source.columns)
    forEach(tokens, width, &target) { token, row in
      let start = token * stride + column
      Kernels.multiplyByLogistic(of: values.extracting(start..<start + width), &row)
    }
  }

  /// Some columns of target, from `first` on or the same, ← those of source.
  static func copy(
    _ source: borrowing Matrix, columns: Range<Int>, to target: inout Matrix, at first: Int? = nil,
    tokens: Int
  ) {
    let (values, stride) = (source.span, source.columns)
    let shift = (first ?? columns.lowerBound) - columns.lowerBound
    forEach(tokens, columns.upperBound + shift, &target) { token, row in
      for column in columns { row[column + shift] = values[token * stride + column] }
    }
  }

  /// Columns from `first` on ← others of the same rows.
  static func copy(_ columns: Range<Int>, of rows: inout Matrix, to first: Int, tokens: Int) {
    let shift = first - columns.lowerBound
    forEach(tokens, columns.upperBound + shift, &rows) { _, row in
      for column in columns { row[column + shift] = row[column] }
    }
  }

  /// target ← target · source, of the first `width` columns.
  static func multiply(
    _ target: inout Matrix, by source: borrowing Matrix, width: Int, tokens: Int
  ) {
    let (values, stride) = (source.span, source.columns)
    forEach(tokens, width, &target) { token, row in
      Kernels.multiply(by: values.extracting(token * stride..<token * stride + width), &row)
    }
  }

  /// The first `width` columns of target ← themselves · factor.
  static func multiply(_ target: inout Matrix, by factor: Float, width: Int, tokens: Int) {
    forEach(tokens, width, &target) { _, row in
      for column in row.indices { row[column] *= factor }
    }
  }

  /// target ← source.
  static func copy(_ source: borrowing Matrix, to target: inout Matrix, tokens: Int) {
    let width = target.columns
    let values = source.span
    forEach(tokens, width, &target) { token, row in
      Kernels.copy(values.extracting(token * width..<(token + 1) * width), to: &row)
    }
  }

  /// target ← norm(source) `[tokens, d]`, times gain plus bias where these are given; scales
  /// `[tokens, 1]`.
  static func normalize(
    _ source: borrowing Matrix, _ norm: Norm, width: Int, gain: Span<Float>, bias: Span<Float>,
    into target: inout Matrix, scales: inout Matrix, tokens: Int
  ) {
    let stride = source.columns
    let values = source.span
    let scales = scales.disjoint
    forEach(tokens, width, &target) { token, row in
      let scale = Kernels.normalize(
        values.extracting(token * stride..<token * stride + width), norm.kind,
        epsilon: norm.epsilon,
        into: &row)
      scales.set(token, scale)
      if !gain.isEmpty { Kernels.affine(&row, gain: gain, bias: bias) }
    }
  }

  /// target ← target · gain + bias.
  static func scale(
    _ target: inout Matrix, gain: Span<Float>, bias: Span<Float>, tokens: Int
  ) {
    forEach(tokens, gain.count, &target) { _, row in
      Kernels.affine(&row, gain: gain, bias: bias)
    }
  }

  /// Norms each of some heads of a row in place; scales `[tokens, heads or more]`.
  static func normalizeHeads(
    _ target: inout Matrix, columns: Range<Int>, headWidth: Int, _ norm: Norm,
    scales: inout Matrix, tokens: Int
  ) {
    let heads = columns.count / headWidth
    let stride = target.columns
    let scaleStride = scales.columns
    let scales = scales.disjoint
    let all = target.disjoint
    Parallel.forBlocks(tokens, blockSize: rowBlock) { block in
      for token in block {
        for head in 0..<heads {
          let start = token * stride + columns.lowerBound + head * headWidth
          all.withSlice(start..<start + headWidth) { row in
            let scale = Kernels.normalizeInPlace(&row, norm.kind, epsilon: norm.epsilon)
            scales.set(token * scaleStride + head, scale)
          }
        }
      }
    }
  }

  /// Multiplies each of some heads of a row with a gain.
  static func scaleHeads(
    _ target: inout Matrix, columns: Range<Int>, gain: Span<Float>, tokens: Int
  ) {
    let stride = target.columns
    let all = target.disjoint
    Parallel.forBlocks(tokens, blockSize: rowBlock) { block in
      for token in block {
        for start in Swift.stride(from: columns.lowerBound, to: columns.upperBound, by: gain.count)
        {
          let place = token * stride + start
          all.withSlice(place..<place + gain.count) { Kernels.multiply(by: gain, &$0) }
        }
      }
    }
  }

  /// The first `width` elements of each row ← activation of them.
  static func activate(
    _ activation: Activation, _ hidden: inout Matrix, width: Int, tokens: Int
  ) {
    forEach(tokens, width, &hidden) { _, row in Kernels.activate(activation, &row) }
  }

  /// The first half of each row ← itself times the second half.
  static func gate(_ hidden: inout Matrix, width: Int, tokens: Int) {
    forEach(tokens, 2 * width, &hidden) { _, row in gate(&row, width: width) }
  }

  private static func gate(_ row: inout MutableSpan<Float>, width: Int) {
    row.withDisjoint { row in
      row.withSlice(0..<width) { gate in
        row.withSlice(width..<2 * width) { Kernels.multiply(by: $0.span, &gate) }
      }
    }
  }

  /// target `[tokens, outputs]` ← source · W + b, with the first `inputs` columns of source, and
  /// its activation where one is given.
  static func project(
    _ weights: borrowing ModelWeights, _ projection: Projection, _ source: borrowing Matrix,
    into target: inout Matrix, scratch: inout ProductScratch, tokens: Int,
    activation: Activation? = nil
  ) {
    let stride = target.columns
    var span = target.mutableSpan
    if weights.factors == .bfloat16 {
      round(source, columns: 0..<projection.inputs, into: &scratch.rows, tokens: tokens)
      RoundedProduct.product(
        rows: tokens, scratch.rows.span, weights.columns(projection),
        ProductEnd(bias: weights.vector(projection.bias), activation), into: &span,
        cStride: stride, tiles: scratch.tiles.disjoint, workers: scratch.tiles.rows)
      return
    }
    let (workers, size) = (scratch.tiles.rows, scratch.tiles.columns)
    let scratch = scratch.tiles.disjoint
    Multiply.product(
      rows: tokens, inner: projection.inputs, source.span, aStride: source.columns,
      tiles: projection.tiles, bias: weights.vector(projection.bias), into: &span, cStride: stride,
      workers: workers,
      withTile: { worker, tile, use in
        scratch.withSlice(worker * size..<(worker + 1) * size) {
          weights.withTile(projection, projection.tiles[tile], scratch: &$0, use)
        }
      }, activation: activation)
  }
}

extension Rows {
  /// target `[tokens, H·outputs]` ← each head of source times its rows of W.
  static func projectHeads(
    _ weights: borrowing ModelWeights, _ projection: Projection, _ source: borrowing Matrix,
    headWidth: Int, into target: inout Matrix, scratch: inout ProductScratch, tokens: Int
  ) {
    if weights.factors == .bfloat16 {
      projectRoundedHeads(
        weights, projection, source, headWidth: headWidth, into: &target, scratch: &scratch,
        tokens: tokens)
      return
    }
    let values = source.span
    let (sourceStride, targetStride) = (source.columns, target.columns)
    var memory = target.mutableSpan
    memory.withDisjoint { memory in
      for tile in projection.tiles {
        var scratch = scratch.tiles.mutableSpan
        weights.withTile(projection, tile, scratch: &scratch) { factor in
          for head in 0..<projection.inputs / headWidth {
            let first = head * headWidth
            let skipped = factor.layout == .plain ? first * factor.stride : first
            let place = head * projection.outputs + tile.lowerBound
            memory.withSlice(place..<memory.count) { target in
              Multiply.product(
                rows: tokens, columns: tile.count, inner: headWidth,
                Factor(values.extracting(first..<values.count), .plain, stride: sourceStride),
                Factor(
                  factor.values.extracting(skipped..<factor.values.count), factor.layout,
                  stride: factor.stride),
                into: &target, cStride: targetStride)
            }
          }
        }
      }
    }
  }
}

extension Rows {
  /// target `[tokens, width]` ← some columns of source in bfloat16.
  private static func round(
    _ source: borrowing Matrix, columns: Range<Int>, into target: inout AlignedBuffer<UInt16>,
    tokens: Int
  ) {
    let (values, stride) = (source.span, source.columns)
    let width = RoundedProduct.width(columns.count)
    let rows = target.writer
    Parallel.forBlocks(tokens, blockSize: rowBlock) { block in
      var target = rows.slice(block.lowerBound * width..<block.upperBound * width)
      RoundedProduct.round(
        rows: block.count, inner: columns.count, stride: stride,
        values.extracting(block.lowerBound * stride + columns.lowerBound..<values.count),
        into: &target)
    }
  }

  /// As `projectHeads`, of factors in bfloat16.
  private static func projectRoundedHeads(
    _ weights: borrowing ModelWeights, _ projection: Projection, _ source: borrowing Matrix,
    headWidth: Int, into target: inout Matrix, scratch: inout ProductScratch, tokens: Int
  ) {
    let (stride, outputs) = (target.columns, projection.outputs)
    let all = weights.columns(projection)
    var part = AlignedBuffer<UInt16>(
      count: RoundedProduct.columnCount(outputs, inner: headWidth))
    for head in 0..<projection.inputs / headWidth {
      let inputs = head * headWidth..<(head + 1) * headWidth
      var panels = part.mutableSpan
      all.copy(inputs: inputs, into: &panels)
      round(source, columns: inputs, into: &scratch.rows, tokens: tokens)
      var memory = target.mutableSpan
      memory.withSlice(head * outputs..<memory.count) { target in
        RoundedProduct.product(
          rows: tokens, scratch.rows.span,
          RoundedColumns(part.span, inner: headWidth, columns: outputs),
          ProductEnd(bias: weights.vector(0..<0)), into: &target, cStride: stride,
          tiles: scratch.tiles.disjoint, workers: scratch.tiles.rows)
      }
    }
  }
}

/// What a norm does besides gain and bias.
struct Norm: Sendable {
  let kind: NormKind
  let epsilon: Float
}
