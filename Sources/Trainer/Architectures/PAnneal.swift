// The standard SAE with an exponent of sparsity that falls during training, dictionary_learning's
// p_anneal (Karvonen et al. 2024). The exponent moves at n steps U₀ < U₁ < … from p_start to p_end,
// and λ with it, so that λ·S stays where it was.
//
//   f = ReLU(a·W_enc + b_enc)      x̂ = f·W_dec + b_dec      N_b(p) = Σ_j f_j^p
//   S_b(p) = N_b(p) for Lp^p, N_b(p)^(1/p) for Lp      L = MSE + λ·mean_b S_b(p_i)
//
// With c = the number of U_m before step i: p_i = p_start for c = 0, else P_{c−1}, and next_i = P_c, or
// p_end after the last. From U₀ on the means of S(p) and S(next) of the last steps are kept; at each
// further U_m, λ ← λ · Σ S(p) / Σ S(next). The finished SAE is a standard one.

import Foundation
import Shared

struct PAnnealSAE: SAEArchitecture {
  /// The names of λ and of the kept means in checkpoints.
  private static let coefficientName = "sparsity_coefficient"
  private static let queueName = "sparsity_queue"

  private let dSae: Int
  private let isPower: Bool
  private let annealing: Annealing
  private let queueLength: Int
  private let loss: SparsityLoss

  init(_ settings: TrainSettings, dSae: Int) {
    self.dSae = dSae
    isPower = settings.own.sparsityFunction == .power
    queueLength = settings.own.sparsityQueueLength
    annealing = Annealing(settings.own, steps: settings.stepCount)
    var loss = SparsityLoss.l1(settings)
    loss.carriedCoefficient = Self.coefficientName
    self.loss = loss
  }

  var parameters: [ParameterKind] { [.encoder, .encoderBias] }

  var selection: Selection { .above(.zero) }

  var reconstructions: [RowReconstruction] { .single(dSae) }

  func differentiate(
    _ row: borrowing ActiveEntries, _ terms: borrowing LatentTerms,
    _ gradients: inout EntryGradients
  ) -> RowSparsity {
    let (exponent, next) = annealing.exponents(step: terms.step)
    var powers = SIMD2<Double>()
    for index in row.selected.indices {
      let value = Double(row.selected[index])
      powers += SIMD2(pow(value, exponent), next.map { pow(value, $0) } ?? 0)
    }
    let total = sparsity(powers.x, exponent)
    for index in row.selected.indices {
      let slope = slope(Double(row.selected[index]), exponent, total: total)
      gradients.preActivation[index] += Float(terms.rowCoefficient * slope)
    }
    return RowSparsity(
      loss: terms.rowCoefficient * total,
      watched: SIMD2(total, next.map { sparsity(powers.y, $0) } ?? 0))
  }

  /// S of a row with Σ f^p = `powers`.
  private func sparsity(_ powers: Double, _ exponent: Double) -> Double {
    isPower || exponent == 1 ? powers : pow(powers, 1 / exponent)
  }

  /// dS/df of an activation above zero: p·f^(p−1), or f^(p−1)·S^(1−p).
  private func slope(_ value: Double, _ exponent: Double, total: Double) -> Double {
    pow(value, exponent - 1) * (isPower ? exponent : pow(total, 1 - exponent))
  }

  var sparsity: SparsityLoss? { loss }

  var carried: [String: [Double]] {
    [Self.coefficientName: [loss.coefficient], Self.queueName: []]
  }

  func carry(_ carried: inout [String: [Double]], _ facts: StepFacts) {
    guard annealing.exponents(step: facts.step).next != nil else { return }
    // Means in float32, as the peer keeps them.
    let means = [facts.watched.x, facts.watched.y].map { Double(Float($0)) }
    let queue = Array(((carried[Self.queueName] ?? []) + means).suffix(2 * queueLength))
    carried[Self.queueName] = queue
    guard annealing.updates.contains(facts.step) else { return }
    let sums = queue.indices.reduce(into: SIMD2<Double>()) { $0[$1 % 2] += queue[$1] }
    let coefficient = carried[Self.coefficientName]?.first ?? loss.coefficient
    carried[Self.coefficientName] = [coefficient * Double(Float(sums.x / sums.y))]
  }

  var exportedName: Architecture? { .standard }
  var trainingOptions: [String] {
    Self.options.filter { $0 != "l1_warm_up_steps" } + ["l1_warm_up_steps"]
  }

  static let options = [
    "l1_coefficient", "l1_warm_up_steps", "sparsity_function", "p_start", "p_end", "anneal_start",
    "anneal_end", "n_sparsity_updates", "sparsity_queue_length",
  ]
}

/// The course of the exponent.
private struct Annealing: Sendable {
  /// The steps after which the exponent moves, ascending, and what it becomes.
  let updates: [Int]
  private let exponents: [Double]
  private let start: Double
  private let end: Double

  init(_ options: OwnOptions, steps: Int) {
    let last = options.annealEnd ?? steps
    let count = options.updateCount(steps: steps)
    start = options.pStart
    end = options.pEnd
    updates = Self.line(Double(options.annealStart), Double(last), count).map { Int($0) }
    exponents = Self.line(Float(start), Float(end), count).map { Double($0) }
  }

  /// p of a step, and what it becomes next; nil before the first update.
  func exponents(step: Int) -> (now: Double, next: Double?) {
    // The number of updates before the step; there are thousands at most, in order.
    var (low, high) = (0, updates.count)
    while low < high {
      let middle = (low + high) / 2
      if updates[middle] < step { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return (start, nil) }
    return (exponents[low - 1], low < exponents.count ? exponents[low] : end)
  }

  /// Numbers at even distances, counted from either end as torch.linspace does.
  private static func line<Value: BinaryFloatingPoint>(
    _ first: Value, _ last: Value, _ count: Int
  ) -> [Value] {
    guard count > 1 else { return [first] }
    let distance = (last - first) / Value(count - 1)
    return (0..<count).map { index in
      index < count / 2
        ? first + distance * Value(index) : last - distance * Value(count - 1 - index)
    }
  }
}
