// A language model that can be run: description, weights, and the one forward pass over both.
// Comes in: tokens. Leaves: activations, lent to a tap at the hook points that were asked for.

/// A model with the weights that some hook points need.
package struct Transformer: ~Copyable, Sendable {
  package let description: ModelDescription
  package let weights: ModelWeights

  /// Reads as much of a model as the pass to `hookPoints` needs.
  package static func open(
    _ folder: String, for hookPoints: [HookPoint]
  ) throws -> Transformer {
    let description = try ModelDescription.open(folder: folder)
    let plan = WeightPlan(description, for: hookPoints)
    return Transformer(
      description: description, weights: try ModelWeights.open(folder: folder, plan: plan))
  }

  private init(description: ModelDescription, weights: consuming ModelWeights) {
    self.description = description
    self.weights = weights
  }
}

extension Transformer {
  /// Bytes of the weights that the pass to some hook points needs.
  package static func weightByteCount(
    _ description: ModelDescription, for hookPoints: [HookPoint]
  ) -> Int {
    WeightPlan(description, for: hookPoints).count * 4
  }
}

extension WeightPlan {
  /// Plans the weights of the pass to some hook points.
  init(_ description: ModelDescription, for hookPoints: [HookPoint]) {
    self.init(
      description, layers: hookPoints.map { $0.layersNeeded(in: description) }.max() ?? 0,
      includesFinalNorm: hookPoints.contains { $0.site >= .finalScale },
      unembeds: hookPoints.contains { $0.site == .logits })
  }
}

extension HookSite: Comparable {
  /// Whether `left` is computed before `right` in one block.
  package static func < (left: HookSite, right: HookSite) -> Bool { left.order < right.order }

  private var order: Int { HookSite.allCases.firstIndex(of: self) ?? 0 }
}

/// Where the rows of a tapped hook point lie in the span that is lent.
package struct TappedRows: Sendable, Equatable {
  package let count: Int
  /// Elements of a row.
  package let width: Int
  /// Elements from the start of one row to that of the next.
  package let stride: Int

  /// The elements of row `index`.
  package func range(_ index: Int) -> Range<Int> { index * stride..<index * stride + width }
}

/// Receives the rows of hook point number `index` of those asked for, one per token.
package typealias Tap = (_ index: Int, _ values: Span<Float>, _ rows: TappedRows) throws -> Void

/// Owns the work memory of forward passes over batches of one largest size.
///
/// Shape letters: T tokens of the batch, d the model's width, H heads, K heads of keys and values,
/// h a head's width, m the perceptron's width, C the context.
package struct ForwardPass: ~Copyable {
  let model: ModelDescription
  package let contextSize: Int
  package let sequenceLimit: Int
  package let hookPoints: [HookPoint]
  private let last: HookPoint
  let rotation: RotationTable

  /// The residual stream `[T, d]`.
  var residual: Matrix
  /// A norm's output `[T, d]`.
  var normalised: Matrix
  /// A norm's scale `[T, 1]`.
  var scale: Matrix
  /// `[T, (H + 2K)·h]`, queries, keys and values side by side.
  var queryKeyValue: Matrix
  /// The heads' outputs `[T, H·h]`.
  var mixed: Matrix
  /// What attention adds to the residual stream `[T, d]`.
  var attentionOutput: Matrix
  /// `[T, m]`, or `[T, 2m]` where the perceptron is gated.
  var hidden: Matrix
  /// What the perceptron adds `[T, d]`.
  var mlpOutput: Matrix
  /// Scratch of attention, one row per thread.
  var scratch: Matrix
  /// `[T, H·C]`, only where asked for.
  var scores: Matrix
  var pattern: Matrix
  /// `[T, vocabulary]`, only where asked for.
  var logits: Matrix

  /// Makes room for batches of up to `sequenceLimit` sequences of `contextSize` tokens.
  package init(
    _ model: ModelDescription, sequenceLimit: Int, contextSize: Int, hookPoints: [HookPoint]
  ) {
    precondition(!hookPoints.isEmpty, "a pass needs a hook point to run to")
    precondition(contextSize <= model.contextLimit, "sequences beyond the model's context")
    self.model = model
    self.sequenceLimit = sequenceLimit
    self.contextSize = contextSize
    self.hookPoints = hookPoints
    last = hookPoints.max { ForwardPass.precedes($0, $1) } ?? hookPoints[0]
    rotation = RotationTable(model, contextSize: contextSize)
    let tokens = sequenceLimit * contextSize
    func room(_ columns: Int, if isNeeded: Bool = true) -> Matrix {
      Matrix(rows: isNeeded ? tokens : 0, columns: columns)
    }
    func wants(_ site: HookSite) -> Bool { hookPoints.contains { $0.site == site } }
    residual = room(model.width)
    normalised = room(model.width)
    scale = room(1)
    queryKeyValue = room(model.queryKeyValueWidth)
    mixed = room(model.headCount * model.headWidth)
    attentionOutput = room(model.width)
    hidden = room(model.isGated ? 2 * model.mlpWidth : model.mlpWidth)
    mlpOutput = room(model.width)
    scratch = Matrix(
      rows: Parallel.threadCount, columns: Attention.scratchCount(model, contextSize: contextSize))
    scores = room(model.headCount * contextSize, if: wants(.scores))
    pattern = room(model.headCount * contextSize, if: wants(.pattern))
    logits = room(model.vocabularySize, if: wants(.logits))
  }

  /// Bytes that such a pass takes, for the bill.
  package static func byteCount(
    _ model: ModelDescription, sequenceLimit: Int, contextSize: Int, hookPoints: [HookPoint]
  ) -> Int {
    func has(_ site: HookSite) -> Int { hookPoints.contains { $0.site == site } ? 1 : 0 }
    let columns =
      4 * model.width + 1 + model.queryKeyValueWidth + model.headCount * model.headWidth
      + (model.isGated ? 2 : 1) * model.mlpWidth
      + (has(.scores) + has(.pattern)) * model.headCount * contextSize
      + has(.logits) * model.vocabularySize
    return 4
      * (sequenceLimit * contextSize * columns + Parallel.threadCount
        * Attention.scratchCount(model, contextSize: contextSize))
  }

  /// Runs tokens `[sequences, contextSize]` up to the last hook point.
  ///
  /// `tap` is called once for each hook point in the order of computation. Tokens must be below
  /// the vocabulary's size.
  package mutating func run(
    _ transformer: borrowing Transformer, tokens: Span<UInt32>, tap: Tap
  ) throws {
    precondition(tokens.count % contextSize == 0, "tokens do not fill sequences")
    precondition(tokens.count <= sequenceLimit * contextSize, "more sequences than there is room")
    let layers = transformer.weights.plan.layers.count
    try embed(transformer, tokens, tap)
    for layer in 0..<layers { try runBlock(transformer, layer, tokens: tokens.count, tap) }
    // What enters a block is known without the block.
    try emit(.residualBefore, layers, residual, tokens: tokens.count, tap)
    try runEnd(transformer, tokens: tokens.count, tap)
  }

  // MARK: Taps

  private static func precedes(_ left: HookPoint, _ right: HookPoint) -> Bool {
    func stage(_ point: HookPoint) -> Int {
      point.layer ?? (point.site >= .finalScale ? Int.max : -1)
    }
    return (stage(left), left.site) < (stage(right), right.site)
  }

  /// Whether anything after a place is asked for.
  func continues(after site: HookSite, _ layer: Int) -> Bool {
    ForwardPass.precedes(HookPoint(site, layer: layer), last)
  }

  func wants(_ site: HookSite, _ layer: Int?) -> Bool {
    hookPoints.contains { $0.site == site && $0.layer == layer }
  }

  /// Lends the first `tokens` rows of a matrix, or the columns from `column` on.
  func emit(
    _ site: HookSite, _ layer: Int?, _ values: borrowing Matrix, tokens: Int, column: Int = 0,
    width: Int? = nil, _ tap: Tap
  ) throws {
    guard let index = hookPoints.firstIndex(where: { $0.site == site && $0.layer == layer }) else {
      return
    }
    let rows = TappedRows(
      count: tokens, width: width ?? values.columns, stride: values.columns)
    try tap(
      index, values.span.extracting(column..<(tokens - 1) * rows.stride + column + rows.width), rows
    )
  }
}
