// AuxK: dead latents learn to reconstruct what the living ones leave over (Gao et al. 2024, as
// SAELens 6.54 does it: unnormalized, without b_dec).
//
//   r = x − x̂ (a constant)      z = the k_aux largest h among dead latents, as they are
//   ê = Σ z_j·W_j/‖W_j‖      L = coefficient · min(n_dead/k_aux, 1) · mean_b ‖ê − r‖²
//
// with k_aux = ⌊d/2⌋, or n_dead where that is less. With use_matryoshka_aux_loss every range of
// latents has a loss of its own, over the error of the latents up to its end. sparsify compares ReLU(h),
// lets the decoder alone learn, and divides by the batch's variance as it does the error.

import Shared

/// The auxiliary loss and its gradients, computed over the dead latents alone.
struct AuxK: ~Copyable {
  private let configuration: SAEConfiguration
  private let loss: AuxiliaryLoss
  private var dead: DeadLatents
  private var memory: ComparisonMemory

  init(_ configuration: SAEConfiguration, _ loss: AuxiliaryLoss) {
    self.configuration = configuration
    self.loss = loss
    dead = DeadLatents(configuration)
    memory = ComparisonMemory(latents: 0, keep: 0)
  }

  /// The most dead latents that a row learns by: ⌊d/2⌋.
  private static func largest(_ configuration: SAEConfiguration) -> Int {
    max(1, configuration.dIn / 2)
  }

  /// Numbers that comparing takes while every latent is dead.
  static func numberCount(_ configuration: SAEConfiguration, threads: Int) -> Int {
    threads * (configuration.dSae + 2 * TopK(k: largest(configuration)).capacity)
  }

  /// Adds the gradients of the loss and returns it.
  mutating func addGradients(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ entries: borrowing EntryReads,
    _ state: borrowing TrainingState, rows: AuxiliaryRows
  ) -> Double {
    guard loss.isPerReconstruction else {
      dead.gather(0..<configuration.dSae, state, reads.terms)
      return add(
        to: &latents, reads, entries, of: configuration.finalReconstruction, rows: rows)
    }
    var sum = 0.0
    for (number, reconstruction) in configuration.reconstructions.enumerated() {
      dead.gather(reconstruction.latents, state, reads.terms)
      sum += add(to: &latents, reads, entries, of: number, rows: rows)
    }
    return sum
  }

  private mutating func add(
    to latents: inout LatentWork, _ reads: borrowing StepReads, _ entries: borrowing EntryReads,
    of reconstruction: Int, rows: AuxiliaryRows
  ) -> Double {
    guard dead.count > 0 else { return 0 }
    let width = configuration.dOut
    let largest = Self.largest(configuration)
    if memory.latents < dead.count {
      memory = ComparisonMemory(latents: dead.capacity, keep: largest)
    }
    let share = min(Double(dead.count) / Double(largest), 1)
    let weight = loss.coefficient * share * rows.weight / Double(rows.count)
    let compare = DeadComparison(configuration, loss, keep: largest)
    let residuals = Residuals(entries, configuration, reconstruction)
    var sum = 0.0
    for block in DeadLatents.blocks(rows.count) {
      dead.encode(block, reads)
      if loss.trainsDecoderOnly { DeadRows(&dead, rows: block.count).clearBelowZero() }
      if largest < dead.count {
        compare.keepLargest(rows: block.count, &dead, &memory)
      }
      dead.decode(rows: block.count)
      residuals.add(block, to: DeadRows(&dead, rows: block.count))
      sum += Vector.squaredNorm(dead.difference.span.extracting(0..<block.count * width))
      guard !loss.trainsDecoderOnly else {
        dead.addDecoderGradients(rows: block.count, scale: Float(2 * weight))
        continue
      }
      dead.addReconstructionGradients(block, reads, scale: Float(2 * weight), &latents) {
        $0.clearInactiveGradients()
      }
    }
    dead.scatter(into: &latents.gradient)
    return sum * weight
  }
}

/// The rows of a batch, and the weight of their errors where all have one.
struct AuxiliaryRows: Sendable {
  let count: Int
  let weight: Double
}

/// The memory in which threads compare a row's latents.
private struct ComparisonMemory: ~Copyable {
  /// Dead latents that there is room for.
  let latents: Int
  let threads: Int
  var compared: AlignedBuffer<Float>
  var candidateLatents: AlignedBuffer<Int32>
  var candidateValues: AlignedBuffer<Float>

  init(latents: Int, keep: Int) {
    self.latents = latents
    threads = Parallel.threadCount
    let capacity = TopK(k: keep).capacity
    compared = AlignedBuffer(count: threads * latents)
    candidateLatents = AlignedBuffer(count: threads * capacity)
    candidateValues = AlignedBuffer(count: threads * capacity)
  }
}

/// By what dead latents are compared: h or its magnitude, with or without the decoder's norms.
private struct DeadComparison: Sendable {
  let topK: TopK
  private let comparesByNorm: Bool
  private let comparesMagnitudes: Bool

  init(_ configuration: SAEConfiguration, _ loss: AuxiliaryLoss, keep: Int) {
    topK = TopK(k: keep)
    comparesByNorm = configuration.comparesByDecoderNorm
    comparesMagnitudes = loss.comparesMagnitudes
  }

  /// Clears all but the largest pre-activations of each row.
  func keepLargest(rows: Int, _ dead: inout DeadLatents, _ memory: inout ComparisonMemory) {
    ComparisonPass(self, &memory).keepLargest(of: DeadRows(&dead, rows: rows))
  }

  /// Fills what is compared; without norms where there are none.
  func fill(
    _ compared: inout MutableSpan<Float>, of values: Span<Float>, _ norms: Span<Float>
  ) {
    for index in compared.indices {
      let value = comparesByNorm ? values[index] * norms[index] : values[index]
      compared[index] = comparesMagnitudes ? abs(value) : value
    }
  }
}

/// The comparison of a block, each thread with memory of its own.
private struct ComparisonPass: ~Escapable, Sendable {
  private static let rowBlock = 16

  private let comparison: DeadComparison
  private let threads: Int
  private let compared: Disjoint<Float>
  private let candidateLatents: Disjoint<Int32>
  private let candidateValues: Disjoint<Float>

  @_lifetime(&memory)
  init(_ comparison: DeadComparison, _ memory: inout ComparisonMemory) {
    self.comparison = comparison
    threads = memory.threads
    compared = memory.compared.writer
    candidateLatents = memory.candidateLatents.writer
    candidateValues = memory.candidateValues.writer
  }

  func keepLargest(of dead: borrowing DeadRows) {
    let blocks = (dead.rows + Self.rowBlock - 1) / Self.rowBlock
    Parallel.forEach(blocks, atMost: threads) { block, thread in
      let start = block * Self.rowBlock
      for row in start..<min(start + Self.rowBlock, dead.rows) {
        var values = dead.activations.slice(dead.elements(row))
        keepLargest(&values, dead.norms, thread: thread)
      }
    }
  }

  private func keepLargest(
    _ values: inout MutableSpan<Float>, _ norms: Span<Float>, thread: Int
  ) {
    let count = values.count
    let room = comparison.topK.capacity
    var compared = compared.slice(thread * count..<(thread + 1) * count)
    comparison.fill(&compared, of: values.span, norms)
    var candidates = RowCandidates(
      latents: candidateLatents.slice(thread * room..<(thread + 1) * room),
      values: candidateValues.slice(thread * room..<(thread + 1) * room))
    comparison.topK.clearAllButLargest(&compared, 0..<count, &candidates)
    for index in values.indices { values[index] = compared[index] == 0 ? 0 : values[index] }
  }
}

/// The errors that the loss starts from.
private struct Residuals: ~Escapable, Sendable {
  private let errors: Span<Float>
  private let number: Int
  private let count: Int
  private let width: Int
  /// Whether the memory of one holds the errors of those that continue it too.
  private let isContinued: Bool

  @_lifetime(copy entries)
  init(_ entries: borrowing EntryReads, _ configuration: SAEConfiguration, _ number: Int) {
    errors = entries.errors
    self.number = number
    count = configuration.reconstructions.count
    width = configuration.dOut
    isContinued = number + 1 < count && configuration.reconstructions[number + 1].continues
  }

  /// Adds x̂ − x of the rows of a block to what dead latents reconstruct of them.
  func add(_ block: Range<Int>, to dead: borrowing DeadRows) {
    dead.forEachRow { row in
      var target = dead.difference.slice(dead.outputs(row))
      let start = ((block.lowerBound + row) * count + number) * width
      Vector.add(1, errors.extracting(start..<start + width), to: &target)
      guard isContinued else { return }
      Vector.add(-1, errors.extracting(start + width..<start + 2 * width), to: &target)
    }
  }
}
