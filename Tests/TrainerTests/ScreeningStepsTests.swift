import Shared
import Support
import Testing
import Trainer

/// Steps with every way of screening against steps without one.
@Suite struct ScreeningStepsTests {
  static let architectures: [Architecture] = [
    .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk, .standard, .gated, .jumprelu,
  ]

  /// Everything that a few steps leave.
  private func outcome(
    _ trial: SAETrial, _ batches: [[Float]], _ screening: ScreeningKind?, bias: Float
  ) -> ([[UInt32]], [Figures]) {
    var engine = Engine(
      trial.configuration, batchRows: trial.rows, path: .sparse, screening: screening)
    var state = trial.state
    if !trial.comparesLatents {
      for latent in 0..<trial.dSae { state.parameters.encoderBias.buffer[latent] += bias }
    }
    let figures = batches.map {
      engine.step(
        $0.span, state: &state, learningRate: 1e-3,
        sparsityCoefficient: trial.sparsityCoefficient)
    }
    let bits = ParameterKind.allCases.map {
      state.parameters.values($0).map { $0.isNaN ? UInt32.max : $0.bitPattern }
    }
    return (bits, figures)
  }

  private func trial(_ architecture: Architecture) -> SAETrial {
    SAETrial(architecture, dSae: 1100) { trial in
      (trial.dIn, trial.rows) = (50, 140)
      trial.settings.k = 9
      trial.settings.matryoshkaWidths = WholeNumbers([200, 600])
      trial.settings.jumpreluBandwidth = 0.2
    }
  }

  /// As text, in which what is not a number equals itself.
  private func lines(_ steps: [Figures]) -> [[String]] {
    steps.map { step in step.map { "\($0.figure.name) \($0.value)" } }
  }

  @Test(arguments: architectures, AdversarialRows.allCases)
  func changesNoBitOfASAE(architecture: Architecture, kind: AdversarialRows) {
    let trial = trial(architecture)
    let batches = (0..<3).map {
      kind.values(rows: trial.rows, width: trial.dIn, seed: 5 + $0)
    }
    let expected = outcome(trial, batches, nil, bias: -2.5)
    for screening in ScreeningKind.allCases where screening.isAvailable {
      let found = outcome(trial, batches, screening, bias: -2.5)
      let isSame = found.0 == expected.0
      #expect(isSame, "\(screening)")
      #expect(lines(found.1) == lines(expected.1))
    }
  }

  @Test func changesNoBitWhereMostLatentsAreActive() {
    let trial = trial(.standard)
    let batches = (0..<3).map { trial.batch($0) }
    let expected = outcome(trial, batches, nil, bias: 1)
    for screening in ScreeningKind.allCases where screening.isAvailable {
      let isSame = outcome(trial, batches, screening, bias: 1).0 == expected.0
      #expect(isSame, "\(screening)")
    }
  }

  @Test func changesNoBitWhereLatentsAreTheSame() {
    var trial = trial(.topk)
    trial.settings.rescaleActsByDecoderNorm = false
    var bits: [[[UInt32]]] = []
    for screening in [nil] + ScreeningKind.allCases.filter(\.isAvailable).map(Optional.some) {
      var engine = Engine(
        trial.configuration, batchRows: trial.rows, path: .sparse, screening: screening)
      var state = trial.state
      // Latents in twos and threes: which of them take part is a matter of their place alone.
      for latent in 0..<trial.dSae {
        for column in 0..<trial.dIn {
          state.parameters.encoder[latent, column] =
            state.parameters.encoder[
              latent % 400, column]
        }
        state.parameters.encoderBias.buffer[latent] =
          state.parameters.encoderBias.buffer[latent % 400]
      }
      for step in 0..<2 {
        let batch = trial.batch(step)
        _ = engine.step(
          batch.span, state: &state, learningRate: 1e-3, sparsityCoefficient: 0.1)
      }
      bits.append(state.parameters.tensors.map { $0.map(\.bitPattern) })
    }
    for other in bits.dropFirst() {
      let isSame = other == bits[0]
      #expect(isSame)
    }
  }
}
