// The rows of an activation shard in the making. Comes in: rows as Float with the places that the
// permutation gives them. Leaves: the shard's bytes, in the storage type, with statistics.

/// Owns the rows of one shard until they are written.
package struct ActivationShardBuilder: ~Copyable {
  package let rows: Int
  package let dIn: Int
  package let type: TensorType
  private let tokenType: TensorType
  private let positionType: TensorType
  // Of the two buffers the one that `type` does not need is empty.
  private var floats: AlignedBuffer<Float>
  private var halves: AlignedBuffer<UInt16>
  private var tokens: [UInt32]
  private var sequences: [UInt32]
  private var positions: [UInt32]

  /// Rows per block of the parallel loops.
  private static let blockRows = 256

  /// Makes room for `rows` rows of `dIn` columns.
  ///
  /// `type` is F32, F16 or BF16; the vocabulary and the context decide how wide tokens and
  /// positions are stored.
  package init(rows: Int, dIn: Int, type: TensorType, vocabularySize: Int, contextSize: Int) {
    precondition(
      type == .float32 || type == .float16 || type == .bfloat16,
      "activations are stored in F32, F16 or BF16")
    self.rows = rows
    self.dIn = dIn
    self.type = type
    tokenType = .unsigned(below: vocabularySize)
    positionType = .unsigned(below: contextSize)
    floats = AlignedBuffer(count: type == .float32 ? rows * dIn : 0)
    halves = AlignedBuffer(count: type == .float32 ? 0 : rows * dIn)
    tokens = [UInt32](repeating: 0, count: rows)
    sequences = tokens
    positions = tokens
  }

  /// Puts rows `[n, dIn]` at the places `destinations` `[n]`, no two of which may be equal.
  package mutating func put(
    _ values: Span<Float>, at destinations: Span<UInt32>, tokens: Span<UInt32>,
    sequences: Span<UInt32>, positions: Span<UInt32>
  ) {
    let count = destinations.count
    precondition(values.count == count * dIn, "values and destinations differ in size")
    for index in 0..<count {
      let place = Int(destinations[index])
      self.tokens[place] = tokens[index]
      self.sequences[place] = sequences[index]
      self.positions[place] = positions[index]
      let row = values.extracting(index * dIn..<(index + 1) * dIn)
      store(row, at: place * dIn)
    }
  }

  private mutating func store(_ row: Span<Float>, at start: Int) {
    let place = start..<start + row.count
    if type == .float32 {
      var all = floats.mutableSpan
      all.withDisjoint { all in
        all.withSlice(place) { target in
          for column in 0..<row.count { target[column] = row[column] }
        }
      }
    } else {
      let type = type
      var all = halves.mutableSpan
      all.withDisjoint { all in all.withSlice(place) { type.narrow(row, into: &$0) } }
    }
  }

  /// The sums over the rows as they are stored.
  package func statistics() -> ActivationStatistics {
    var total = ActivationStatistics(dIn: dIn)
    var block = AlignedBuffer<Float>(count: min(rows, Self.blockRows) * dIn)
    for start in stride(from: 0, to: rows, by: Self.blockRows) {
      let count = min(Self.blockRows, rows - start) * dIn
      var partial = ActivationStatistics(dIn: dIn)
      if type == .float32 {
        partial.add(floats.span.extracting(start * dIn..<start * dIn + count))
      } else {
        let source = halves.span.extracting(start * dIn..<start * dIn + count).raw
        var all = block.mutableSpan
        all.withDisjoint { all in all.withSlice(0..<count) { type.widen(source, into: &$0) } }
        partial.add(block.span.extracting(0..<count))
      }
      total.add(partial)
    }
    return total
  }

  /// Writes the shard; `metadata` is noted in its header beside the rows and their statistics.
  package func write(
    metadata: [String: String] = [:], to file: inout AtomicFile
  ) throws(SystemError) {
    var noted = metadata.merging(statistics().metadata) { $1 }
    noted[ShardKey.format] = ActivationShard.format
    noted[ShardKey.rows] = String(rows)
    var writer = SafetensorsWriter(metadata: noted)
    // The wider numbers first, so that all are aligned to their size where rows are even.
    writer.declare("activations", type, shape: [rows, dIn])
    writer.declare("sequence", .uint32, shape: [rows])
    writer.declare("tokens", tokenType, shape: [rows])
    writer.declare("position", positionType, shape: [rows])
    try writer.writeHeader(to: &file)
    try file.write(type == .float32 ? floats.span.raw : halves.span.raw)
    try file.write(sequences.span.raw)
    try file.write(encoded(tokens, tokenType).span.raw)
    try file.write(encoded(positions, positionType).span.raw)
  }
}

extension TensorType {
  fileprivate func narrow(_ row: Span<Float>, into target: inout MutableSpan<UInt16>) {
    if self == .float16 {
      Precision.narrow(row, toFloat16: &target)
    } else {
      Precision.narrow(row, toBFloat16: &target)
    }
  }

  fileprivate func widen(_ source: RawSpan, into target: inout MutableSpan<Float>) {
    if self == .float16 {
      Precision.widen(float16: source, into: &target)
    } else {
      Precision.widen(bfloat16: source, into: &target)
    }
  }
}
