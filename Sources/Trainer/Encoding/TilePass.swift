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

/// What is encoded, and by which weights.
struct EncodingInput: ~Escapable, Sendable {
  /// Rows `[B, d]`, normalized and without b_dec.
  let centered: Span<Float>
  /// `[D, d]`.
  let encoder: Span<Float>
  let biases: Span<Float>
  /// ‖W_j‖.
  let norms: Span<Float>
  let thresholds: Span<Float>

  @_lifetime(copy centered, copy parameters, borrow norms)
  init(
    centered: Span<Float>, _ parameters: borrowing ParameterReader, _ norms: borrowing LatentNorms
  ) {
    self.centered = centered
    encoder = parameters.encoder
    biases = parameters.encoderBias
    thresholds = parameters.threshold
    self.norms = norms.values.span
  }

  @_lifetime(copy other, copy centered)
  private init(_ other: borrowing EncodingInput, centered: Span<Float>) {
    self.centered = centered
    encoder = other.encoder
    biases = other.biases
    thresholds = other.thresholds
    norms = other.norms
  }

  /// The same of some of the rows.
  @_lifetime(copy self)
  func rows(_ rows: Range<Int>, width: Int) -> EncodingInput {
    EncodingInput(
      self, centered: centered.extracting(rows.lowerBound * width..<rows.upperBound * width))
  }
}

/// What is done with the numbers of a tile.
enum TileScan: Sendable {
  case collect(above: Float)
  case count
}

/// What tasks write, each its own part.
struct TileWriter: ~Escapable, Sendable {
  /// The threads that there is memory for.
  let threads: Int
  /// A tile of products for each thread.
  let tiles: Disjoint<Float>
  /// A row of a tile for each thread, as working memory.
  let scratch: Disjoint<Float>
  /// Numbers that each thread counted.
  let histogram: Disjoint<Int32>
  let candidates: CandidateWriter

  @_lifetime(&memory, &candidates)
  init(_ memory: inout TileMemory, _ candidates: inout Candidates) {
    threads = memory.threads
    tiles = memory.tiles.writer
    scratch = memory.scratch.writer
    histogram = memory.histogram.writer
    self.candidates = candidates.writer
  }
}

/// The memory that threads work in.
struct TileMemory: ~Copyable {
  let threads: Int
  var tiles: Matrix
  var scratch: Matrix
  var histogram: AlignedBuffer<Int32>

  init(_ configuration: SAEConfiguration, _ grid: EncoderGrid) {
    threads = Parallel.threadCount
    var (scratchRows, bins) = (0, 0)
    switch configuration.selection {
    case .rows: scratchRows = threads
    case .batch: bins = threads * LargestOfBatch.bins
    case .above, .search: break
    }
    tiles = Matrix(rows: threads * grid.rowsPerTask, columns: grid.tileWidth)
    scratch = Matrix(rows: scratchRows, columns: grid.tileWidth)
    histogram = AlignedBuffer(count: bins)
  }
}

/// What one task does for its rows.
struct TilePass: ~Escapable, Sendable {
  private let configuration: SAEConfiguration
  private let grid: EncoderGrid
  /// Candidates per row that there is room for.
  private let room: Int
  private let scan: TileScan
  private let noise: PreActivationNoise
  private let input: EncodingInput
  /// What each latent must exceed; empty where the limit is one for all.
  private let limits: Span<Float>
  private let memory: TileWriter
  private let overflow: Flag

  @_lifetime(copy input, copy limits, copy memory)
  init(
    _ configuration: SAEConfiguration, _ grid: EncoderGrid, room: Int, scan: TileScan,
    noise: PreActivationNoise, overflow: Flag, _ input: borrowing EncodingInput,
    limits: Span<Float>, _ memory: borrowing TileWriter
  ) {
    self.configuration = configuration
    self.grid = grid
    self.room = room
    self.scan = scan
    self.noise = noise
    self.overflow = overflow
    self.input = copy input
    self.limits = limits
    self.memory = copy memory
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

  func run(rows: Int) {
    Parallel.forEach(grid.taskCount(rows: rows), atMost: memory.threads) { index, thread in
      run(grid.task(index, rows: rows), thread: thread)
    }
  }

  private func run(_ task: EncoderGrid.Task, thread: Int) {
    let (dIn, width) = (configuration.dIn, grid.tileWidth)
    let rows = task.rows
    let inputs = input.centered.extracting(rows.lowerBound * dIn..<rows.upperBound * dIn)
    let place = thread * grid.rowsPerTask * width
    if grid.layout == .perRow {
      for row in rows {
        memory.candidates.counts.set(row, 0)
        memory.candidates.thresholds.set(row, -.infinity)
      }
    }
    var work = Work(thread: thread, region: grid.region(task, room: room))
    for tile in task.tiles {
      let latents = grid.latents(tile)
      work.tile = tile
      var products = memory.tiles.slice(place..<place + rows.count * width)
      Multiply.product(
        rows: rows.count, columns: latents.count, inner: dIn, inputs, .plain,
        input.encoder.extracting(latents.lowerBound * dIn..<latents.upperBound * dIn),
        .transposed, into: &products, cStride: width, threads: .none)
      for (index, row) in rows.enumerated() {
        let start = place + index * width
        var numbers = memory.tiles.slice(start..<start + latents.count)
        activate(&numbers, latents, row: row)
        if !take(numbers.span, latents, row: row, &work) { overflow.set() }
        if overflow.isSet { return }
      }
    }
    if grid.layout == .perRow { for row in rows { finish(row) } }
  }

  /// Adds biases and noise and, where latents are compared by them, multiplies by the decoder's
  /// norms.
  private func activate(
    _ numbers: inout MutableSpan<Float>, _ latents: Range<Int>, row: Int
  ) {
    let bias = input.biases.extracting(latents)
    precondition(bias.count == numbers.count, "shapes differ")
    noise.add(to: &numbers, latents, row: row, dSae: configuration.dSae)
    if configuration.comparesByDecoderNorm {
      let norm = input.norms.extracting(latents)
      for index in 0..<numbers.count {
        numbers[index] = (numbers[index] + bias[index]) * norm[index]
      }
    } else {
      for index in 0..<numbers.count { numbers[index] += bias[index] }
    }
  }

  /// Keeps what may be active of a row's numbers; false where it does not fit.
  private func take(
    _ numbers: Span<Float>, _ latents: Range<Int>, row: Int, _ work: inout Work
  ) -> Bool {
    if case .rows(let selection) = configuration.selection {
      compare(numbers, first: latents.lowerBound, row: row, thread: work.thread, selection)
      return true
    }
    guard case .collect(let limit) = scan else {
      count(numbers, thread: work.thread)
      return true
    }
    let before = work.entries
    let region = work.region
    var collection = LatentCollection(
      first: latents.lowerBound, count: before, latents: memory.candidates.latents.slice(region),
      values: memory.candidates.values.slice(region))
    let fits =
      limits.isEmpty
      ? collection.collect(numbers, above: limit)
      : collection.collect(numbers, above: limits.extracting(latents))
    work.entries = collection.count
    memory.candidates.counts.set(
      row * grid.tileCount + work.tile, Int32(work.entries - before))
    return fits
  }

  private func compare(
    _ numbers: Span<Float>, first: Int, row: Int, thread: Int, _ selection: any RowSelection
  ) {
    let start = thread * grid.tileWidth
    var scratch = memory.scratch.slice(start..<start + numbers.count)
    var candidates = candidates(row)
    selection.scan(numbers, first: first, &candidates, &scratch)
    keep(candidates, row)
  }

  private func finish(_ row: Int) {
    guard case .rows(let selection) = configuration.selection else { return }
    var candidates = candidates(row)
    selection.finish(&candidates)
    keep(candidates, row)
  }

  /// A row's own candidates.
  @_lifetime(copy self)
  private func candidates(_ row: Int) -> RowCandidates {
    let place = row * room..<(row + 1) * room
    let count = memory.candidates.counts.slice(row..<row + 1)
    let threshold = memory.candidates.thresholds.slice(row..<row + 1)
    return RowCandidates(
      count: Int(count[0]), threshold: threshold[0],
      latents: memory.candidates.latents.slice(place),
      values: memory.candidates.values.slice(place))
  }

  private func keep(_ candidates: borrowing RowCandidates, _ row: Int) {
    memory.candidates.counts.set(row, Int32(candidates.count))
    memory.candidates.thresholds.set(row, candidates.threshold)
  }

  private func count(_ numbers: Span<Float>, thread: Int) {
    let bins = LargestOfBatch.bins
    var counts = memory.histogram.slice(thread * bins..<(thread + 1) * bins)
    for index in numbers.indices where numbers[index] > 0 {
      counts[LargestOfBatch.bin(numbers[index])] += 1
    }
  }
}
