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
  /// Rows per task, and latents per tile: one tile of products is a megabyte.
  ///
  /// With many rows the packing of weights inside the product costs little.
  static let rowBlock = 512
  static let tileWidth = 512

  private let configuration: SAEConfiguration
  private let topK: TopK
  private var tiles: Matrix
  /// A row of magnitudes for each task (abstopk).
  private var magnitudes: Matrix
  private var counts: AlignedBuffer<Int32>
  /// What a candidate of each row must exceed (topk).
  private var thresholds: AlignedBuffer<Float>
  /// What each latent must exceed (jumprelu) `[D]`.
  private var limits: AlignedBuffer<Float>
  /// Counted numbers of each task (batchtopk).
  private var histogram: AlignedBuffer<Int32>
  private var ranked = AlignedBuffer<Float>(count: 0)
  /// What the numbers of the next batch will probably have to exceed (batchtopk).
  private var guess: Float?
  /// Entries that a row has room for.
  private var stride: Int
  private(set) var codes: SparseCodes
  /// The least number above zero that batchtopk kept of the last batch.
  private(set) var leastKept: Float?

  init(_ configuration: SAEConfiguration, rows: Int) {
    self.configuration = configuration
    topK = TopK(k: configuration.wholeK)
    let tasks = (rows + Self.rowBlock - 1) / Self.rowBlock
    let width = min(Self.tileWidth, configuration.dSae)
    tiles = Matrix(rows: rows, columns: width)
    magnitudes = Matrix(
      rows: configuration.selection == .absTopK ? tasks : 0, columns: width)
    counts = AlignedBuffer(count: rows)
    thresholds = AlignedBuffer(count: rows)
    limits = AlignedBuffer(count: configuration.selection == .jumpReLU ? configuration.dSae : 0)
    histogram = AlignedBuffer(
      count: configuration.selection == .batchTopK ? tasks * BatchTopK.bins : 0)
    stride = Self.entriesPerRow(configuration)
    codes = SparseCodes(rows: rows, capacity: rows * stride)
  }

  /// Entries that a row may need while it is encoded.
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

  /// Encodes rows `[rows, d]` from which the decoder bias is subtracted already.
  ///
  /// Returns false where a row has too many active latents; `codes` then holds nothing of use.
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
    codes.compact(rows: rows, stride: stride, counts: counts)
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
    configuration.selection == .batchTopK ? codes.count : counts.count * stride
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

  private mutating func widen(to stride: Int) {
    self.stride = stride
    codes.reserve(counts.count * stride)
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
      if fits, above <= 0 || found(rows) >= wanted { break }
      if !fits, isKnown { widen(to: min(configuration.dSae, 4 * stride)) }
    }
    keepLargest(wanted, rows: rows)
  }

  private func found(_ rows: Int) -> Int {
    var sum = 0
    for row in 0..<rows { sum += Int(counts[row]) }
    return sum
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
    let total = found(rows)
    var limit: Float = 0
    var ties = 0
    if total > wanted, wanted > 0 {
      if ranked.count < total { ranked = AlignedBuffer(count: total + total / 4) }
      var end = 0
      for row in 0..<rows {
        for entry in row * stride..<row * stride + Int(counts[row]) {
          ranked[end] = codes.values[entry]
          end += 1
        }
      }
      limit = ranked.disjoint.withAll { BatchTopK.select(&$0, count: total, rank: wanted - 1) }
      var above = 0
      for index in 0..<total where ranked[index] > limit { above += 1 }
      ties = wanted - above
    } else if wanted == 0 {
      limit = .infinity
    }
    codes.compact(rows: rows, stride: stride, counts: counts) { value in
      if value > limit { return true }
      guard value == limit, ties > 0 else { return false }
      ties -= 1
      return true
    }
    var least = Float.infinity
    for entry in 0..<codes.count { least = min(least, codes.values[entry]) }
    leastKept = codes.count > 0 ? least : nil
    guess = leastKept.map { $0 * 0.9 }
  }
}

// MARK: - Tiles

extension Encoder {
  /// What is done with the numbers of a tile.
  private enum Scan: Sendable {
    case collect(above: Float)
    case count
  }

  /// Fills the codes, each row's from `row · stride` on; false where a row did not fit.
  private func scan(
    _ centred: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, _ purpose: EncodingPurpose, _ scan: Scan
  ) -> Bool {
    let overflow = Flag()
    let pass = Pass(
      configuration: configuration, topK: topK, stride: stride, purpose: purpose, scan: scan,
      centred: centred, encoder: parameters.encoder.span, biases: parameters.encoderBias.span,
      norms: norms.values.span, limits: limits.span)
    let memory = Memory(
      tiles: tiles.disjoint, tileWidth: tiles.columns, magnitudes: magnitudes.disjoint,
      counts: counts.disjoint, thresholds: thresholds.disjoint, histogram: histogram.disjoint,
      latents: codes.latents.disjoint, values: codes.values.disjoint)
    Parallel.forBlocks(rows, blockSize: Self.rowBlock) { block in
      pass.run(block, memory, overflow)
    }
    return !overflow.isSet
  }

  /// Set by any thread, never unset.
  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
  }

  /// What tasks write, each its own part.
  private struct Memory: ~Escapable, Sendable {
    let tiles: Disjoint<Float>
    let tileWidth: Int
    let magnitudes: Disjoint<Float>
    let counts: Disjoint<Int32>
    let thresholds: Disjoint<Float>
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
  private struct Pass: ~Escapable, Sendable {
    let configuration: SAEConfiguration
    let topK: TopK
    let stride: Int
    let purpose: EncodingPurpose
    let scan: Scan
    let centred: Span<Float>
    let encoder: Span<Float>
    let biases: Span<Float>
    let norms: Span<Float>
    let limits: Span<Float>

    @_lifetime(copy centred, copy encoder, copy biases, copy norms, copy limits)
    init(
      configuration: SAEConfiguration, topK: TopK, stride: Int, purpose: EncodingPurpose,
      scan: Scan, centred: Span<Float>, encoder: Span<Float>, biases: Span<Float>,
      norms: Span<Float>, limits: Span<Float>
    ) {
      self.configuration = configuration
      self.topK = topK
      self.stride = stride
      self.purpose = purpose
      self.scan = scan
      self.centred = centred
      self.encoder = encoder
      self.biases = biases
      self.norms = norms
      self.limits = limits
    }

    func run(_ block: Range<Int>, _ memory: borrowing Memory, _ overflow: Flag) {
      let dIn = configuration.dIn
      let width = memory.tileWidth
      let inputs = centred.extracting(block.lowerBound * dIn..<block.upperBound * dIn)
      for row in block {
        memory.counts.set(row, 0)
        memory.thresholds.set(row, -.infinity)
      }
      for first in Swift.stride(from: 0, to: configuration.dSae, by: width) {
        let latents = first..<min(first + width, configuration.dSae)
        if overflow.isSet { return }
        memory.tiles.withSlice(block.lowerBound * width..<block.upperBound * width) { tile in
          Multiply.product(
            rows: block.count, columns: latents.count, inner: dIn, inputs, .plain,
            encoder.extracting(latents.lowerBound * dIn..<latents.upperBound * dIn),
            .transposed, into: &tile, cStride: width, threads: .none)
        }
        for row in block {
          memory.tiles.withSlice(row * width..<row * width + latents.count) { numbers in
            activate(&numbers, latents, row: row)
            if !take(numbers.span, latents, row: row, block, memory) { overflow.set() }
          }
        }
      }
      guard configuration.selection == .topk || configuration.selection == .absTopK else { return }
      for row in block { finish(row, memory) }
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

    /// Keeps what may be active of a row's numbers; false where they do not fit.
    private func take(
      _ numbers: Span<Float>, _ latents: Range<Int>, row: Int, _ block: Range<Int>,
      _ memory: borrowing Memory
    ) -> Bool {
      if case .count = scan {
        count(numbers, task: block.lowerBound / Encoder.rowBlock, memory)
        return true
      }
      let place = row * stride
      return memory.latents.withSlice(place..<place + stride) { indices in
        memory.values.withSlice(place..<place + stride) { values in
          memory.counts.withSlice(row..<row + 1) { counts in
            memory.thresholds.withSlice(row..<row + 1) { thresholds in
              var state = TopK.Row(count: Int(counts[0]), threshold: thresholds[0])
              let fits = collect(
                numbers, latents, row: row, block, memory, &state, &indices, &values)
              counts[0] = Int32(state.count)
              thresholds[0] = state.threshold
              return fits
            }
          }
        }
      }
    }

    private func collect(
      _ numbers: Span<Float>, _ latents: Range<Int>, row: Int, _ block: Range<Int>,
      _ memory: borrowing Memory, _ state: inout TopK.Row, _ indices: inout MutableSpan<Int32>,
      _ values: inout MutableSpan<Float>
    ) -> Bool {
      let first = latents.lowerBound
      switch configuration.selection {
      case .topk:
        topK.scan(numbers, firstLatent: first, &state, &indices, &values)
        return true
      case .absTopK:
        let start = block.lowerBound / Encoder.rowBlock * memory.tileWidth
        memory.magnitudes.withSlice(start..<start + numbers.count) { magnitudes in
          topK.scanMagnitudes(
            numbers, &magnitudes, firstLatent: first, &state, &indices, &values)
        }
        return true
      case .relu, .gate, .batchTopK:
        var limit: Float = 0
        if case .collect(let above) = scan { limit = above }
        return ReLU.scan(
          numbers, above: limit, firstLatent: first, count: &state.count, &indices, &values)
      case .jumpReLU:
        return JumpReLU.scan(
          numbers, above: limits.extracting(latents), firstLatent: first, count: &state.count,
          &indices, &values)
      case .pursuit: preconditionFailure("has a pass of its own")
      }
    }

    private func count(_ numbers: Span<Float>, task: Int, _ memory: borrowing Memory) {
      memory.histogram.withSlice(task * BatchTopK.bins..<(task + 1) * BatchTopK.bins) { bins in
        for index in numbers.indices where numbers[index] > 0 {
          bins[BatchTopK.bin(numbers[index])] += 1
        }
      }
    }

    private func finish(_ row: Int, _ memory: borrowing Memory) {
      let place = row * stride
      memory.latents.withSlice(place..<place + stride) { latents in
        memory.values.withSlice(place..<place + stride) { values in
          memory.counts.withSlice(row..<row + 1) { counts in
            memory.thresholds.withSlice(row..<row + 1) { thresholds in
              var state = TopK.Row(count: Int(counts[0]), threshold: thresholds[0])
              topK.finish(&state, &latents, &values)
              counts[0] = Int32(state.count)
            }
          }
        }
      }
    }
  }
}
