// The one forward pass. Comes in: tokens. Leaves: activations, lent to a tap at the hook points that
// were asked for, or to a visitor who may put others in their place. The steps are in Blocks.swift
// and Attention.swift.

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

/// What a visitor did with the rows of a hook point.
package enum Visited: Sendable {
  case seen
  /// It wrote rows that the pass goes on with.
  case replaced
}

/// As a tap, of rows that may be written.
package typealias Visitor = (
  _ index: Int, _ values: inout MutableSpan<Float>, _ rows: TappedRows
) throws -> Visited

/// Owns the work memory of forward passes over batches of one largest size.
///
/// Shape letters: T tokens of the batch, d the model's width, H heads, K heads of keys and values,
/// h a head's width, m the MLP's width, C the context.
package struct ForwardPass: ~Copyable {
  let model: ModelDescription
  package let contextSize: Int
  package let sequenceLimit: Int
  package let hookPoints: [HookPoint]
  let processing: WeightProcessing
  private let last: HookPoint
  let rotations: Rotations

  /// The residual stream `[T, d]`.
  var residual: Matrix
  /// A norm's output `[T, d]`.
  var normalized: Matrix
  /// A norm's scale `[T, 1]`.
  var scale: Matrix
  /// `[T, (H + 2K)·h]`, queries, keys and values side by side.
  var queryKeyValue: Matrix
  /// The same made without positions, in models where only queries and keys have them.
  var secondQueryKeyValue: Matrix
  /// What learned positions add to the rows that queries and keys are made of `[T, d]`, in such models.
  var attentionPositions: Matrix
  /// Scales of the norms on each head `[T, H]`.
  var headScales: Matrix
  /// The heads' outputs `[T, H·h]`.
  var mixed: Matrix
  /// What attention or the MLP adds to the residual stream `[T, d]`.
  var output: Matrix
  /// In parallel blocks, what attention adds `[T, d]`.
  var attentionOutput: Matrix
  /// `[T, m]`, or `[T, 2m]` where the MLP is gated.
  var hidden: Matrix
  /// Scores of experts `[T, E]`, and the weights that they become.
  var routerScores: Matrix
  var expertWeights: Matrix
  /// The experts that a token goes through `[T, active]`.
  var expertIndices: Matrix
  /// The rows of one expert's tokens `[T, d]`, before and after it.
  var expertInput: Matrix
  var expertOutput: Matrix
  /// Embeddings `[T, d]`, and what becomes of them for one layer `[T, p]`, in models that do so.
  var embeddings: Matrix
  var layerInput: Matrix
  /// The batch's tokens, in such models.
  var batch: [UInt32] = []
  /// Narrow vectors that queries, keys and values are made of, and what keys and values become.
  var compressed: Matrix
  var expanded: Matrix
  /// Keys and values that later layers take, side by side.
  var sharedKeyValues: Matrix
  /// Scratch of attention, one row per thread.
  var scratch: AttentionScratch
  var tiles: ProductScratch
  /// `[T, H·C]`, only where asked for.
  var scores: Matrix
  var pattern: Matrix
  /// `[T, H·d]`, only where asked for.
  var result: Matrix
  /// `[T, vocabulary]`, only where asked for.
  var logits: Matrix
  /// Rows as they are shown, where processing changes them.
  var shown: Matrix
  /// Means of embeddings, by token, where processing leaves them in the residual stream.
  var embeddingMeans: [Float] = []
  /// The bias that values lose by processing `[K·h]`, by layer.
  var valueBiases: [[Float]] = []

  /// Makes room for batches of up to `sequenceLimit` sequences of `contextSize` tokens.
  package init(
    _ transformer: borrowing Transformer, sequenceLimit: Int, contextSize: Int,
    hookPoints: [HookPoint], processing: WeightProcessing = WeightProcessing()
  ) {
    let model = transformer.description
    precondition(!hookPoints.isEmpty, "a pass needs a hook point to run to")
    precondition(contextSize <= model.contextLimit, "sequences beyond the model's context")
    self.model = model
    self.sequenceLimit = sequenceLimit
    self.contextSize = contextSize
    self.hookPoints = hookPoints
    self.processing = processing
    last = hookPoints.max { $0.precedes($1) } ?? hookPoints[0]
    rotations = Rotations(model, contextSize: contextSize)
    let columns = PassColumns(
      model: model, contextSize: contextSize, hookPoints: hookPoints, processing: processing)
    let tokens = sequenceLimit * contextSize
    func room(_ columns: Int) -> Matrix {
      Matrix(rows: columns == 0 ? 0 : tokens, columns: columns)
    }
    residual = room(columns.width)
    normalized = room(columns.width)
    scale = room(1)
    queryKeyValue = room(columns.queryKeyValue)
    secondQueryKeyValue = room(columns.secondQueryKeyValue)
    attentionPositions = room(columns.attentionPositions)
    headScales = room(columns.headScales)
    mixed = room(columns.mixed)
    output = room(columns.width)
    attentionOutput = room(columns.secondOutput)
    hidden = room(columns.hidden)
    routerScores = room(columns.routerScores)
    expertWeights = room(columns.routerScores)
    expertIndices = room(columns.expertIndices)
    expertInput = room(columns.expertRows)
    expertOutput = room(columns.expertRows)
    embeddings = room(columns.embeddings)
    layerInput = room(columns.layerInput)
    compressed = room(columns.compressed)
    expanded = room(columns.expanded)
    sharedKeyValues = room(columns.sharedKeyValues)
    scratch = AttentionScratch(
      model, contextSize: contextSize, factors: transformer.weights.factors)
    tiles = ProductScratch(transformer.weights, rows: tokens)
    scores = room(columns.scores)
    pattern = room(columns.pattern)
    result = room(columns.result)
    logits = room(columns.logits)
    shown = room(columns.shown)
    if processing.foldsValueBiases { valueBiases = readValueBiases(transformer.weights) }
  }

  // MARK: Size

  /// Bytes that a pass may take for its matrices before it is cut into smaller batches.
  private static let byteLimit = 512 << 20

  /// Sequences of a batch: as many as asked for, unless the work memory would become too large.
  ///
  /// A function of model and context alone, so that the cut does not depend on what is tapped.
  /// Only hook points whose rows take more than four times as much as all the rest, such as logits
  /// of a small model, cut it further: the whole then stays within four times the limit.
  package static func sequences(
    _ model: ModelDescription, contextSize: Int, hookPoints: [HookPoint],
    processing: WeightProcessing = WeightProcessing(), atMost limit: Int
  ) -> Int {
    let columns = PassColumns(
      model: model, contextSize: contextSize, hookPoints: hookPoints, processing: processing)
    let isDominated = columns.all - columns.plain > 4 * columns.plain
    let fitting =
      isDominated
      ? 4 * byteLimit / (4 * columns.all * contextSize)
      : byteLimit / (4 * columns.plain * contextSize)
    return max(1, min(limit, fitting))
  }

  /// Bytes of work memory and of weights that are not mapped, for the bill.
  package static func byteCount(
    _ model: ModelDescription, sequenceLimit: Int, contextSize: Int, hookPoints: [HookPoint],
    processing: WeightProcessing = WeightProcessing(), factors: FactorPrecision = .float32
  ) -> Int {
    let columns = PassColumns(
      model: model, contextSize: contextSize, hookPoints: hookPoints, processing: processing)
    let plan = WeightPlan(model, for: hookPoints)
    let tokens = sequenceLimit * contextSize
    return 4 * tokens * columns.all
      + AttentionScratch.byteCount(model, contextSize: contextSize, factors: factors)
      + ProductScratch.byteCount(plan, rows: tokens, factors: factors)
      + (factors == .bfloat16 ? RoundedWeights.byteCount(plan) : 0)
  }

  // MARK: Running

  /// Runs tokens `[sequences, contextSize]` up to the last hook point.
  ///
  /// `tap` is called once for each hook point in the order of computation. Tokens must be below
  /// the vocabulary's size.
  package mutating func run(
    _ transformer: borrowing Transformer, tokens: Span<UInt32>, tap: Tap
  ) throws {
    try visit(transformer, tokens: tokens) { index, values, rows in
      try tap(index, values.span, rows)
      return .seen
    }
  }

  /// As `run`, with what `visit` writes in the place of the rows of hook points.
  ///
  /// It has an effect where the hook point `isReplaceable`.
  package mutating func visit(
    _ transformer: borrowing Transformer, tokens: Span<UInt32>, _ visit: Visitor
  ) throws {
    precondition(tokens.count % contextSize == 0, "tokens do not fill sequences")
    precondition(tokens.count <= sequenceLimit * contextSize, "more sequences than there is room")
    let layers = transformer.weights.plan.layers.count
    try embed(transformer.weights, tokens, visit)
    for layer in 0..<layers {
      try runBlock(transformer.weights, layer, tokens: tokens.count, visit)
    }
    // What enters a block is known without the block.
    try emit(.residualBefore, layers, residual, tokens: tokens.count, visit)
    try runEnd(transformer.weights, tokens: tokens.count, visit)
  }

  // MARK: Visits

  /// Whether anything after a place is asked for.
  func continues(after site: HookSite, _ layer: Int) -> Bool {
    HookPoint(site, layer: layer).precedes(last)
  }

  func wants(_ site: HookSite, _ layer: Int?) -> Bool {
    hookPoints.contains { $0.site == site && $0.layer == layer }
  }

  /// Lends the first `tokens` rows of a matrix, from `column` on, as they are shown.
  @discardableResult func emit(
    _ site: HookSite, _ layer: Int?, _ values: borrowing Matrix, tokens: Int, column: Int = 0,
    _ visit: Visitor
  ) throws -> Visited {
    guard wants(site, layer) else { return .seen }
    var result = Visited.seen
    let change = processing.change(at: site, in: model)
    if case .none = change {
      try forEach(site, layer) { index, columns in
        let visited = try lend(index, values, columns, column: column, tokens: tokens, visit)
        if visited == .replaced { result = .replaced }
      }
      return result
    }
    let width = site.rowWidth(in: model, layer: layer, contextSize: contextSize)
    show(values, tokens: tokens, column: column, width: width, change, layer)
    try forEach(site, layer) { index, columns in
      let visited = try lend(index, shown, columns, column: 0, tokens: tokens, visit)
      guard visited == .replaced else { return }
      result = .replaced
      takeBack(values, tokens: tokens, column: column, columns, width: width, change, layer)
    }
    return result
  }

  /// Calls `body` with the number and the columns of each hook point at a place.
  private func forEach(
    _ site: HookSite, _ layer: Int?, _ body: (Int, Range<Int>) throws -> Void
  ) rethrows {
    for (index, point) in hookPoints.enumerated() where point.site == site && point.layer == layer {
      try body(index, point.columns(in: model, contextSize: contextSize))
    }
  }

  private func lend(
    _ index: Int, _ values: borrowing Matrix, _ columns: Range<Int>, column: Int, tokens: Int,
    _ visit: Visitor
  ) throws -> Visited {
    let rows = TappedRows(count: tokens, width: columns.count, stride: values.columns)
    let first = column + columns.lowerBound
    let end = (tokens - 1) * rows.stride + first + rows.width
    return try values.disjoint.withSlice(first..<end) { try visit(index, &$0, rows) }
  }
}
