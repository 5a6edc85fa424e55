// From rows to active latents: the encoder's product in tiles that are reduced to active latents
// before the next tile is computed, so that `[B, D]` numbers never reach memory.

import Shared
import Synchronization

/// What codes are wanted for.
enum EncodingPurpose: Sendable {
  /// A step: with noise, and with what only gradients need. The row is the first one's place in its
  /// batch.
  case training(step: Int, firstRow: Int)
  case inference
}

/// Encodes batches into sparse codes.
struct Encoder: ~Copyable {
  private let configuration: SAEConfiguration
  private let grid: EncoderGrid
  private let topK: TopK
  /// A tile of products for each thread.
  private let tiles: Matrix
  /// A row of magnitudes for each thread (abstopk).
  private let magnitudes: Matrix
  private var candidates: Candidates
  /// What a candidate of each row must exceed (topk).
  private var thresholds: AlignedBuffer<Float>
  /// What each latent must exceed (jumprelu) `[D]`.
  private var limits: AlignedBuffer<Float>
  /// Numbers that each thread counted (batchtopk).
  private var histogram: AlignedBuffer<Int32>
  private var ranked = AlignedBuffer<Float>(count: 0)
  /// What the numbers of the next batch will probably have to exceed (batchtopk).
  private var guess: Float?
  private(set) var codes: SparseCodes
  /// The least number above zero that batchtopk kept of the last batch.
  private(set) var leastKept: Float?

  init(_ configuration: SAEConfiguration, rows: Int) {
    self.configuration = configuration
    topK = TopK(k: configuration.wholeK)
    grid = EncoderGrid(configuration, rows: rows)
    let threads = Parallel.threadCount
    tiles = Matrix(rows: threads * grid.rowsPerTask, columns: grid.tileWidth)
    magnitudes = Matrix(
      rows: configuration.selection == .absTopK ? threads : 0, columns: grid.tileWidth)
    candidates = Candidates(grid, rows: rows, room: Self.entriesPerRow(configuration))
    thresholds = AlignedBuffer(count: grid.layout == .perRow ? rows : 0)
    limits = AlignedBuffer(count: configuration.selection == .jumpReLU ? configuration.dSae : 0)
    histogram = AlignedBuffer(
      count: configuration.selection == .batchTopK ? threads * BatchTopK.bins : 0)
    codes = SparseCodes(rows: rows, capacity: rows * Self.codesPerRow(configuration))
  }

  /// Candidates that a row may have while it is encoded, on average where rows share their room.
  ///
  /// Where more than about an eighth of the latents are active, dense products are faster.
  static func entriesPerRow(_ configuration: SAEConfiguration) -> Int {
    switch configuration.selection {
    case .topk, .absTopK: TopK(k: configuration.wholeK).capacity
    case .batchTopK: min(configuration.dSae, max(64, 8 * Int(configuration.k)))
    case .relu, .gate, .jumpReLU: max(min(configuration.dSae, 64), configuration.dSae / 8)
    case .pursuit: 0
    }
  }

  /// Entries that a row's codes may need, on average where rows share their room.
  static func codesPerRow(_ configuration: SAEConfiguration) -> Int {
    switch configuration.selection {
    case .topk, .absTopK: min(configuration.wholeK, configuration.dSae)
    case .relu, .gate, .batchTopK, .jumpReLU, .pursuit: entriesPerRow(configuration)
    }
  }

  /// Encodes rows `[rows, d]` from which the decoder bias is subtracted already.
  ///
  /// Returns false where too many latents are active; `codes` then holds nothing of use.
  mutating func encode(
    _ centred: borrowing Matrix, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose
  ) -> Bool {
    encode(
      centred.span.extracting(0..<rows * configuration.dIn), rows: rows, parameters, norms, purpose)
  }

  private mutating func encode(
    _ centred: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose
  ) -> Bool {
    prepareLimits(parameters, purpose)
    if configuration.selection == .batchTopK {
      encodeBatchTopK(centred, rows: rows, parameters, norms, purpose)
      return true
    }
    guard scan(centred, rows: rows, parameters, norms, purpose, .collect(above: 0)) else {
      return false
    }
    candidates.gather(rows: rows, into: &codes)
    return true
  }

  /// Encodes whatever the density, with room for every latent of every row.
  mutating func encodeAll(
    _ centred: borrowing Matrix, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose
  ) {
    encodeAll(
      centred.span.extracting(0..<rows * configuration.dIn), rows: rows, parameters, norms, purpose)
  }

  /// As `encodeAll`, of some rows of a batch.
  mutating func encodeAll(
    _ centred: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose
  ) {
    if encode(centred, rows: rows, parameters, norms, purpose) { return }
    widen(to: configuration.dSae)
    _ = encode(centred, rows: rows, parameters, norms, purpose)
  }

  /// Entries that a batch's codes may hold.
  var entryRoom: Int {
    configuration.selection == .batchTopK ? codes.count : codes.capacity
  }

  /// Lends the codes for changes.
  mutating func withCodes(_ body: (inout SparseCodes) -> Void) { body(&codes) }

  /// Turns what selection saw into feature activations, where that is not the same.
  mutating func finishActivations(
    _ parameters: borrowing Parameters, _ norms: borrowing DecoderNorms
  ) {
    guard configuration.selection == .gate else { return }
    let objective = Objective(configuration, parameters, norms, rows: 1, coefficient: 0)
    codes.transform { Gated.magnitude(objective, $0, $1) }
  }

  private mutating func widen(to room: Int) {
    candidates.widen(to: room)
    codes.reserve(candidates.capacity)
  }

  private mutating func prepareLimits(
    _ parameters: borrowing Parameters, _ purpose: EncodingPurpose
  ) {
    guard configuration.selection == .jumpReLU else { return }
    var reach: Float = 0
    // A little beyond the band, whose exact edge is found in the formulas.
    if case .training = purpose { reach = Float(configuration.bandwidth) * 0.500_01 }
    for latent in 0..<configuration.dSae {
      limits[latent] = parameters.threshold.buffer[latent] - reach
    }
  }
}

// MARK: - The largest of a batch

extension Encoder {
  private mutating func encodeBatchTopK(
    _ centred: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose
  ) {
    let wanted = configuration.keptLatents(rows: rows)
    var limit = guess
    while true {
      let above =
        limit ?? measureLimit(centred, rows: rows, parameters, norms, purpose, wanted: wanted)
      let fits = scan(centred, rows: rows, parameters, norms, purpose, .collect(above: above))
      let isKnown = limit == nil
      // A guess that was too low or too high is replaced by the exact limit, once.
      limit = nil
      if fits, above <= 0 || candidates.count(rows: rows) >= wanted { break }
      if !fits, isKnown { widen(to: min(configuration.dSae, 4 * candidates.room)) }
    }
    keepLargest(wanted, rows: rows)
  }

  /// Counts all numbers above zero by size; what the `wanted` largest exceed.
  private mutating func measureLimit(
    _ centred: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose, wanted: Int
  ) -> Float {
    histogram.disjoint.withAll { bins in
      for index in bins.indices { bins[index] = 0 }
    }
    _ = scan(centred, rows: rows, parameters, norms, purpose, .count)
    let bins = BatchTopK.bins
    return histogram.disjoint.withAll { counts in
      for index in bins..<max(bins, counts.count) { counts[index % bins] += counts[index] }
      return BatchTopK.limit(counts.span.extracting(0..<bins), count: wanted)
    }
  }

  /// Leaves the `wanted` largest entries; of equal ones the first.
  private mutating func keepLargest(_ wanted: Int, rows: Int) {
    candidates.gather(rows: rows, into: &codes)
    let total = codes.count
    var least = Float.infinity
    if total > wanted {
      var limit = Float.infinity
      var ties = 0
      if wanted > 0 {
        if ranked.count < total { ranked = AlignedBuffer(count: total + total / 4) }
        for entry in 0..<total { ranked[entry] = codes.values[entry] }
        limit = ranked.disjoint.withAll { BatchTopK.select(&$0, count: total, rank: wanted - 1) }
        var above = 0
        for entry in 0..<total where ranked[entry] > limit { above += 1 }
        ties = wanted - above
      }
      codes.transform { _, value in
        if value > limit { return value }
        guard value == limit, ties > 0 else { return 0 }
        ties -= 1
        return value
      }
    }
    for entry in 0..<codes.count { least = min(least, codes.values[entry]) }
    leastKept = codes.count > 0 ? least : nil
    guess = leastKept.map { $0 * 0.9 }
  }
}

// MARK: - Tiles

extension Encoder {
  /// Fills the candidates; false where they did not fit.
  private func scan(
    _ centred: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose, _ scan: TilePass.Scan
  ) -> Bool {
    let overflow = Flag()
    let pass = TilePass(
      configuration: configuration, grid: grid, topK: topK, room: candidates.room,
      purpose: purpose, scan: scan, centred: centred, encoder: parameters.encoder.span,
      biases: parameters.encoderBias.span, norms: norms.values.span, limits: limits.span)
    let memory = TileMemory(
      tiles: tiles.disjoint, magnitudes: magnitudes.disjoint, counts: candidates.counts.disjoint,
      thresholds: thresholds.disjoint, histogram: histogram.disjoint,
      latents: candidates.latents.disjoint, values: candidates.values.disjoint)
    let grid = grid
    Parallel.forEach(grid.taskCount(rows: rows)) { index, thread in
      pass.run(grid.task(index, rows: rows), thread: thread, memory, overflow)
    }
    return !overflow.isSet
  }
}
