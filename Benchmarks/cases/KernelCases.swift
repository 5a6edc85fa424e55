// The kernels that take the time of a pass or a step. Comes in: sizes. Leaves: calls on drawn numbers.

import Shared
import Trainer

/// A product `[rows, inner]` · `[inner, columns]`, with either factor as it lies in memory.
final class ProductCase: Case {
  /// What multiplies.
  enum Way {
    case openBLAS
    /// Our own, in one order of summation.
    case chains
  }

  private let way: Way
  private let shape: (rows: Int, columns: Int, inner: Int)
  private let layouts: (a: Layout, b: Layout)
  private let a: [Float]
  private let b: [Float]
  private var c: Matrix

  init(_ way: Way, rows: Int, columns: Int, inner: Int, _ a: Layout, _ b: Layout) {
    self.way = way
    shape = (rows, columns, inner)
    layouts = (a, b)
    self.a = drawn(rows * inner, seed: 1)
    self.b = drawn(inner * columns, seed: 2)
    c = Matrix(rows: rows, columns: columns)
  }

  func run() { multiply(into: &c) }

  private func multiply(into c: inout Matrix) {
    let (a, b) = (a, b)
    var target = c.mutableSpan
    switch way {
    case .openBLAS:
      Multiply.product(
        rows: shape.rows, columns: shape.columns, inner: shape.inner, a.span, layouts.a, b.span,
        layouts.b, into: &target)
    case .chains:
      ChainProduct.product(
        rows: shape.rows, columns: shape.columns, inner: shape.inner, a.span, layouts.a, b.span,
        layouts.b, into: &target)
    }
  }

  var operations: Double { 2 * Double(shape.rows) * Double(shape.columns) * Double(shape.inner) }
}

/// A kernel on rows of one vector.
final class VectorCase: Case {
  private let source: [Float]
  private var target: [Float]
  private let rowCount: Int
  private let passes: Double
  private let kernel: (_ row: Span<Float>, _ target: inout MutableSpan<Float>) -> Void

  /// `passes` says how often the kernel goes through the memory of a row.
  init(
    _ sizes: Sizes, width: Int = 1024, passes: Double,
    _ kernel: @escaping (_ row: Span<Float>, _ target: inout MutableSpan<Float>) -> Void
  ) {
    source = drawn(sizes.elements, seed: 3)
    target = drawn(sizes.elements, seed: 4)
    rowCount = sizes.elements / width
    self.passes = passes
    self.kernel = kernel
  }

  func run() { run(into: &target) }

  private func run(into target: inout [Float]) {
    let source = source
    let width = source.count / rowCount
    for row in 0..<rowCount {
      let range = row * width..<(row + 1) * width
      var all = target.mutableSpan
      all.withSlice(range) { kernel(source.span.extracting(range), &$0) }
    }
  }

  var byteCount: Double { passes * Double(4 * source.count) }
}

/// Clipping and Adam over the parameters of an SAE.
final class AdamCase: Case {
  private let optimizer = Optimizer(beta1: 0.9, beta2: 0.999)
  private var state: TrainingState
  private var gradient: Parameters

  init(_ sizes: Sizes) {
    let shape = ParameterShape(dIn: sizes.dIn, dOut: sizes.dIn, dSae: sizes.dSae)
    state = TrainingState(shape)
    gradient = .initial(shape, InitialDraw())
  }

  func run() {
    state.step += 1
    let factor = optimizer.clippingFactor(norm: optimizer.norm(gradient))
    optimizer.update(
      &state, gradient, factor: factor, step: state.step, learningRate: 1e-12)
  }

  /// The gradient twice; parameters and both moments read and written.
  var byteCount: Double { 8 * 4 * Double(gradient.shape.count) }
}

/// Rows into a shard in an order of their own, its statistics and its hash.
final class ShardCase: Case {
  private let rows: Int
  private let dIn: Int
  private let type: TensorType
  private let values: [Float]
  private let places: [UInt32]
  private let numbers: [UInt32]

  init(_ type: TensorType, _ sizes: Sizes) {
    self.type = type
    rows = sizes.elements / sizes.dIn
    dIn = sizes.dIn
    values = drawn(rows * dIn, seed: 5)
    places = Random(seed: 1, stream: "places").permutation(rows)
    numbers = (0..<UInt32(rows)).map { $0 % 128 }
  }

  func run() {
    let (values, places, numbers) = (values, places, numbers)
    var builder = ActivationShardBuilder(
      rows: rows, dIn: dIn, type: type, vocabularySize: 128, contextSize: 128)
    builder.put(
      values.span, at: places.span, tokens: numbers.span, sequences: numbers.span,
      positions: numbers.span)
    _ = builder.statistics()
    var digest = Digest()
    digest.update(values.span.raw.extracting(0..<rows * type.rowByteCount(dIn)))
    _ = digest.finish()
  }

  var byteCount: Double { Double(rows * (4 * dIn + 2 * type.rowByteCount(dIn))) }
  var items: (count: Double, name: String) { (Double(rows), "rows") }
}
