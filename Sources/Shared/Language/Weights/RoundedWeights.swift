// The weights of a pass's projections in bfloat16, in panels as products take them. Comes in: a plan.
// Leaves: the right factors of products. They take half the memory of float32, but memory of the
// process: what their files have is read once.

/// Owns the projections of a pass in bfloat16, or none.
struct RoundedWeights: ~Copyable, Sendable {
  /// The first element of each projection.
  private let places: [[Projection.Stretch]: Int]
  private var values: AlignedBuffer<UInt16>

  /// Elements of weights that a thread widens at once while they are rounded.
  private static let elementsAtOnce = 1 << 20

  /// Owns nothing.
  init() {
    places = [:]
    values = AlignedBuffer(count: 0)
  }

  /// Memory for the projections of a plan.
  init(_ plan: WeightPlan) {
    var (places, count) = ([[Projection.Stretch]: Int](), 0)
    for projection in plan.projections where places[projection.stretches] == nil {
      places[projection.stretches] = count
      count += projection.roundedCount
    }
    self.places = places
    values = AlignedBuffer(count: count)
  }

  /// Bytes of the projections of a plan.
  static func byteCount(_ plan: WeightPlan) -> Int {
    let counts = plan.projections.map { ($0.stretches, $0.roundedCount) }
    let projections = Dictionary(counts) { first, _ in first }
    return 2 * projections.values.reduce(0, +)
  }

  /// Outputs that a thread rounds at once, in whole panels.
  static func outputsAtOnce(inputs: Int) -> Int {
    let panels = elementsAtOnce / (inputs * RoundedProduct.panelColumns)
    return max(1, min(8, panels)) * RoundedProduct.panelColumns
  }

  private func range(_ projection: Projection) -> Range<Int> {
    guard let place = places[projection.stretches] else {
      preconditionFailure("a projection that was not planned")
    }
    return place..<place + projection.roundedCount
  }

  /// Lends the weights of a projection.
  @_lifetime(borrow self)
  func columns(_ projection: Projection) -> RoundedColumns {
    RoundedColumns(
      values.span.extracting(range(projection)), inner: projection.inputs,
      columns: projection.outputs)
  }

  /// Lends the memory of a projection for writing.
  @_lifetime(&self)
  mutating func target(_ projection: Projection) -> MutableSpan<UInt16> {
    let range = range(projection)
    return values.writer.slice(range)
  }
}

extension Projection {
  /// Elements of its panels.
  fileprivate var roundedCount: Int { RoundedProduct.columnCount(outputs, inner: inputs) }
}

extension RoundedColumns {
  /// target ← the panels of some inputs alone.
  func copy(inputs: Range<Int>, into target: inout MutableSpan<UInt16>) {
    let (size, count) = (RoundedProduct.panelColumns, RoundedProduct.width(inputs.count))
    let width = RoundedProduct.width(inner)
    for panel in 0..<RoundedProduct.padded(columns) / size {
      for place in 0..<count {
        for column in 0..<size {
          let input = inputs.lowerBound + place
          let source = panel * size * width + (input / 2 * size + column) * 2 + input % 2
          target[panel * size * count + (place / 2 * size + column) * 2 + place % 2] =
            input < inputs.upperBound ? values[source] : 0
        }
      }
    }
  }
}
