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
    tiles = Matrix(rows: threads * grid.tileRows, columns: grid.tileStride)
    scratch = Matrix(rows: scratchRows, columns: grid.tileWidth)
    histogram = AlignedBuffer(count: bins)
  }
}

/// What one task does for its rows.
struct TilePass: ~Escapable, Sendable {
  let configuration: SAEConfiguration
  let grid: EncoderGrid
  /// Candidates per row that there is room for.
  let room: Int
  private let scan: TileScan
  private let noise: PreActivationNoise
  let input: EncodingInput
  /// What each latent must exceed; empty where the limit is one for all.
  private let limits: Span<Float>
  let memory: TileWriter
  let overflow: Flag

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
  struct Work {
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
    let stride = grid.tileStride
    let place = tile(thread: thread).lowerBound
    if grid.layout == .perRow { for row in task.rows { begin(row) } }
    var work = Work(thread: thread, region: grid.region(task, room: room))
    for tile in task.tiles {
      let latents = grid.latents(tile)
      work.tile = tile
      multiply(task.rows, latents, thread: thread)
      for (index, row) in task.rows.enumerated() {
        let start = place + index * stride
        var numbers = memory.tiles.slice(start..<start + latents.count)
        activate(&numbers, latents, row: row)
        if !take(numbers.span, latents, row: row, &work) { overflow.set() }
        if overflow.isSet { return }
      }
    }
    if grid.layout == .perRow { for row in task.rows { finish(row) } }
  }

  /// The numbers of a thread's tile.
  func tile(thread: Int) -> Range<Int> {
    let count = grid.tileRows * grid.tileStride
    return thread * count..<(thread + 1) * count
  }

  /// Fills a thread's tile with the dot products of rows and latents.
  private func multiply(_ rows: Range<Int>, _ latents: Range<Int>, thread: Int) {
    let dIn = configuration.dIn
    var products = memory.tiles.slice(tile(thread: thread))
    DotProduct.product(
      rows: rows.count, columns: latents.count, inner: dIn,
      input.centered.extracting(rows.lowerBound * dIn..<rows.upperBound * dIn),
      input.encoder.extracting(latents.lowerBound * dIn..<latents.upperBound * dIn),
      into: &products, stride: grid.tileStride)
  }

  /// Compares all latents of a row.
  func compareAll(_ row: Int, _ tiles: Range<Int>, thread: Int) {
    guard case .rows(let selection) = configuration.selection else { return }
    let start = tile(thread: thread).lowerBound
    for tile in tiles {
      let latents = grid.latents(tile)
      multiply(row..<row + 1, latents, thread: thread)
      var numbers = memory.tiles.slice(start..<start + latents.count)
      activate(&numbers, latents, row: row)
      compare(numbers.span, first: latents.lowerBound, row: row, thread: thread, selection)
    }
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

  /// The pre-activation of a latent, from its dot product alone.
  @inline(__always) func activation(_ product: Float, latent: Int) -> Float {
    let sum = product + input.biases[latent]
    return configuration.comparesByDecoderNorm ? sum * input.norms[latent] : sum
  }

  /// What latents that are screened are compared with.
  var screeningTerms: ScreeningTerms {
    @_lifetime(copy self) get {
      var comparesMagnitudes = false
      if case .rows(let selection) = configuration.selection {
        comparesMagnitudes = (selection as? TopK)?.comparesMagnitudes ?? false
      }
      let norms = input.norms
      return ScreeningTerms(
        bias: input.biases,
        decoderNorms: configuration.comparesByDecoderNorm ? norms : norms.extracting(0..<0),
        limits: limits, comparesMagnitudes: comparesMagnitudes)
    }
  }

  /// What all latents must exceed, where the limit is one for all.
  var limit: Float {
    guard case .collect(let limit) = scan else { return 0 }
    return limit
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
    return take(row, latents, &work) { collection, limits in
      limits.isEmpty
        ? collection.collect(numbers, above: limit) : collection.collect(numbers, above: limits)
    }
  }

  /// Lets `collect` add to a tile's entries what of a row's latents is above their limits, which are
  /// empty where they are one for all.
  func take(
    _ row: Int, _ latents: Range<Int>, _ work: inout Work,
    _ collect: (inout LatentCollection, _ limits: Span<Float>) -> Bool
  ) -> Bool {
    let before = work.entries
    let region = work.region
    var collection = LatentCollection(
      first: latents.lowerBound, count: before, latents: memory.candidates.latents.slice(region),
      values: memory.candidates.values.slice(region))
    let fits = collect(&collection, limits.isEmpty ? limits : limits.extracting(latents))
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

  /// Begins a row that has candidates of its own.
  func begin(_ row: Int) {
    memory.candidates.counts.set(row, 0)
    memory.candidates.thresholds.set(row, -.infinity)
  }

  /// Leaves the chosen ones of a row's candidates.
  func finish(_ row: Int) {
    guard case .rows(let selection) = configuration.selection else { return }
    var candidates = candidates(row)
    selection.finish(&candidates)
    keep(candidates, row)
  }

  /// A row's own candidates.
  @_lifetime(copy self)
  func candidates(_ row: Int) -> RowCandidates {
    let place = row * room..<(row + 1) * room
    let count = memory.candidates.counts.slice(row..<row + 1)
    let threshold = memory.candidates.thresholds.slice(row..<row + 1)
    return RowCandidates(
      count: Int(count[0]), threshold: threshold[0],
      latents: memory.candidates.latents.slice(place),
      values: memory.candidates.values.slice(place))
  }

  /// Notes a row's candidates.
  func keep(_ candidates: borrowing RowCandidates, _ row: Int) {
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
