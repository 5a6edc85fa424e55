// From rows to active latents: the encoder's product in tiles that are reduced to active latents
// before the next tile is computed, so that `[B, D]` numbers never reach memory.

import Shared

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
  private var memory: TileMemory
  private var candidates: Candidates
  /// What each latent must exceed `[D]`; empty where the limit is one for all.
  private var limits: AlignedBuffer<Float>
  private var batch: BatchChoice
  private var screen: Screen
  private(set) var codes: SparseCodes

  /// An encoder of batches of `rows` rows; with no way of screening it computes every pre-activation.
  init(_ configuration: SAEConfiguration, rows: Int, screening: ScreeningKind?) {
    self.configuration = configuration
    grid = EncoderGrid(configuration, rows: rows)
    memory = TileMemory(configuration, grid)
    screen = Screen(screening, ScreenSize(configuration, grid, rows: rows))
    candidates = Candidates(
      grid, rows: rows, room: EncoderRoom.candidatesPerRow(configuration))
    var limitCount = 0
    if case .above(.threshold) = configuration.selection { limitCount = configuration.dSae }
    limits = AlignedBuffer(count: limitCount)
    batch = BatchChoice()
    codes = SparseCodes(
      rows: rows, capacity: rows * EncoderRoom.codesPerRow(configuration))
  }

  /// The least number above zero that a choice over the last batch kept.
  var leastKept: Float? { batch.leastKept }

  /// Entries that a batch's codes may hold.
  var entryRoom: Int {
    if case .batch = configuration.selection { return codes.count }
    return codes.capacity
  }

  /// Encodes rows `[rows, d]` from which the decoder bias is subtracted already.
  ///
  /// Returns false where too many latents are active; `codes` then holds nothing of use.
  mutating func encode(
    _ input: borrowing EncodingInput, rows: Int, _ purpose: EncodingPurpose
  ) -> Bool {
    setLimits(input.thresholds, purpose)
    screen.begin(input, isPlain: !hasNoise(purpose), purpose)
    if case .batch(let k) = configuration.selection {
      chooseOfBatch(
        input, rows: rows, purpose,
        wanted: SAEConfiguration.keptLatents(k: k, rows: rows, dSae: configuration.dSae))
      return true
    }
    guard scan(input, rows: rows, purpose, .collect(above: 0)) else { return false }
    candidates.gather(rows: rows, into: &codes)
    return true
  }

  /// Encodes whatever the density, with room for every latent of every row.
  mutating func encodeAll(
    _ input: borrowing EncodingInput, rows: Int, _ purpose: EncodingPurpose
  ) {
    if encode(input, rows: rows, purpose) { return }
    widen(to: configuration.dSae)
    _ = encode(input, rows: rows, purpose)
  }

  /// Lends the codes for changes.
  mutating func withCodes(_ body: (inout SparseCodes) -> Void) { body(&codes) }

  /// Turns what selection saw into feature activations, where that is not the same.
  mutating func finishActivations(
    _ parameters: borrowing Parameters, _ norms: borrowing LatentNorms
  ) {
    guard let magnitude = configuration.architecture.magnitude else { return }
    let terms = LatentTerms(ParameterReader(parameters), norms)
    codes.transform { magnitude($0, $1, terms) }
  }

  private mutating func widen(to room: Int) {
    candidates.widen(to: room)
    codes.reserve(candidates.capacity)
  }

  private mutating func setLimits(_ thresholds: Span<Float>, _ purpose: EncodingPurpose) {
    guard case .above(.threshold(let bandwidth)) = configuration.selection else { return }
    var reach: Float = 0
    // A little beyond the band, whose exact edge is found in the formulas.
    if case .training = purpose { reach = Float(bandwidth) * 0.500_01 }
    for latent in 0..<configuration.dSae { limits[latent] = thresholds[latent] - reach }
  }

  /// Fills the candidates; false where they did not fit.
  private mutating func scan(
    _ input: borrowing EncodingInput, rows: Int, _ purpose: EncodingPurpose, _ scan: TileScan
  ) -> Bool {
    let overflow = Flag()
    Self.scan(
      Scan(
        configuration: configuration, grid: grid, room: candidates.room, scan: scan,
        noise: PreActivationNoise(configuration, purpose), overflow: overflow),
      input, limits, rows: rows, &memory, &candidates, &screen)
    return !overflow.isSet
  }

  /// Whether pre-activations are more than a dot product, a bias and a norm.
  private func hasNoise(_ purpose: EncodingPurpose) -> Bool {
    guard case .training = purpose else { return false }
    return configuration.noiseScale > 0
  }

  /// What a scan is besides the memory that it reads and writes.
  private struct Scan {
    let configuration: SAEConfiguration
    let grid: EncoderGrid
    let room: Int
    let scan: TileScan
    let noise: PreActivationNoise
    let overflow: Flag
  }

  private static func scan(
    _ scan: Scan, _ input: borrowing EncodingInput, _ limits: borrowing AlignedBuffer<Float>,
    rows: Int, _ memory: inout TileMemory, _ candidates: inout Candidates,
    _ screen: inout Screen
  ) {
    let pass = TilePass(
      scan.configuration, scan.grid, room: scan.room, scan: scan.scan, noise: scan.noise,
      overflow: scan.overflow, input, limits: limits.span, TileWriter(&memory, &candidates))
    if case .collect = scan.scan, screen.isOn {
      screen.run(pass, rows: rows)
    } else {
      pass.run(rows: rows)
    }
  }
}

// MARK: - The largest of a batch

/// What is known of the numbers of batches, from which some are chosen.
private struct BatchChoice: ~Copyable {
  private var ranked = AlignedBuffer<Float>(count: 0)
  /// What the numbers of the next batch will probably have to exceed.
  private(set) var guess: Float?
  private(set) var leastKept: Float?

  /// Leaves the `wanted` largest entries; of equal ones the first.
  mutating func keepLargest(_ wanted: Int, of codes: inout SparseCodes) {
    let total = codes.count
    if total > wanted { cut(&codes, to: wanted, of: total) }
    var least = Float.infinity
    for entry in 0..<codes.count { least = min(least, codes.values[entry]) }
    leastKept = codes.count > 0 ? least : nil
    guess = leastKept.map { $0 * 0.9 }
  }

  private mutating func cut(_ codes: inout SparseCodes, to wanted: Int, of total: Int) {
    var limit = Float.infinity
    var ties = 0
    if wanted > 0 {
      if ranked.count < total { ranked = AlignedBuffer(count: total + total / 4) }
      for entry in 0..<total { ranked[entry] = codes.values[entry] }
      var values = ranked.mutableSpan
      limit = LargestOfBatch.select(&values, count: total, rank: wanted - 1)
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
}

extension Encoder {
  private mutating func chooseOfBatch(
    _ input: borrowing EncodingInput, rows: Int, _ purpose: EncodingPurpose, wanted: Int
  ) {
    var limit = batch.guess
    while true {
      let above = limit ?? measureLimit(input, rows: rows, purpose, wanted: wanted)
      let fits = scan(input, rows: rows, purpose, .collect(above: above))
      let isKnown = limit == nil
      // A guess that was too low or too high is replaced by the exact limit, once.
      limit = nil
      if fits, above <= 0 || candidates.count(rows: rows) >= wanted { break }
      if !fits, isKnown { widen(to: min(configuration.dSae, 4 * candidates.room)) }
    }
    candidates.gather(rows: rows, into: &codes)
    batch.keepLargest(wanted, of: &codes)
  }

  /// Counts all numbers above zero by size; what the `wanted` largest exceed.
  private mutating func measureLimit(
    _ input: borrowing EncodingInput, rows: Int, _ purpose: EncodingPurpose, wanted: Int
  ) -> Float {
    for index in 0..<memory.histogram.count { memory.histogram[index] = 0 }
    _ = scan(input, rows: rows, purpose, .count)
    let bins = LargestOfBatch.bins
    for index in bins..<max(bins, memory.histogram.count) {
      memory.histogram[index % bins] += memory.histogram[index]
    }
    return LargestOfBatch.limit(memory.histogram.span.extracting(0..<bins), count: wanted)
  }
}
