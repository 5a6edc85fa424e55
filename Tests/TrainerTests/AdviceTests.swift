import Shared
import Testing
import Trainer

@Suite("What should be changed")
struct AdviceTests {
  private func settings(_ architecture: Architecture) -> TrainSettings {
    var settings = TrainSettings()
    settings.architecture = architecture
    settings.targetL0 = 40
    return settings
  }

  private func advice(
    _ architecture: Architecture, steps: Int = 5000, _ figures: Figures
  ) -> [String] {
    Advice(settings(architecture), steps: steps, dIn: 100).sentences(figures)
  }

  static let dense: [(Architecture, String)] = [
    (
      .standard,
      "raise train.l1_coefficient (now 1) two to five times, or train longer (5000 steps)"
    ),
    (
      .gated, "raise train.l1_coefficient (now 1) two to five times, or train longer (5000 steps)"
    ),
    (.topk, "lower train.k (now 100); a tenth of d_in or less is usual"),
    (.batchtopk, "lower train.k (now 100); a tenth of d_in or less is usual"),
    (
      .jumprelu,
      "raise train.l0_coefficient (now 1) two to five times, or train longer (5000 steps)"
    ),
    (
      .matchingPursuit,
      "raise train.residual_threshold (now 0.01), or set train.max_iterations to the L0 that is wanted"
    ),
  ]

  @Test(
    "An L0 above a quarter of the width is no sparse code, and each architecture has its remedy",
    arguments: dense)
  func denseCode(architecture: Architecture, remedy: String) {
    #expect(
      advice(architecture, [.finalL0: 26]) == [
        "This is no sparse code: L0 is 26.00, more than a quarter of d_in (100); \(remedy)."
      ])
    #expect(advice(architecture, [.finalL0: 25]) == [])
  }

  static let dying: [(Architecture, String)] = [
    (
      .standard,
      "lower train.l1_coefficient (now 1), let it grow over l1_warm_up_steps (now 0; 250 are usual), "
        + "or lower train.lr (now 0.0003) or take fewer latents"
    ),
    (
      .gated,
      "lower train.l1_coefficient (now 1), let it grow over l1_warm_up_steps (now 0; 250 are usual), "
        + "or lower train.lr (now 0.0003) or take fewer latents"
    ),
    (.topk, "raise train.k (now 100), or lower train.lr (now 0.0003) or take fewer latents"),
    (
      .jumprelu,
      "set train.pre_act_loss_coefficient to 3e-6, lower train.l0_coefficient (now 1), let it grow "
        + "over l0_warm_up_steps (now 0; 250 are usual), or lower train.lr (now 0.0003) or take fewer "
        + "latents"
    ),
    (.matchingPursuit, "lower train.lr (now 0.0003) or take fewer latents"),
  ]

  @Test("Where most latents are dead, each architecture has its remedy", arguments: dying)
  func dyingLatents(architecture: Architecture, remedy: String) {
    #expect(
      advice(architecture, [.latentCount: 100, .deadInTraining: 51]) == [
        "Most latents are dead (51 of 100): \(remedy)."
      ])
    #expect(advice(architecture, [.latentCount: 100, .deadInTraining: 50]) == [])
  }

  @Test("AuxK that was switched off, or that acts too late, is the first thing to change")
  func auxiliary() {
    var off = settings(.topk)
    off.auxLossCoefficient = 0
    let figures: Figures = [.latentCount: 10, .deadInTraining: 9]
    #expect(
      Advice(off, steps: 5000, dIn: 100).sentences(figures) == [
        "Most latents are dead (9 of 10): set train.aux_loss_coefficient (now 0) to 1, or lower train.lr "
          + "(now 0.0003) or take fewer latents."
      ])
    #expect(
      advice(.topk, steps: 2000, figures) == [
        "Most latents are dead (9 of 10): set train.dead_feature_window (now 1000) to 200, so that the "
          + "auxiliary loss acts earlier, or lower train.lr (now 0.0003) or take fewer latents."
      ])
  }

  @Test(
    "A run no longer than the window knows no dead latents, and is warned of what that switches off"
  )
  func shortRun() {
    let short = Advice(settings(.topk), steps: 1000, dIn: 100)
    #expect(!short.knowsDeadLatents)
    #expect(
      short.warning
        == "train.dead_feature_window is 1000, but the run has 1000 steps: no latent counts as dead, and "
        + "train.aux_loss_coefficient does nothing; set dead_feature_window to 100")
    #expect(
      short.sentences([.latentCount: 10]) == [
        "Dead latents are not known: the run has 1000 steps, no more than train.dead_feature_window "
          + "(1000); set it to 100."
      ])
    #expect(Advice(settings(.topk), steps: 1001, dIn: 100).warning == nil)
    #expect(Advice(settings(.standard), steps: 10, dIn: 100).warning == nil)
  }

  @Test("Where ablation does not hurt, no share of it is named")
  func harmlessAblation() {
    let means: Figures = [
      .lossWithoutSAE: 3.3, .lossWithSAE: 3.304, .lossWithAblation: 3.309,
      .divergenceWithSAE: 0.001, .divergenceWithAblation: 0.002,
    ]
    let loss = LossRecovered(source: .heldOut, means: means)
    let shown = loss.figures.meaningful
    #expect(shown[.lossScore] == nil && shown[.divergenceScore] == nil)
    // Files keep what SAELens computes.
    #expect(loss.figures[.lossScore] != nil && loss.figures[.divergenceScore] == 0.5)
    #expect(
      advice(.standard, loss.figures) == [
        "Loss recovered says nothing here: zeros in the place of the activations cost the model less than "
          + "0.01 nats (CE 3.300 → 3.309); take a hook point that the model depends on."
      ])
    let better = LossRecovered(
      source: .heldOut,
      means: means.merging([.lossWithAblation: 3.2, .divergenceWithAblation: 0.5]))
    #expect(better.figures.meaningful[.lossScore] == nil)
    #expect(better.figures.meaningful[.divergenceScore] == 1 - 0.001 / 0.5)
    let plain = LossRecovered(source: .heldOut, means: means.merging([.lossWithAblation: 5.3]))
    #expect(abs((plain.figures.meaningful[.lossScore] ?? 0) - 0.998) < 1e-9)
    #expect(advice(.standard, plain.figures) == [])
  }
}
