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
  /// A tile of products for each thread.
  let tiles: Disjoint<Float>
  /// A row of magnitudes for each thread (abstopk).
  let magnitudes: Disjoint<Float>
  /// See `Candidates`.
  let counts: Disjoint<Int32>
  let thresholds: Disjoint<Float>
  /// Numbers that each thread counted (batchtopk).
  let histogram: Disjoint<Int32>
  let latents: Disjoint<Int32>
  let values: Disjoint<Float>

  @_lifetime(
    copy tiles, copy magnitudes, copy counts, copy thresholds, copy histogram, copy latents,
    copy values)
  init(
    tiles: Disjoint<Float>, magnitudes: Disjoint<Float>, counts: Disjoint<Int32>,
    thresholds: Disjoint<Float>, histogram: Disjoint<Int32>,
    latents: Disjoint<Int32>, values: Disjoint<Float>
  ) {
    self.tiles = tiles
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
  let grid: EncoderGrid
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
    configuration: SAEConfiguration, grid: EncoderGrid, topK: TopK, room: Int,
    purpose: EncodingPurpose,
    scan: Scan, centred: Span<Float>, encoder: Span<Float>, biases: Span<Float>,
    norms: Span<Float>, limits: Span<Float>
  ) {
    self.configuration = configuration
    self.grid = grid
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

  /// A task at work.
  private struct Work {
    /// Which of the threads does it.
    let thread: Int
    /// Where the entries of rows that share their room go.
    let region: Range<Int>
    var tile = 0
    /// Entries in the region.
    var entries = 0
  }

  func run(
    _ task: EncoderGrid.Task, thread: Int, _ memory: borrowing TileMemory, _ overflow: Flag
  ) {
    let (dIn, width) = (configuration.dIn, grid.tileWidth)
    let rows = task.rows
    let inputs = centred.extracting(rows.lowerBound * dIn..<rows.upperBound * dIn)
    let place = thread * grid.rowsPerTask * width
    if grid.layout == .perRow {
      for row in rows {
        memory.counts.set(row, 0)
        memory.thresholds.set(row, -.infinity)
      }
    }
    var work = Work(thread: thread, region: grid.region(task, room: room))
    for tile in task.tiles {
      let latents = grid.latents(tile)
      work.tile = tile
      memory.tiles.withSlice(place..<place + rows.count * width) { products in
        Multiply.product(
          rows: rows.count, columns: latents.count, inner: dIn, inputs, .plain,
          encoder.extracting(latents.lowerBound * dIn..<latents.upperBound * dIn),
          .transposed, into: &products, cStride: width, threads: .none)
      }
      for (index, row) in rows.enumerated() {
        let start = place + index * width
        memory.tiles.withSlice(start..<start + latents.count) { numbers in
          activate(&numbers, latents, row: row)
          if !take(numbers.span, latents, row: row, &work, memory) { overflow.set() }
        }
        if overflow.isSet { return }
      }
    }
    if grid.layout == .perRow { for row in rows { finish(row, memory) } }
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
    _ numbers: Span<Float>, _ latents: Range<Int>, row: Int, _ work: inout Work,
    _ memory: borrowing TileMemory
  ) -> Bool {
    let first = latents.lowerBound
    switch configuration.selection {
    case .topk:
      withRow(row, memory) { topK.scan(numbers, firstLatent: first, &$0, &$1, &$2) }
      return true
    case .absTopK:
      let start = work.thread * grid.tileWidth
      memory.magnitudes.withSlice(start..<start + numbers.count) { magnitudes in
        withRow(row, memory) { row, indices, values in
          topK.scanMagnitudes(numbers, &magnitudes, firstLatent: first, &row, &indices, &values)
        }
      }
      return true
    case .relu, .gate, .batchTopK:
      guard case .collect(let limit) = scan else {
        count(numbers, thread: work.thread, memory)
        return true
      }
      return withShared(row, &work, memory) { count, indices, values in
        ReLU.scan(
          numbers, above: limit, firstLatent: first, count: &count, &indices, &values)
      }
    case .jumpReLU:
      return withShared(row, &work, memory) { count, indices, values in
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
    _ row: Int, _ work: inout Work, _ memory: borrowing TileMemory,
    _ scan: (inout Int, inout MutableSpan<Int32>, inout MutableSpan<Float>) -> Bool
  ) -> Bool {
    let before = work.entries
    let fits = memory.latents.withSlice(work.region) { latents in
      memory.values.withSlice(work.region) { values in scan(&work.entries, &latents, &values) }
    }
    memory.counts.set(row * grid.tileCount + work.tile, Int32(work.entries - before))
    return fits
  }

  private func count(_ numbers: Span<Float>, thread: Int, _ memory: borrowing TileMemory) {
    memory.histogram.withSlice(thread * BatchTopK.bins..<(thread + 1) * BatchTopK.bins) { bins in
      for index in numbers.indices where numbers[index] > 0 {
        bins[BatchTopK.bin(numbers[index])] += 1
      }
    }
  }

  private func finish(_ row: Int, _ memory: borrowing TileMemory) {
    withRow(row, memory) { topK.finish(&$0, &$1, &$2) }
  }
}
