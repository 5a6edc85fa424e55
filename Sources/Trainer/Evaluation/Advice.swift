// What to change where the figures of an SAE say that it is no good one, or where they cannot be known. Comes
// in: figures and the settings of the run. Leaves: sentences with the options and the values that they have.

package import Shared

/// Looks at the figures of a finished run.
package struct Advice: Sendable {
  private let settings: TrainSettings
  private let steps: Int
  private let dIn: Int

  /// - Parameters:
  ///   - settings: those of the run.
  ///   - steps: of the whole run.
  ///   - dIn: the width of the activations.
  package init(_ settings: TrainSettings, steps: Int, dIn: Int) {
    self.settings = settings
    self.steps = steps
    self.dIn = dIn
  }

  /// Share of the width above which an L0 is no sparse code.
  private static let denseShare = 0.25

  /// Whether a latent can have been silent for longer than dead_feature_window.
  package var knowsDeadLatents: Bool { steps > settings.deadFeatureWindow }

  /// What a person should know before such a run starts; nil where there is nothing.
  package var warning: String? {
    guard !knowsDeadLatents else { return nil }
    let window = settings.deadFeatureWindow
    let runs =
      "train.dead_feature_window is \(window), but the run has \(Advice.count(steps)): no latent counts "
    guard let option = revival else { return nil }
    return runs
      + "as dead, and \(option) does nothing; set dead_feature_window to \(suggestedWindow)"
  }

  /// What the kind of SAE is sparse by.
  private var kind: any SAEArchitecture {
    settings.architecture.definition(
      settings, dIn: dIn, dSae: settings.latentCount(dIn: dIn) ?? dIn)
  }

  /// The option by which dead latents would learn again; nil where none is set.
  private var revival: String? {
    if kind.fixedL0 != nil {
      return settings.auxLossCoefficient > 0 ? "train.aux_loss_coefficient" : nil
    }
    // Other kinds do not have these.
    if (settings.preActLossCoefficient ?? 0) > 0 { return "train.pre_act_loss_coefficient" }
    return settings.useGhostGrads ? "train.use_ghost_grads" : nil
  }

  /// A tenth of the run.
  private var suggestedWindow: Int { max(1, steps / 10) }

  /// A sentence for everything that should be changed.
  package func sentences(_ figures: Figures) -> [String] {
    [unknownDead, dense(figures), dying(figures), harmlessAblation(figures)].compactMap(\.self)
  }

  private var unknownDead: String? {
    guard !knowsDeadLatents else { return nil }
    return "Dead latents are not known: the run has \(Advice.count(steps)), no more than "
      + "train.dead_feature_window (\(settings.deadFeatureWindow)); set it to \(suggestedWindow)."
  }

  private func dense(_ figures: Figures) -> String? {
    guard let l0 = figures[.finalL0], l0 > Advice.denseShare * Double(dIn) else { return nil }
    return "This is no sparse code: L0 is \(figures.text(.finalL0)), more than a quarter of d_in "
      + "(\(dIn)); \(sparser)."
  }

  private func dying(_ figures: Figures) -> String? {
    guard let count = figures[.latentCount], count > 0 else { return nil }
    let dead = knowsDeadLatents ? figures[.deadInTraining] : nil
    guard let dead, dead > count / 2 else { return nil }
    return "Most latents are dead (\(Int(dead)) of \(Int(count))): \(livelier)."
  }

  private func harmlessAblation(_ figures: Figures) -> String? {
    guard figures.meaningful[.lossScore] == nil, figures[.lossWithSAE] != nil else { return nil }
    return
      "Loss recovered says nothing here: zeros in the place of the activations cost the model less "
      + "than \(Figures.leastLoss) nats (CE \(figures.text(.lossWithoutSAE)) → "
      + "\(figures.text(.lossWithAblation))); take a hook point that the model depends on."
  }

  /// How an architecture becomes sparser.
  private var sparser: String {
    let more = "two to five times, or train longer (\(Advice.count(steps)))"
    if kind.fixedL0 != nil {
      return "lower train.k (now \(text(settings.k))); a tenth of d_in or less is usual"
    }
    switch kind.sparsity?.lossFigure {
    case .l0Loss? where settings.jumpreluSparsityLossMode == .quadratic:
      return "lower train.target_l0 (now \(text(settings.targetL0 ?? 0))), or raise "
        + "train.l0_coefficient (now \(text(settings.l0Coefficient)))"
    case .l0Loss?: return "raise train.l0_coefficient (now \(text(settings.l0Coefficient))) \(more)"
    case .some: return "raise train.l1_coefficient (now \(text(settings.l1Coefficient))) \(more)"
    case nil:
      return "raise train.residual_threshold (now \(text(settings.residualThreshold))), or set "
        + "train.max_iterations to the L0 that is wanted"
    }
  }

  /// How more latents of an architecture stay alive.
  private var livelier: String {
    let rate = "lower train.lr (now \(text(settings.lr))) or take fewer latents"
    if kind.fixedL0 != nil {
      if settings.auxLossCoefficient == 0 {
        return "set train.aux_loss_coefficient (now 0) to 1, or \(rate)"
      }
      if settings.deadFeatureWindow > steps / 4 {
        return "set train.dead_feature_window (now \(settings.deadFeatureWindow)) to "
          + "\(suggestedWindow), so that the auxiliary loss acts earlier, or \(rate)"
      }
      return "raise train.k (now \(text(settings.k))), or \(rate)"
    }
    switch kind.sparsity?.lossFigure {
    case .l0Loss?:
      let loss =
        settings.preActLossCoefficient == nil ? "set train.pre_act_loss_coefficient to 3e-6, " : ""
      return loss + gentler("l0", settings.l0Coefficient, settings.l0WarmUpSteps) + rate
    case .some: return gentler("l1", settings.l1Coefficient, settings.l1WarmUpSteps) + rate
    case nil: return rate
    }
  }

  private func gentler(_ loss: String, _ coefficient: Double, _ warmUp: Int) -> String {
    "lower train.\(loss)_coefficient (now \(text(coefficient))), let it grow over "
      + "\(loss)_warm_up_steps (now \(warmUp); \(max(1, steps / 20)) are usual), or "
  }

  private static func count(_ steps: Int) -> String { "\(steps) step\(steps == 1 ? "" : "s")" }

  private func text(_ number: Double) -> String { JSON.number(number).canonical }
}
