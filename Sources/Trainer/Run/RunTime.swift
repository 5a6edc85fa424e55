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

  init(
    _ speed: BilledSpeed, _ settings: TrainSettings, _ evaluation: EvaluateSettings,
    _ configuration: SAEConfiguration, steps: Int
  ) {
    self.speed = speed
    self.settings = settings
    self.evaluation = evaluation
    self.configuration = configuration
    self.steps = steps
  }

  var parts: [StageBill.Part] {
    [
      .init("training", seconds: training), .init("checkpoints", seconds: checkpoints),
      .init("evaluation", seconds: measuring), .init("loss", seconds: loss),
    ].filter { $0.seconds > 0 }
  }

  private var training: Double {
    let dense = Double(min(steps, denseSteps))
    // A thread of its own brings rows from the cache into batches of float32.
    let batchBytes = settings.trainBatchSizeTokens * (speed.rowByteCount + 8 * configuration.dIn)
    let reading = Double(batchBytes) / speed.run.copy / Double(max(1, Parallel.threadCount))
    return dense * speed.run.denseStep + (Double(steps) - dense) * speed.run.step
      + Double(steps) * reading
  }

  /// Steps until an SAE whose latents come of its training is sparse.
  private var denseSteps: Int { 0 }

  /// Those that are asked for, those that the clock asks for, and the last one.
  private var checkpoints: Double {
    let timed = Int(training / (settings.checkpointMinutes * 60))
    let count = min(settings.nCheckpoints, steps) + timed + 1
    let byteCount = 16 * Double(configuration.shape.count)
    // Written, and read again for its digests.
    return Double(count) * byteCount * (2 / speed.run.copy + 1 / speed.run.digest)
  }

  private var measuring: Double {
    let rows = Double(min(evaluation.evalTokens, speed.measuredRows))
    return rows * (speed.run.row + Double(speed.rowByteCount) / speed.run.copy)
  }

  /// The model as it is, with the SAE and with zeros.
  private var loss: Double {
    guard let seconds = speed.passSeconds, evaluation.lossRecovered != false else { return 0 }
    return Double(evaluation.lossTokens) * (3 * seconds + speed.run.row)
  }
}
