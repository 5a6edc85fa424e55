// The rows of an activation shard in the making. Comes in: rows as Float with the places that the
// permutation gives them. Leaves: the shard's bytes, in the storage type, with statistics.

import Synchronization

/// Owns the rows of one shard until they are written.
package struct ActivationShardBuilder: ~Copyable {
  package let rows: Int
  package let dIn: Int
  package let type: TensorType
  private let tokenType: TensorType
  private let positionType: TensorType
  // Of these buffers those that `type` does not need are empty.
  private var floats: AlignedBuffer<Float>
  private var halves: AlignedBuffer<UInt16>
  private var bytes: AlignedBuffer<Int8>
  private var scales: AlignedBuffer<Float>
  private var tokens: AlignedBuffer<UInt32>
  private var sequences: AlignedBuffer<UInt32>
  private var positions: AlignedBuffer<UInt32>

  /// Rows per block of the statistics; part of the format, as sums depend on their order.
  private static let statisticsRows = 256
  /// Rows that a thread puts at a time.
  private static let putRows = 64

  /// The destination of a row that is left out.
  package static let nowhere = UInt32.max
  /// The most rows that have places besides `nowhere`.
  package static let rowLimit = Int(nowhere)

  /// Makes room for `rows` rows of `dIn` columns.
  ///
  /// `type` is F32, F16, BF16 or I8; the vocabulary and the context decide how wide tokens and
  /// positions are stored.
  package init(rows: Int, dIn: Int, type: TensorType, vocabularySize: Int, contextSize: Int) {
    precondition(
      type == .float32 || type == .float16 || type == .bfloat16 || type == .int8,
      "activations are stored in F32, F16, BF16 or I8")
    self.rows = rows
    self.dIn = dIn
    self.type = type
    tokenType = .unsigned(below: vocabularySize)
    positionType = .unsigned(below: contextSize)
    floats = AlignedBuffer(count: type == .float32 ? rows * dIn : 0)
    halves = AlignedBuffer(count: type == .float16 || type == .bfloat16 ? rows * dIn : 0)
    bytes = AlignedBuffer(count: type == .int8 ? rows * dIn : 0)
    scales = AlignedBuffer(count: type == .int8 ? rows : 0)
    tokens = AlignedBuffer(count: rows)
    sequences = AlignedBuffer(count: rows)
    positions = AlignedBuffer(count: rows)
  }

  /// Bytes of a shard, but for the rounding of its header to 4,096 bytes.
  package static func byteCount(
    rows: Int, dIn: Int, type: TensorType, vocabularySize: Int, contextSize: Int
  ) -> Int {
    let origin =
      TensorType.unsigned(below: vocabularySize).byteCount
      + TensorType.unsigned(below: contextSize).byteCount + 4
    // Two sums of at most 24 digits per column, and the rest.
    return rows * (type.rowByteCount(dIn) + origin) + 50 * dIn + 8192
  }

  /// Puts rows at the places `destinations` `[n]`, no two of which may be equal.
  ///
  /// Row i of `values` begins at i · `stride` and has `dIn` elements; without a stride the rows
  /// follow one another. A row whose destination is `nowhere` is left out. In I8 a row that holds
  /// NaN or an infinity becomes NaN throughout.
  package mutating func put(
    _ values: Span<Float>, stride: Int? = nil, at destinations: Span<UInt32>,
    tokens: Span<UInt32>, sequences: Span<UInt32>, positions: Span<UInt32>
  ) {
    let (count, width, type) = (destinations.count, dIn, type)
    let stride = stride ?? width
    precondition(stride >= width, "rows overlap")
    precondition(
      count == 0 || values.count >= (count - 1) * stride + width,
      "values and destinations differ in size")
    let (floats, halves) = (self.floats.disjoint, self.halves.disjoint)
    let (bytes, scales) = (self.bytes.disjoint, self.scales.disjoint)
    let tokenPlaces = self.tokens.disjoint
    let sequencePlaces = self.sequences.disjoint
    let positionPlaces = self.positions.disjoint
    Parallel.forBlocks(count, blockSize: Self.putRows) { block in
      for index in block where destinations[index] != Self.nowhere {
        let place = Int(destinations[index])
        tokenPlaces.set(place, tokens[index])
        sequencePlaces.set(place, sequences[index])
        positionPlaces.set(place, positions[index])
        let row = values.extracting(index * stride..<index * stride + width)
        let target = place * width..<(place + 1) * width
        switch type {
        case .float16: halves.withSlice(target) { Precision.narrow(row, toFloat16: &$0) }
        case .bfloat16: halves.withSlice(target) { Precision.narrow(row, toBFloat16: &$0) }
        case .int8:
          scales.set(place, bytes.withSlice(target) { Precision.narrow(row, toInt8: &$0) })
        default: floats.withSlice(target) { Kernels.copy(row, to: &$0) }
        }
      }
    }
  }

  /// The sums over the rows as they are stored.
  package func statistics() -> ActivationStatistics {
    let (size, rows, width) = (Self.statisticsRows, rows, dIn)
    let blocks = (rows + size - 1) / size
    var total = ActivationStatistics(dIn: width)
    // Some blocks at a time: the sums of all could take a great deal of memory.
    for start in stride(from: 0, to: blocks, by: Self.partialLimit) {
      let count = min(Self.partialLimit, blocks - start)
      let partials = Mutex([ActivationStatistics?](repeating: nil, count: count))
      Parallel.forEach(count) { index in
        let first = (start + index) * size
        let partial = statistics(first..<min(first + size, rows))
        partials.withLock { $0[index] = partial }
      }
      for partial in partials.withLock({ $0 }) {
        if let partial { total.add(partial) }
      }
    }
    return total
  }

  /// Blocks whose sums are held at once.
  private static let partialLimit = 256

  private func statistics(_ block: Range<Int>) -> ActivationStatistics {
    var sums = ActivationStatistics(dIn: dIn)
    var row = AlignedBuffer<Float>(count: type == .float32 ? 0 : dIn)
    for index in block {
      let place = index * dIn..<(index + 1) * dIn
      var target = row.mutableSpan
      switch type {
      case .float16:
        Precision.widen(float16: halves.span.extracting(place).raw, into: &target)
      case .bfloat16:
        Precision.widen(bfloat16: halves.span.extracting(place).raw, into: &target)
      case .int8:
        Precision.widen(
          int8: bytes.span.extracting(place).raw, scale: scales.span[index], into: &target)
      default:
        sums.add(floats.span.extracting(place))
        continue
      }
      sums.add(row.span)
    }
    return sums
  }

  /// Writes the shard; `metadata` is noted in its header beside the rows and their statistics,
  /// which are returned.
  @discardableResult
  package func write(
    metadata: [String: String] = [:], to file: inout AtomicFile
  ) throws(SystemError) -> ActivationStatistics {
    let statistics = statistics()
    var noted = metadata.merging(statistics.metadata) { $1 }
    noted[ShardKey.format] = ActivationShard.format
    noted[ShardKey.rows] = String(rows)
    var writer = SafetensorsWriter(metadata: noted)
    // The wider numbers first, so that all are aligned to their size where rows are even.
    writer.declare("activations", type, shape: [rows, dIn])
    if type == .int8 { writer.declare("scales", .float32, shape: [rows]) }
    writer.declare("sequence", .uint32, shape: [rows])
    writer.declare("tokens", tokenType, shape: [rows])
    writer.declare("position", positionType, shape: [rows])
    try writer.writeHeader(to: &file)
    // Empty but for the type of the rows.
    try file.write(floats.span.raw)
    try file.write(halves.span.raw)
    try file.write(bytes.span.raw)
    try file.write(scales.span.raw)
    try file.write(sequences.span.raw)
    try file.write(encoded([UInt32](copying: tokens.span), tokenType).span.raw)
    try file.write(encoded([UInt32](copying: positions.span), positionType).span.raw)
    return statistics
  }
}
