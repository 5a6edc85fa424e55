// Textbook SAEs in double precision: the loss of a batch as a plain function of the parameters, one
// loop per formula, and derivatives by central differences. What is a constant for the derivatives is
// taken at the parameters that the reference was made with.

import Foundation

/// An SAE with `latents` latents of inputs `width` wide and targets `outWidth` wide.
package struct SAEReference: Sendable {
  package enum Tensor: Int, CaseIterable, Sendable {
    case encoder, encoderBias, decoder, decoderBias, threshold, magnitudeBias, magnitudeScale, skip
  }

  package enum Kind: Sendable, Equatable {
    case relu
    case gated
    /// Latents kept per row.
    case topK(Int)
    case absTopK(Int)
    /// Latents kept per batch.
    case batchTopK(Int)
    case jumpReLU
    /// Latents searched for per row.
    case pursuit(Int)
  }

  package enum StepLoss: Sendable {
    case step, tanh, quadratic
  }

  package struct Formula: Sendable {
    package var kind = Kind.relu
    package var isRescaled = true
    package var subtractsBias = true
    package var exponent = 1.0
    package var weighsByNorm = true
    package var sparsityCoefficient = 0.0
    package var auxiliaryCoefficient = 0.0
    package var dead: [Int] = []
    /// Inner widths of a matryoshka SAE.
    package var widths: [Int] = []
    package var hasOwnAuxiliary = false
    package var bandwidth = 0.1
    package var stepLoss = StepLoss.step
    package var tanhScale = 4.0
    package var target = 1.0
    package var reachesInput = false
    package var preActCoefficient = 0.0
    package var hasGhosts = false

    package init() {}

    /// Whether latents are compared as if decoder rows had norm 1.
    fileprivate var comparesByNorm: Bool {
      switch kind {
      case .topK, .absTopK, .batchTopK: isRescaled
      default: false
      }
    }
  }

  package struct Losses: Sendable {
    package var mse = 0.0
    package var sparsity = 0.0
    package var auxiliary = 0.0
    package var ghost = 0.0
    package var preAct = 0.0
    package var inner: [Double] = []
    package var total: Double {
      mse + sparsity + auxiliary + ghost + preAct + inner.reduce(0, +)
    }
  }

  package let width: Int
  package let outWidth: Int
  package let latents: Int
  package var formula: Formula
  /// By `Tensor`: W_encᵀ `[D, d]`, b_enc, W_dec `[D, o]`, b_dec, θ, b_mag, r_mag, W_skip `[o, d]`.
  package var tensors: [[Double]]
  /// The parameters at which constants are taken.
  private let origin: [[Double]]

  package init(
    width: Int, outWidth: Int? = nil, latents: Int, _ formula: Formula, tensors: [[Float]]
  ) {
    self.width = width
    self.outWidth = outWidth ?? width
    self.latents = latents
    self.formula = formula
    self.tensors = tensors.map { $0.map(Double.init) }
    origin = self.tensors
  }

  /// The reference at the parameters that it was made with.
  private var atOrigin: SAEReference {
    var result = self
    result.tensors = origin
    return result
  }

  private subscript(tensor: Tensor, index: Int) -> Double { tensors[tensor.rawValue][index] }

  private var norms: [Double] {
    (0..<latents).map { latent in
      (0..<outWidth).reduce(0) {
        $0 + self[.decoder, latent * outWidth + $1] * self[.decoder, latent * outWidth + $1]
      }.squareRoot()
    }
  }

  private func centered(_ row: [Double]) -> [Double] {
    formula.subtractsBias ? row.enumerated().map { $1 - self[.decoderBias, $0] } : row
  }

  /// a·W_enc `[D]`.
  private func products(_ row: [Double]) -> [Double] {
    let input = centered(row)
    return (0..<latents).map { latent in
      (0..<width).reduce(0) { $0 + input[$1] * self[.encoder, latent * width + $1] }
    }
  }

  /// What latents are compared by, `[D]`.
  private func preActivations(_ row: [Double]) -> [Double] {
    let norms = formula.comparesByNorm ? norms : []
    return products(row).enumerated().map { latent, product in
      let sum = product + self[.encoderBias, latent]
      return formula.comparesByNorm ? sum * norms[latent] : sum
    }
  }

  /// The indices of the largest numbers, of equal ones the first.
  package static func largest(_ count: Int, of values: [Double]) -> [Int] {
    let order = values.indices.sorted {
      values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1)
    }
    return order.prefix(count).sorted()
  }

  /// Σ_j f_j·W_j over a range of latents, over the norms where latents are compared by them.
  private func decode(_ activations: [Double], _ range: Range<Int>? = nil) -> [Double] {
    var result = [Double](repeating: 0, count: outWidth)
    let norms = formula.comparesByNorm ? norms : []
    for latent in range ?? 0..<latents where activations[latent] != 0 {
      let divisor = formula.comparesByNorm ? norms[latent] : 1
      for column in 0..<outWidth {
        result[column] +=
          activations[latent] / divisor * self[.decoder, latent * outWidth + column]
      }
    }
    return result
  }

  /// The output of a row without its latents: b_dec and the skip connection.
  private func base(_ row: [Double]) -> [Double] {
    // Matching pursuit adds b_dec only where it has subtracted it.
    if case .pursuit = formula.kind, !formula.subtractsBias {
      return [Double](repeating: 0, count: outWidth)
    }
    return (0..<outWidth).map { column in
      var sum = self[.decoderBias, column]
      guard !tensors[Tensor.skip.rawValue].isEmpty else { return sum }
      for input in 0..<width { sum += row[input] * self[.skip, column * width + input] }
      return sum
    }
  }
}

// MARK: - Activations

extension SAEReference {
  /// The feature activations of all rows `[rows][D]`.
  package func activations(_ rows: [[Double]]) -> [[Double]] {
    if case .batchTopK(let count) = formula.kind {
      let hidden = rows.map { preActivations($0).map { max($0, 0) } }
      let flat = hidden.flatMap { $0 }
      let kept = Set(Self.largest(count, of: flat))
      return hidden.enumerated().map { row, values in
        values.enumerated().map { kept.contains(row * latents + $0) ? $1 : 0 }
      }
    }
    return rows.map { activations(of: $0) }
  }

  private func activations(of row: [Double]) -> [Double] {
    switch formula.kind {
    case .relu: return preActivations(row).map { max($0, 0) }
    case .topK(let k):
      let hidden = preActivations(row)
      var result = [Double](repeating: 0, count: latents)
      for latent in Self.largest(k, of: hidden) { result[latent] = max(hidden[latent], 0) }
      return result
    case .absTopK(let k):
      let hidden = preActivations(row)
      var result = [Double](repeating: 0, count: latents)
      for latent in Self.largest(k, of: hidden.map(abs)) { result[latent] = hidden[latent] }
      return result
    case .gated:
      return products(row).enumerated().map { latent, product in
        guard product + self[.encoderBias, latent] > 0 else { return 0 }
        return max(
          0, product * exp(self[.magnitudeScale, latent]) + self[.magnitudeBias, latent])
      }
    case .jumpReLU: return jump(row).activations
    case .pursuit(let steps): return pursue(row, steps)
    case .batchTopK: preconditionFailure("of a batch")
    }
  }

  /// The activations and the number of active latents, both as functions whose derivatives are the
  /// straight-through estimates.
  private func jump(_ row: [Double]) -> (activations: [Double], count: Double) {
    let hidden = preActivations(row)
    let constants = atOrigin.preActivations(row)
    var count = 0.0
    let activations = hidden.indices.map { latent -> Double in
      let threshold = origin[Tensor.threshold.rawValue][latent]
      let place = formula.reachesInput ? hidden[latent] : constants[latent]
      let band = ramp(place - self[.threshold, latent]) - ramp(constants[latent] - threshold)
      let isActive = constants[latent] > threshold
      count += (isActive ? 1 : 0) + band
      return (isActive ? hidden[latent] : 0) + threshold * band
    }
    return (activations, count)
  }

  private func ramp(_ distance: Double) -> Double {
    min(max(distance / formula.bandwidth + 0.5, 0), 1)
  }

  private func pursue(_ row: [Double], _ steps: Int) -> [Double] {
    var rest = centered(row)
    var result = [Double](repeating: 0, count: latents)
    for _ in 0..<steps {
      let products = (0..<latents).map { latent in
        (0..<width).reduce(0) { $0 + rest[$1] * self[.decoder, latent * width + $1] }
      }
      let best = Self.largest(1, of: products)[0]
      let value = max(0, products[best])
      let isNew = value > 0 && result[best] == 0
      result[best] += value
      for column in 0..<width { rest[column] -= value * self[.decoder, best * width + column] }
      if !isNew { break }
    }
    return result
  }

  /// The reconstruction of a row by the latents above a threshold, as a finished batchtopk SAE has it.
  package func reconstruct(_ row: [Double], above threshold: Double) -> [Double] {
    let active = preActivations(row).map { $0 > threshold ? $0 : 0 }
    return zip(decode(active), base(row)).map { $0 + $1 }
  }

  /// The reconstructions `[rows][o]` of a batch.
  package func reconstructions(_ rows: [[Double]]) -> [[Double]] {
    zip(rows, activations(rows)).map { row, active in
      zip(decode(active), base(row)).map { $0 + $1 }
    }
  }

  /// The feature activations f `[D]` of a row and its reconstruction `[o]`.
  package func encode(_ row: [Double]) -> (activations: [Double], reconstruction: [Double]) {
    let active = activations([row])[0]
    return (active, zip(decode(active), base(row)).map { $0 + $1 })
  }
}

// MARK: - Losses

extension SAEReference {
  /// The losses of a batch; targets are the rows themselves but in a transcoder.
  package func losses(_ rows: [[Double]], targets: [[Double]]? = nil) -> Losses {
    let targets = targets ?? rows
    let active = activations(rows)
    let constants = atOrigin
    let frozen = constants.activations(rows)
    var result = Losses()
    result.inner = formula.widths.map { _ in 0 }
    for index in rows.indices {
      let (row, target) = (rows[index], targets[index])
      result.mse += squared(error(row, target, active[index]))
      for (level, end) in formula.widths.enumerated() {
        result.inner[level] += squared(error(row, target, active[index], 0..<end))
      }
      result.sparsity += sparsity(row, active[index])
      result.preAct += preActivationLoss(row)
      if formula.kind == .gated {
        let gate = products(row).enumerated().map { max(0, $1 + self[.encoderBias, $0]) }
        result.auxiliary += squared(error(row, target, gate))
      } else {
        result.auxiliary += auxiliary(row, target, constants, frozen[index])
      }
      if formula.hasGhosts {
        let residual = constants.error(row, target, frozen[index]).map { -$0 }
        result.ghost += ghost(row, constants, residual) / Double(outWidth)
      }
    }
    let count = Double(rows.count)
    result.mse /= count
    result.inner = result.inner.map { $0 / count }
    result.sparsity *= formula.sparsityCoefficient / count
    result.auxiliary /= count
    result.ghost /= count
    result.preAct *= formula.preActCoefficient / count
    return result
  }

  private func squared(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }

  /// x̂ − x by the latents of a range.
  private func error(
    _ row: [Double], _ target: [Double], _ active: [Double], _ range: Range<Int>? = nil
  ) -> [Double] {
    let (decoded, base) = (decode(active, range), base(row))
    return (0..<outWidth).map { decoded[$0] + base[$0] - target[$0] }
  }

  private func sparsity(_ row: [Double], _ active: [Double]) -> Double {
    let weights = formula.weighsByNorm ? norms : Array(repeating: 1, count: latents)
    switch formula.kind {
    case .relu:
      let powers = zip(active, weights).reduce(0) { sum, pair in
        pair.0 > 0 ? sum + pow(pair.0 * pair.1, formula.exponent) : sum
      }
      return powers > 0 ? pow(powers, 1 / formula.exponent) : 0
    case .gated:
      return products(row).enumerated().reduce(0) {
        $0 + max(0, $1.element + self[.encoderBias, $1.offset]) * weights[$1.offset]
      }
    case .jumpReLU:
      let (activations, count) = jump(row)
      switch formula.stepLoss {
      case .step: return count
      case .quadratic:
        return 2 / formula.target * (count - formula.target) * (count - formula.target)
      case .tanh:
        return zip(activations, weights).reduce(0) { $0 + tanh(formula.tanhScale * $1.0 * $1.1) }
      }
    case .topK, .absTopK, .batchTopK, .pursuit: return 0
    }
  }

  private func preActivationLoss(_ row: [Double]) -> Double {
    guard formula.preActCoefficient > 0 else { return 0 }
    let (hidden, norms) = (preActivations(row), norms)
    return formula.dead.reduce(0) {
      $0 + max(0, self[.threshold, $1] - hidden[$1]) * norms[$1]
    }
  }

  /// AuxK, of all latents or of each width's own.
  private func auxiliary(
    _ row: [Double], _ target: [Double], _ constants: SAEReference, _ frozen: [Double]
  ) -> Double {
    guard formula.auxiliaryCoefficient > 0 else { return 0 }
    let ends = formula.widths + [latents]
    var first = 0
    var sum = 0.0
    for end in formula.hasOwnAuxiliary ? ends : [latents] {
      let residual = constants.error(row, target, frozen, 0..<end).map { -$0 }
      sum += auxiliary(row, residual, formula.dead.filter { $0 >= first && $0 < end })
      first = end
    }
    return sum
  }

  private func auxiliary(_ row: [Double], _ residual: [Double], _ dead: [Int]) -> Double {
    guard !dead.isEmpty else { return 0 }
    let hidden = preActivations(row)
    let half = width / 2
    let share = min(Double(dead.count) / Double(half), 1)
    var compared = dead.map { hidden[$0] }
    if case .absTopK = formula.kind { compared = compared.map(abs) }
    var values = [Double](repeating: 0, count: latents)
    for place in Self.largest(half, of: compared) { values[dead[place]] = hidden[dead[place]] }
    let square = squared(zip(decode(values), residual).map { $0 - $1 })
    return formula.auxiliaryCoefficient * share * square
  }

  /// The ghost loss of a row, summed over its elements.
  private func ghost(
    _ row: [Double], _ constants: SAEReference, _ residual: [Double]
  ) -> Double {
    let (output, fixed) = (ghostOutput(row), constants.ghostOutput(row))
    let factor = squared(residual).squareRoot() / (1e-6 + 2 * squared(fixed).squareRoot())
    return residual.indices.reduce(0) { sum, column in
      let difference = output[column] * factor - residual[column]
      let constant = fixed[column] * factor - residual[column]
      let scale = residual[column] * residual[column] / (constant * constant + 1e-6)
      return sum + difference * difference * scale
    }
  }

  private func ghostOutput(_ row: [Double]) -> [Double] {
    let hidden = preActivations(row)
    var values = [Double](repeating: 0, count: latents)
    for latent in formula.dead { values[latent] = exp(hidden[latent]) }
    return decode(values)
  }

  /// The derivative of the loss for one number of a tensor, by central differences.
  package func derivative(
    _ tensor: Tensor, _ index: Int, _ rows: [[Double]], targets: [[Double]]? = nil
  ) -> Double {
    let step = 1e-6
    var above = self
    above.tensors[tensor.rawValue][index] += step
    var below = self
    below.tensors[tensor.rawValue][index] -= step
    return
      (above.losses(rows, targets: targets).total - below.losses(rows, targets: targets).total)
      / (2 * step)
  }
}
