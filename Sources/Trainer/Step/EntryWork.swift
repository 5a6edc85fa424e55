// Working memory of a step: what is known of every active latent of a batch, and of every row.

import Shared

/// What is known of the entries of a batch's codes.
struct EntryWork: ~Copyable {
  private let configuration: SAEConfiguration
  /// What an entry multiplies its decoder row by.
  private(set) var amplitudes = AlignedBuffer<Float>(count: 0)
  /// dL/d(a·W_enc).
  private(set) var slopes = AlignedBuffer<Float>(count: 0)
  /// dL/d‖W_j‖, where the norm is part of the loss.
  private(set) var pressures = AlignedBuffer<Float>(count: 0)
  /// See `RowEntries`.
  private(set) var extras = AlignedBuffer<Float>(count: 0)
  /// ‖x̂ − x‖² of every row and level, in the units of the SAE `[B · levels]`.
  private(set) var errors: AlignedBuffer<Double>
  /// The sparsity loss of every row.
  private(set) var sparsity: AlignedBuffer<Double>
  /// Active latents of every row.
  private(set) var active: AlignedBuffer<Int32>

  init(_ configuration: SAEConfiguration, rows: Int) {
    self.configuration = configuration
    errors = AlignedBuffer(count: rows * configuration.levels)
    sparsity = AlignedBuffer(count: rows)
    active = AlignedBuffer(count: rows)
  }

  /// Makes room for entries; what was there is lost.
  mutating func reserve(_ capacity: Int) {
    guard amplitudes.count < capacity else { return }
    amplitudes = AlignedBuffer(count: capacity)
    slopes = AlignedBuffer(count: capacity)
    pressures = AlignedBuffer(count: configuration.hasPressures ? capacity : 0)
    extras = AlignedBuffer(count: configuration.hasExtras ? capacity : 0)
  }
}

extension SAEConfiguration {
  /// Whether the loss depends on the norms of decoder rows.
  var hasPressures: Bool { !isTopK }
  /// Whether entries have a derivative more than others.
  var hasExtras: Bool {
    selection == .gate || selection == .jumpReLU || finetuningMethod != nil
  }
}

/// What every latent gets from its entries in one step.
struct LatentSums: ~Copyable {
  /// Rows in which the latent is active.
  private(set) var active: AlignedBuffer<Int32>
  /// Σ_b dL/d(a·W_enc).
  private(set) var slopes: AlignedBuffer<Float>

  init(count: Int) {
    active = AlignedBuffer(count: count)
    slopes = AlignedBuffer(count: count)
  }
}

/// The gradients of what a latent has one number of, from its entries.
///
/// The sums of a latent, in the order of its entries.
struct LatentTotals {
  var active: Int32 = 0
  var slope: Float = 0
  var pressure: Float = 0
  /// Σ extras.
  var extra: Float = 0
  /// Σ extras · z (gated).
  var weightedExtra: Float = 0

  /// Writes the gradients `[1, D]` of a latent.
  func write(
    _ latent: Int, _ gradient: borrowing Parameters, _ sums: borrowing LatentSums,
    _ objective: borrowing Objective
  ) {
    sums.active.disjoint.set(latent, active)
    sums.slopes.disjoint.set(latent, slope)
    let bias = gradient.encoderBias.disjoint
    switch objective.configuration.selection {
    case .gate:
      // z feeds the gate directly and the magnitude through exp(r_mag).
      let factor = objective.magnitudeFactors[latent]
      bias.set(latent, slope - extra * factor)
      gradient.magnitudeBias.disjoint.set(latent, extra)
      gradient.magnitudeScale.disjoint.set(latent, weightedExtra * factor)
    case .jumpReLU:
      bias.set(latent, slope)
      gradient.threshold.disjoint.set(latent, extra)
    case .relu, .topk, .absTopK, .batchTopK, .pursuit:
      bias.set(latent, slope)
      if objective.latentScales.count > 0 { gradient.latentScale.disjoint.set(latent, extra) }
    }
  }
}
