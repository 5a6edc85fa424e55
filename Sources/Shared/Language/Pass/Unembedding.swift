// What directions of the residual stream do to a model's predictions by themselves: the logit lens. Comes in:
// the folder of a model, and directions. Leaves: their product with the unembedding, the gain of the last norm
// taken in and its division left out, as TransformerLens folds it.

/// Owns the last norm and the unembedding of a model.
package struct Unembedding: ~Copyable {
  private let model: ModelDescription
  private let weights: ModelWeights
  /// The unembedding without its bias, which no direction changes.
  private let projection: Projection
  private var prepared: Matrix
  private var narrowed: Matrix
  private var tiles: ProductScratch
  /// Logits of the last directions `[rows, vocabulary]`.
  package private(set) var logits: Matrix

  /// Opens a model's end for up to `limit` directions at once; nil where the model has none.
  package static func open(_ folder: String, rows limit: Int) throws -> Unembedding? {
    let model = try ModelDescription.open(folder: folder)
    let plan = WeightPlan(model, layers: 0, includesFinalNorm: true, unembeds: true)
    guard let whole = plan.unembedding else { return nil }
    return Unembedding(
      model: model, weights: try ModelWeights.open(folder: folder, plan: plan), whole, rows: limit)
  }

  private init(
    model: ModelDescription, weights: consuming ModelWeights, _ whole: Projection, rows limit: Int
  ) {
    self.model = model
    projection = Projection(
      inputs: whole.inputs, outputs: whole.outputs, order: whole.order, stretches: whole.stretches,
      bias: 0..<0)
    prepared = Matrix(rows: limit, columns: model.width)
    narrowed = Matrix(
      rows: model.embeddingWidth == nil ? 0 : limit, columns: model.embeddingWidth ?? 0)
    tiles = ProductScratch(weights, rows: limit)
    logits = Matrix(rows: limit, columns: model.vocabularySize)
    self.weights = weights
  }

  /// Bytes that so many directions at once take, beside the mapped weights.
  package static func byteCount(_ model: ModelDescription, rows: Int) -> Int {
    4 * rows * (model.vocabularySize + model.width + (model.embeddingWidth ?? 0))
  }

  package var width: Int { model.width }
  package var vocabularySize: Int { model.vocabularySize }

  /// logits ← directions `[rows, d]` · gain · W_U, without their mean where the norm subtracts it.
  package mutating func read(_ directions: Span<Float>, rows: Int) {
    precondition(directions.count == rows * model.width && rows <= prepared.rows, "directions")
    Self.prepare(directions, rows: rows, model, weights, into: &prepared)
    guard let out = weights.plan.projectionOut else {
      Rows.project(
        weights, projection, prepared, into: &logits, scratch: &tiles, tokens: rows)
      return
    }
    Rows.project(weights, out, prepared, into: &narrowed, scratch: &tiles, tokens: rows)
    Rows.project(weights, projection, narrowed, into: &logits, scratch: &tiles, tokens: rows)
  }

  private static func prepare(
    _ directions: Span<Float>, rows: Int, _ model: ModelDescription,
    _ weights: borrowing ModelWeights, into target: inout Matrix
  ) {
    let norm = weights.plan.finalNorm
    let gain = weights.vector(norm?.gain ?? 0..<0)
    let isCentered = norm != nil && (model.finalNorm ?? model.norm) == .layer
    let width = model.width
    Rows.forEach(rows, width, &target) { row, values in
      let source = directions.extracting(row * width..<(row + 1) * width)
      let mean = isCentered ? Kernels.sum(source) / Float(width) : 0
      for column in values.indices {
        values[column] = (source[column] - mean) * (gain.isEmpty ? 1 : gain[column])
      }
    }
  }
}
