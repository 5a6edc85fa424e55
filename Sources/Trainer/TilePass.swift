// What one task of the encoder does: for its rows tile by tile, a product, biases, and the latents that
// may be active. A tile of products is still in cache when it is looked through.

import Shared
import Synchronization

/// Set by any thread, never unset.
final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}

/// What tasks write, each its own part.
struct TileMemory: ~Escapable, Sendable {
  /// Products `[rows, tileWidth]`.
  let tiles: Disjoint<Float>
  let tileWidth: Int
  /// A row of magnitudes for each task (abstopk).
  let magnitudes: Disjoint<Float>
  /// See `Candidates`.
  let counts: Disjoint<Int32>
  let thresholds: Disjoint<Float>
  /// Counted numbers of each task (batchtopk).
  let histogram: Disjoint<Int32>
  let latents: Disjoint<Int32>
  let values: Disjoint<Float>

  @_lifetime(
    copy tiles, copy magnitudes, copy counts, copy thresholds, copy histogram, copy latents,
    copy values)
  init(
    tiles: Disjoint<Float>, tileWidth: Int, magnitudes: Disjoint<Float>,
    counts: Disjoint<Int32>, thresholds: Disjoint<Float>, histogram: Disjoint<Int32>,
    latents: Disjoint<Int32>, values: Disjoint<Float>
  ) {
    self.tiles = tiles
    self.tileWidth = tileWidth
    self.magnitudes = magnitudes
    self.counts = counts
    self.thresholds = thresholds
    self.histogram = histogram
    self.latents = latents
    self.values = values
  }
}

/// What one task does for its rows.
struct TilePass: ~Escapable, Sendable {
  /// What is done with the numbers of a tile.
  enum Scan: Sendable {
    case collect(above: Float)
    case count
  }

  let configuration: SAEConfiguration
  let topK: TopK
  /// Candidates per row that there is room for.
  let room: Int
  let purpose: EncodingPurpose
  let scan: Scan
  let centred: Span<Float>
  let encoder: Span<Float>
  let biases: Span<Float>
  let norms: Span<Float>
  let limits: Span<Float>

  @_lifetime(copy centred, copy encoder, copy biases, copy norms, copy limits)
  init(
    configuration: SAEConfiguration, topK: TopK, room: Int, purpose: EncodingPurpose,
    scan: Scan, centred: Span<Float>, encoder: Span<Float>, biases: Span<Float>,
    norms: Span<Float>, limits: Span<Float>
  ) {
    self.configuration = configuration
    self.topK = topK
    self.room = room
    self.purpose = purpose
    self.scan = scan
    self.centred = centred
    self.encoder = encoder
    self.biases = biases
    self.norms = norms
    self.limits = limits
  }

  /// Rows of a task, and the tiles and candidates so far.
  private struct Progress {
    let rows: Range<Int>
    var tile = 0
    /// Entries in the room that the rows share.
    var entries = 0
  }

  func run(_ rows: Range<Int>, _ memory: borrowing TileMemory, _ overflow: Flag) {
    let dIn = configuration.dIn
    let width = memory.tileWidth
    let inputs = centred.extracting(rows.lowerBound * dIn..<rows.upperBound * dIn)
    let isPerRow = configuration.candidateLayout == .perRow
    if isPerRow {
      for row in rows {
        memory.counts.set(row, 0)
        memory.thresholds.set(row, -.infinity)
      }
    }
    var task = Progress(rows: rows)
    for first in stride(from: 0, to: configuration.dSae, by: width) {
      let latents = first..<min(first + width, configuration.dSae)
      if overflow.isSet { return }
      memory.tiles.withSlice(rows.lowerBound * width..<rows.upperBound * width) { tile in
        Multiply.product(
          rows: rows.count, columns: latents.count, inner: dIn, inputs, .plain,
          encoder.extracting(latents.lowerBound * dIn..<latents.upperBound * dIn),
          .transposed, into: &tile, cStride: width, threads: .none)
      }
      for row in rows {
        memory.tiles.withSlice(row * width..<row * width + latents.count) { numbers in
          activate(&numbers, latents, row: row)
          if !take(numbers.span, latents, row: row, &task, memory) { overflow.set() }
        }
        if overflow.isSet { return }
      }
      task.tile += 1
    }
    if isPerRow { for row in rows { finish(row, memory) } }
  }

  /// Adds biases and noise and, where latents are compared by them, multiplies by the decoder's
  /// norms.
  private func activate(
    _ numbers: inout MutableSpan<Float>, _ latents: Range<Int>, row: Int
  ) {
    let bias = biases.extracting(latents)
    precondition(bias.count == numbers.count, "shapes differ")
    addNoise(&numbers, latents, row: row)
    if configuration.normalizesDecoder {
      let norm = norms.extracting(latents)
      for index in 0..<numbers.count {
        numbers[index] = (numbers[index] + bias[index]) * norm[index]
      }
    } else {
      for index in 0..<numbers.count { numbers[index] += bias[index] }
    }
  }

  private func addNoise(
    _ numbers: inout MutableSpan<Float>, _ latents: Range<Int>, row: Int
  ) {
    guard configuration.noiseScale > 0, case .training(let step, let firstRow) = purpose else {
      return
    }
    let random = Random(seed: configuration.seed, stream: "noise", index: step)
    let start = (firstRow + row) * configuration.dSae + latents.lowerBound
    for index in 0..<numbers.count {
      numbers[index] += Float(configuration.noiseScale * random.normal(start + index))
    }
  }

  /// Keeps what may be active of a row's numbers; false where it does not fit.
  private func take(
    _ numbers: Span<Float>, _ latents: Range<Int>, row: Int, _ task: inout Progress,
    _ memory: borrowing TileMemory
  ) -> Bool {
    let first = latents.lowerBound
    switch configuration.selection {
    case .topk:
      withRow(row, memory) { topK.scan(numbers, firstLatent: first, &$0, &$1, &$2) }
      return true
    case .absTopK:
      let start = task.rows.lowerBound / Encoder.rowBlock * memory.tileWidth
      memory.magnitudes.withSlice(start..<start + numbers.count) { magnitudes in
        withRow(row, memory) { row, indices, values in
          topK.scanMagnitudes(numbers, &magnitudes, firstLatent: first, &row, &indices, &values)
        }
      }
      return true
    case .relu, .gate, .batchTopK:
      guard case .collect(let limit) = scan else {
        count(numbers, task: task.rows.lowerBound / Encoder.rowBlock, memory)
        return true
      }
      return withShared(row, &task, memory) { count, indices, values in
        ReLU.scan(
          numbers, above: limit, firstLatent: first, count: &count, &indices, &values)
      }
    case .jumpReLU:
      return withShared(row, &task, memory) { count, indices, values in
        JumpReLU.scan(
          numbers, above: limits.extracting(latents), firstLatent: first, count: &count, &indices,
          &values)
      }
    case .pursuit: preconditionFailure("has a pass of its own")
    }
  }

  /// Lends a row its own candidates.
  private func withRow(
    _ row: Int, _ memory: borrowing TileMemory,
    _ body: (inout TopK.Row, inout MutableSpan<Int32>, inout MutableSpan<Float>) -> Void
  ) {
    let place = row * room..<(row + 1) * room
    memory.latents.withSlice(place) { latents in
      memory.values.withSlice(place) { values in
        memory.counts.withSlice(row..<row + 1) { counts in
          memory.thresholds.withSlice(row..<row + 1) { thresholds in
            var state = TopK.Row(count: Int(counts[0]), threshold: thresholds[0])
            body(&state, &latents, &values)
            counts[0] = Int32(state.count)
            thresholds[0] = state.threshold
          }
        }
      }
    }
  }

  /// Lends a row the room that it shares, and notes what it adds.
  private func withShared(
    _ row: Int, _ task: inout Progress, _ memory: borrowing TileMemory,
    _ scan: (inout Int, inout MutableSpan<Int32>, inout MutableSpan<Float>) -> Bool
  ) -> Bool {
    let place = task.rows.lowerBound * room..<task.rows.upperBound * room
    let before = task.entries
    let fits = memory.latents.withSlice(place) { latents in
      memory.values.withSlice(place) { values in scan(&task.entries, &latents, &values) }
    }
    let tiles = Encoder.tileCount(configuration)
    memory.counts.set(row * tiles + task.tile, Int32(task.entries - before))
    return fits
  }

  private func count(_ numbers: Span<Float>, task: Int, _ memory: borrowing TileMemory) {
    memory.histogram.withSlice(task * BatchTopK.bins..<(task + 1) * BatchTopK.bins) { bins in
      for index in numbers.indices where numbers[index] > 0 {
        bins[BatchTopK.bin(numbers[index])] += 1
      }
    }
  }

  private func finish(_ row: Int, _ memory: borrowing TileMemory) {
    withRow(row, memory) { topK.finish(&$0, &$1, &$2) }
  }
}
