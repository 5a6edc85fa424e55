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
      "train.dead_feature_window is \(window), but the run has \(steps) steps: no latent counts "
    guard let option = revival else { return nil }
    return runs
      + "as dead, and \(option) does nothing; set dead_feature_window to \(suggestedWindow)"
  }

  /// The option by which dead latents would learn again; nil where none is set.
  private var revival: String? {
    switch settings.architecture {
    case .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk, .groupmax:
      settings.auxLossCoefficient > 0 ? "train.aux_loss_coefficient" : nil
    case .jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder:
      (settings.preActLossCoefficient ?? 0) > 0 ? "train.pre_act_loss_coefficient" : nil
    case .standard: settings.useGhostGrads ? "train.use_ghost_grads" : nil
    default: nil
    }
  }

  /// A tenth of the run.
  private var suggestedWindow: Int { max(1, steps / 10) }

  /// A sentence for everything that should be changed.
  package func sentences(_ figures: Figures) -> [String] {
    [unknownDead, dense(figures), dying(figures), harmlessAblation(figures)].compactMap(\.self)
  }

  private var unknownDead: String? {
    guard !knowsDeadLatents else { return nil }
    return "Dead latents are not known: the run has \(steps) steps, no more than "
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
    let more = "or train longer (\(steps) steps)"
    switch settings.architecture {
    case .standard, .gated, .transcoder, .skipTranscoder, .pAnneal:
      return
        "raise train.l1_coefficient (now \(text(settings.l1Coefficient))) two to five times, \(more)"
    case .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk, .groupmax:
      return "lower train.k (now \(text(settings.k))); 20 to 100 are usual"
    case .jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder:
      return settings.jumpreluSparsityLossMode == .quadratic
        ? "lower train.target_l0 (now \(text(settings.targetL0 ?? 0))), or raise train.l0_coefficient "
          + "(now \(text(settings.l0Coefficient)))"
        : "raise train.l0_coefficient (now \(text(settings.l0Coefficient))) two to five times, \(more)"
    case .matchingPursuit:
      return "raise train.residual_threshold (now \(text(settings.residualThreshold))), or set "
        + "train.max_iterations to the L0 that is wanted"
    }
  }

  /// How more latents of an architecture stay alive.
  private var livelier: String {
    let rate = "lower train.lr (now \(text(settings.lr))) or take fewer latents"
    let warmUp = max(1, steps / 20)
    switch settings.architecture {
    case .standard:
      return "lower train.l1_coefficient (now \(text(settings.l1Coefficient))), let it grow over "
        + "l1_warm_up_steps (now \(settings.l1WarmUpSteps); \(warmUp) are usual), or \(rate)"
    case .gated, .transcoder, .skipTranscoder, .pAnneal:
      return "lower train.l1_coefficient (now \(text(settings.l1Coefficient))), or \(rate)"
    case .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk, .groupmax:
      if settings.auxLossCoefficient == 0 {
        return "set train.aux_loss_coefficient (now 0) to 1, or \(rate)"
      }
      if settings.deadFeatureWindow > steps / 4 {
        return "set train.dead_feature_window (now \(settings.deadFeatureWindow)) to "
          + "\(suggestedWindow), so that the auxiliary loss acts earlier, or \(rate)"
      }
      return "raise train.k (now \(text(settings.k))), or \(rate)"
    case .jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder:
      let loss =
        settings.preActLossCoefficient == nil ? "set train.pre_act_loss_coefficient to 3e-6, " : ""
      return
        "\(loss)lower train.l0_coefficient (now \(text(settings.l0Coefficient))), let it grow over "
        + "l0_warm_up_steps (now \(settings.l0WarmUpSteps); \(warmUp) are usual), or \(rate)"
    case .matchingPursuit: return rate
    }
  }

  private func text(_ number: Double) -> String { JSON.number(number).canonical }
}
