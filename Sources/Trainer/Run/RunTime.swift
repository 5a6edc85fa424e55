// The time of a run by its parts, from what was measured of this machine. Comes in: seconds of a step, of a row
// and of a token, and bytes per second. Leaves: seconds of training, checkpoints, the final figures and the loss.

import Shared

/// The time that a run will take.
struct RunTime {
  private let speed: BilledSpeed
  private let settings: TrainSettings
  private let evaluation: EvaluateSettings
  private let configuration: SAEConfiguration
  private let steps: Int
  private let whileTraining: EvaluationSchedule?

  init(
    _ speed: BilledSpeed, _ settings: TrainSettings, _ evaluation: EvaluateSettings,
    _ configuration: SAEConfiguration, steps: Int, whileTraining: EvaluationSchedule? = nil
  ) {
    self.whileTraining = whileTraining
    self.speed = speed
    self.settings = settings
    self.evaluation = evaluation
    self.configuration = configuration
    self.steps = steps
  }

  var parts: [StageBill.Part] {
    [
      .init("training", seconds: training),
      .init("evaluations while training", seconds: evaluating),
      .init("checkpoints", seconds: checkpoints),
      .init("evaluation", seconds: measuring), .init("loss", seconds: loss),
    ].filter { $0.seconds > 0 }
  }

  private var training: Double {
    // A thread of its own brings rows from the cache into batches of float32.
    let batchBytes = settings.trainBatchSizeTokens * (speed.rowByteCount + 8 * configuration.dIn)
    let reading = Double(batchBytes) / speed.run.copy / Double(max(1, Parallel.threadCount))
    return computing + Double(steps) * reading
  }

  /// The seconds of all steps, from some of them.
  private var computing: Double {
    let decay = LatentDecay(settings, configuration)
    let dead = DeadLatentDecay(settings, configuration)
    let count = min(steps, 1000)
    let sum = (0..<count).reduce(0.0) { sum, index in
      let step = index * steps / count
      return sum + seconds(l0: decay.l0(step: step)) + 2 * dead.share(step: step)
        * speed.run.revival
    }
    return sum * Double(steps) / Double(max(1, count))
  }

  /// The seconds of a step with so many active latents.
  private func seconds(l0: Double) -> Double {
    let run = speed.run
    guard case .above = configuration.selection else { return run.step }
    let latents = Double(configuration.dSae)
    if l0 > LatentDecay.denseShare * latents { return run.denseStep }
    let (from, to) = (Double(run.stepL0), Double(run.wideStepL0))
    guard to > from else { return run.step }
    return max(run.step / 2, run.step + (run.wideStep - run.step) * (l0 - from) / (to - from))
  }

  /// Those that are asked for, those that the clock asks for, and the last one.
  private var checkpoints: Double {
    let timed = Int(training / (settings.checkpointMinutes * 60))
    let count = min(settings.nCheckpoints, steps) + timed + 1
    let byteCount = 16 * Double(configuration.shape.count)
    // Written, and read again for its digests.
    return Double(count) * byteCount * (2 / speed.run.copy + 1 / speed.run.digest)
  }

  /// Rows and sequences of every evaluation before the last.
  private var evaluating: Double {
    guard let whileTraining else { return 0 }
    let count = Double(whileTraining.count(steps: steps))
    guard count > 0 else { return 0 }
    let rows = Double(min(whileTraining.tokens, speed.measuredRows))
    let row = speed.run.row + Double(speed.rowByteCount) / speed.run.copy
    var loss = 0.0
    if let seconds = speed.lossSeconds, evaluation.lossRecovered != false {
      // What zeros in the SAE's place do is measured once.
      loss = rows * (seconds * (2 * count + 1) / 3 + count * speed.run.row)
    }
    return count * rows * row + loss
  }

  private var measuring: Double {
    let rows = Double(min(evaluation.evalTokens, speed.measuredRows))
    return rows * (speed.run.row + Double(speed.rowByteCount) / speed.run.copy)
  }

  /// The model as it is, with the SAE and with zeros.
  private var loss: Double {
    guard let seconds = speed.lossSeconds, evaluation.lossRecovered != false else { return 0 }
    return Double(evaluation.lossTokens) * (seconds + speed.run.row)
  }
}
