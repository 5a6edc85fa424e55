// How fast this machine is at a run, by steps of that very run on drawn rows: the encoder's product at its own
// width, the selection, the gathers of the decoder and Adam's passes are in them as they will be. What would
// take longer than a second is tried in part, and its phases are scaled by what they are proportional to.

package import Shared

/// Seconds of the parts of a run on this machine.
package struct RunSpeed: Sendable, Equatable {
  /// Of a step at `stepL0` active latents.
  package let step: Double
  package let stepL0: Int
  /// Of a step at `wideStepL0`, where that is an SAE whose L0 comes of its training.
  package let wideStep: Double
  package let wideStepL0: Int
  /// Of a step while half of the latents are active, as in a ReLU SAE that was just drawn.
  package let denseStep: Double
  /// That a step takes longer while half of the latents are dead and learn.
  package let revival: Double
  /// Of measuring a row of the finished SAE.
  package let row: Double
  /// Bytes per second of a copy, read and written counted once each.
  package let copy: Double
  /// Bytes per second of SHA-256.
  package let digest: Double
  /// How latents are screened, in a word; empty where nothing was measured.
  package let screening: String

  package init(
    step: Double, stepL0: Int = 0, wideStep: Double = 0, wideStepL0: Int = 0, denseStep: Double,
    revival: Double = 0, row: Double, copy: Double, digest: Double, screening: String = ""
  ) {
    self.step = step
    self.stepL0 = stepL0
    self.wideStep = wideStep
    self.wideStepL0 = wideStepL0
    self.denseStep = denseStep
    self.revival = revival
    self.row = row
    self.copy = copy
    self.digest = digest
    self.screening = screening
  }
}

/// Tries steps of runs.
package struct StepTrial {
  /// What a trial may hold and do: more is scaled from a part.
  private static let parameterLimit = 1 << 25
  private static let operationLimit = 4e10
  private static let measuredRows = 512

  private let configuration: SAEConfiguration
  private let rows: Int
  private let l0: Int
  /// How much larger the run is in rows, and in latents.
  private let rowShare: Double
  private let latentShare: Double

  /// A trial of steps on `batchRows` rows with `l0` active latents.
  private init(_ settings: TrainSettings, dIn: Int, dOut: Int?, batchRows: Int, l0: Int) {
    let whole = SAEConfiguration(settings, dIn: dIn, dOut: dOut)
    let latents = min(whole.dSae, max(l0, StepTrial.parameterLimit / max(1, dIn)))
    var part = settings
    part.dSae = latents
    part.expansionFactor = nil
    part.matryoshkaWidths = WholeNumbers(settings.matryoshkaWidths.values.filter { $0 < latents })
    configuration = SAEConfiguration(part, dIn: dIn, dOut: dOut)
    let perRow = 2 * Double(dIn) * Double(latents)
    rows = max(1, min(batchRows, max(64, Int(StepTrial.operationLimit / perRow))))
    self.l0 = min(l0, latents)
    rowShare = Double(batchRows) / Double(rows)
    latentShare = Double(whole.dSae) / Double(latents)
  }

  /// Measures what a run takes of this machine; a second or two.
  package static func measure(
    _ settings: TrainSettings, dIn: Int, dOut: Int?, l0: Int
  ) -> RunSpeed {
    let trial = StepTrial(
      settings, dIn: dIn, dOut: dOut, batchRows: settings.trainBatchSizeTokens, l0: l0)
    let batch = trial.batch(trial.rows)
    let latents = trial.configuration.dSae
    var (step, stepL0) = (0.0, min(l0, max(1, latents / 10)))
    var (wideStep, wideStepL0, denseStep) = (0.0, 0, 0.0)
    if case .above = trial.configuration.selection {
      wideStepL0 = max(1, latents / 10)
      stepL0 = min(stepL0, max(1, wideStepL0 / 4))
      step = trial.seconds(batch, l0: stepL0)
      wideStep = trial.seconds(batch, l0: wideStepL0)
      denseStep = trial.seconds(batch, l0: latents / 2)
    } else {
      step = trial.seconds(batch, l0: l0)
      denseStep = step
    }
    return RunSpeed(
      step: step, stepL0: stepL0, wideStep: wideStep, wideStepL0: wideStepL0, denseStep: denseStep,
      revival: trial.configuration.revivesLatents ? trial.revivalSeconds(batch, l0: stepL0) : 0,
      row: trial.rowSeconds(), copy: copySpeed, digest: digestSpeed,
      screening: ScreeningChoice.name(dIn: dIn))
  }

  /// Rows of the norm √d.
  private func batch(_ rows: Int) -> [Float] {
    let random = Random(seed: 1, stream: "trial")
    return (0..<rows * configuration.dIn).map { Float(random.normal($0)) }
  }

  /// A state in which a drawn row has about so many active latents.
  private func state(l0: Int) -> TrainingState {
    var state = configuration.freshState()
    var draw = InitialDraw()
    draw.rowNorm = 1
    state.parameters = .initial(configuration.shape, draw)
    for latent in 0..<state.parameters.latentScale.count {
      state.parameters.latentScale.buffer[latent] = 1
    }
    if case .above = configuration.selection {
      // A drawn row times a drawn latent of norm 1 is a normal number: a bias leaves l0 of them.
      let random = Random(seed: 2, stream: "trial")
      let drawn = (0..<4096).map { random.normal($0) }.sorted(by: >)
      let share = Double(l0) / Double(configuration.dSae)
      let bias = Float(-drawn[min(4095, Int(share * 4096))])
      for latent in 0..<state.parameters.encoderBias.count {
        state.parameters.encoderBias.buffer[latent] = bias
      }
    }
    return state
  }

  /// Seconds of a step of the run.
  private func seconds(_ batch: [Float], l0: Int) -> Double {
    seconds(batch, state(l0: l0), scaled)
  }

  /// Seconds of a step that half of the latents take for being dead.
  private func revivalSeconds(_ batch: [Float], l0: Int) -> Double {
    var state = state(l0: l0)
    for latent in 0..<configuration.dSae / 2 {
      state.passesSinceFired[latent] = Int32(clamping: configuration.deadFeatureWindow + 1)
      // So far below the others they stay dead: a drawn pre-activation is a normal number.
      if latent < state.parameters.encoderBias.count {
        state.parameters.encoderBias.buffer[latent] = -8
      }
    }
    return seconds(batch, state) { times, _ in times.auxiliary * rowShare * latentShare }
  }

  /// What `measured` usually makes of a step, whose times it is given with all that it took.
  private func seconds(
    _ batch: [Float], _ state: consuming TrainingState,
    _ measured: (_ times: StepTimes, _ elapsed: Double) -> Double
  ) -> Double {
    var engine = Engine(configuration, batchRows: rows, path: .sparse)
    let isPaired = configuration.dOut != configuration.dIn
    let targets = isPaired ? [Float](repeating: 1, count: rows * configuration.dOut) : []
    // Adam's step is too small to change what is active.
    return Trial.median {
      let start = System.uptime
      _ = engine.step(
        batch.span, targets: targets.span,
        state: &state, learningRate: 1e-12, sparsityCoefficient: 1e-3)
      return measured(engine.times, System.uptime - start)
    }
  }

  /// The time of a whole step from that of the trial's phases.
  private func scaled(_ times: StepTimes, _ elapsed: Double) -> Double {
    let known =
      times.encode + times.rows + times.latents + times.dense + times.rest + times.update
    return (times.encode + times.dense) * rowShare * latentShare
      + (times.rows + times.latents + times.rest + max(0, elapsed - times.auxiliary - known))
      * rowShare
      + times.update * latentShare
  }

  /// Seconds of encoding, reconstructing and summing up a row of the finished SAE.
  private func rowSeconds() -> Double {
    let state = state(l0: l0)
    var sae = TrainedSAE(configuration, state.takeParameters())
    let count = max(1, min(StepTrial.measuredRows, sae.batchRows, rows))
    let batch = batch(count)
    let (dOut, latents) = (configuration.dOut, configuration.dSae)
    let seconds = Trial.median {
      var sums = EvaluationSums(dIn: dOut, latentCount: latents)
      let start = System.uptime
      try? sae.encode(batch.span, rows: count) { offsets, latents, values, reconstruction in
        for row in 0..<count {
          let active = Int(offsets[row])..<Int(offsets[row + 1])
          let columns = row * dOut..<(row + 1) * dOut
          sums.add(
            row: reconstruction.extracting(columns),
            reconstruction: reconstruction.extracting(columns),
            latents: latents.extracting(active), values: values.extracting(active))
        }
        sums.endBatch(reconstruction)
      }
      return System.uptime - start
    }
    return seconds / Double(count) * latentShare
  }

  // MARK: - Bytes

  // What no run changes is measured once, however many runs are tried.
  private static let digestSpeed = Digest.measureSpeed()

  /// Bytes per second of a copy.
  private static let copySpeed: Double = {
    let source = AlignedBuffer<Float>(count: 8 << 20)
    var target = AlignedBuffer<Float>(count: source.count)
    let seconds = best(of: 3) {
      var to = target.mutableSpan
      Kernels.copy(source.span, to: &to)
    }
    return Double(8 * source.count) / seconds
  }()

  private static func best(of count: Int, _ body: () -> Void) -> Double {
    (0..<count).map { _ in
      let start = System.uptime
      body()
      return max(System.uptime - start, 1e-9)
    }.min() ?? 1
  }
}

extension TrainingState {
  /// The parameters alone.
  fileprivate consuming func takeParameters() -> Parameters {
    var result = Parameters(ParameterShape(dIn: 1, dOut: 1, dSae: 1))
    swap(&result, &parameters)
    return result
  }
}
