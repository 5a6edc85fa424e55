// Learning rate and sparsity weight as pure functions of the step.

import Foundation
package import Shared

/// The schedules of a run; steps count from 0.
package struct Schedule: Sendable {
  private let settings: TrainSettings
  private let totalSteps: Int

  package init(_ settings: TrainSettings, totalSteps: Int) {
    self.settings = settings
    self.totalSteps = totalSteps
  }

  /// The learning rate of a step: linear warm-up, the named schedule, linear decay to 0.
  ///
  /// As SAELens chains torch's LinearLR, the main scheduler and LinearLR.
  package func learningRate(step: Int) -> Double {
    let peak = settings.lr
    let warmUp = settings.lrWarmUpSteps
    let decay = settings.lrDecaySteps
    if step < warmUp { return peak * Double(step + 1) / Double(warmUp) }
    let decayStart = totalSteps - decay
    if decay > 0, step >= decayStart {
      let start = settings.lrSchedulerName == .constant ? peak : floor
      return start * (1 - Double(min(step - decayStart, decay)) / Double(decay))
    }
    return main(step - warmUp, length: max(1, totalSteps - warmUp - decay))
  }

  private var floor: Double { settings.lrEnd ?? settings.lr / 10 }

  private func main(_ step: Int, length: Int) -> Double {
    switch settings.lrSchedulerName {
    case .constant: settings.lr
    case .cosineAnnealing: cosine(step, period: length)
    case .cosineAnnealingWarmRestarts:
      restarting(step, period: max(1, length / settings.nRestartCycles))
    }
  }

  private func restarting(_ step: Int, period: Int) -> Double {
    cosine(step % period, period: period)
  }

  private func cosine(_ step: Int, period: Int) -> Double {
    floor + (settings.lr - floor) * (1 + cos(.pi * Double(step) / Double(period))) / 2
  }

  /// The weight of the sparsity loss: λ · min(step / warm-up steps, 1); 0 where there is none.
  ///
  /// Some architectures carry λ from step to step.
  package func sparsityCoefficient(
    step: Int, _ loss: SparsityLoss?, carried: [String: [Double]] = [:]
  ) -> Double {
    guard let loss else { return 0 }
    let coefficient = loss.carriedCoefficient.flatMap { carried[$0]?.first } ?? loss.coefficient
    guard loss.warmUpSteps > 0 else { return coefficient }
    return coefficient * min(Double(step) / Double(loss.warmUpSteps), 1)
  }
}
