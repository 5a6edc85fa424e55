// What is trained: the parameters of an SAE, the state around them, and the constants of its
// formulas. Shapes: B rows of a batch, d = d_in, D = d_sae.

package import Shared

/// The constants of an SAE's formulas.
package struct SAEConfiguration: Sendable, Equatable {
  package let architecture: Architecture
  package let dIn: Int
  package let dSae: Int
  package let k: Int
  package let auxLossCoefficient: Double
  package let rescaleActsByDecoderNorm: Bool
  package let lpNorm: Double
  package let applyBDecToInput: Bool
  package let adamBeta1: Double
  package let adamBeta2: Double
  package let deadFeatureWindow: Int

  /// The constants that a run's settings give for activations of width `dIn`.
  package init(_ settings: TrainSettings, dIn: Int) {
    architecture = settings.architecture
    self.dIn = dIn
    dSae = settings.latentCount(dIn: dIn) ?? 0
    k = Int(settings.k)
    auxLossCoefficient = settings.auxLossCoefficient
    rescaleActsByDecoderNorm = settings.rescaleActsByDecoderNorm
    lpNorm = settings.lpNorm
    applyBDecToInput = settings.applyBDecToInput
    adamBeta1 = settings.adamBeta1
    adamBeta2 = settings.adamBeta2
    deadFeatureWindow = settings.deadFeatureWindow
  }

  /// Whether latents are compared, and decoded, as if every decoder row had norm 1.
  var normalizesDecoder: Bool { architecture == .topk && rescaleActsByDecoderNorm }
}

/// The parameters of an SAE, or anything of their shapes: gradients, Adam's moments.
package struct Parameters: ~Copyable, Sendable {
  /// W_encᵀ `[D, d]`: the weights of a latent are one row.
  package var encoder: Matrix
  /// b_enc `[1, D]`.
  package var encoderBias: Matrix
  /// W_dec `[D, d]`.
  package var decoder: Matrix
  /// b_dec `[1, d]`.
  package var decoderBias: Matrix

  /// Zeros.
  package init(dIn: Int, dSae: Int) {
    encoder = Matrix(rows: dSae, columns: dIn)
    encoderBias = Matrix(rows: 1, columns: dSae)
    decoder = Matrix(rows: dSae, columns: dIn)
    decoderBias = Matrix(rows: 1, columns: dIn)
  }

  package var dIn: Int { decoder.columns }
  package var dSae: Int { decoder.rows }
}

/// All that changes from step to step; what a checkpoint must hold.
package struct TrainingState: ~Copyable, Sendable {
  package var parameters: Parameters
  package var firstMoment: Parameters
  package var secondMoment: Parameters
  /// Steps taken.
  package var step = 0
  /// Steps since each latent was last active, `[D]`.
  package var passesSinceFired: AlignedBuffer<Int32>
  /// Rows of the sampling window in which each latent was active, `[D]`.
  package var activeCounts: AlignedBuffer<Int32>
  /// Rows of the sampling window.
  package var activeSamples = 0

  /// A state before the first step with all parameters zero.
  package init(dIn: Int, dSae: Int) {
    parameters = Parameters(dIn: dIn, dSae: dSae)
    firstMoment = Parameters(dIn: dIn, dSae: dSae)
    secondMoment = Parameters(dIn: dIn, dSae: dSae)
    passesSinceFired = AlignedBuffer(count: dSae)
    activeCounts = AlignedBuffer(count: dSae)
  }

  /// Starts a new sampling window.
  package mutating func resetActivityCounts() {
    for latent in 0..<activeCounts.count { activeCounts[latent] = 0 }
    activeSamples = 0
  }

  /// Latents that have not been active for more than `window` steps.
  package func deadLatentCount(window: Int) -> Int {
    var count = 0
    for latent in 0..<passesSinceFired.count where passesSinceFired[latent] > window { count += 1 }
    return count
  }
}

/// The figures of one step, from the parameters before its update.
package struct StepReport: Sendable, Equatable {
  /// mean_b Σᵢ (x̂ − x)².
  package var mse = 0.0
  /// λ · mean_b S_b (standard).
  package var l1 = 0.0
  /// AuxK's loss with its coefficient (topk).
  package var auxiliary = 0.0
  /// mean_b of the number of active latents.
  package var l0 = 0.0
  /// 1 − mean‖x̂ − x‖² / mean‖x − x̄‖².
  package var explainedVariance = 0.0
  /// Dead latents before the step.
  package var deadLatents = 0

  package var overall: Double { mse + l1 + auxiliary }
}

/// Where the time of a step went, in seconds.
package struct StepTimes: Sendable {
  /// Norms, centring, the encoder's product and the selection of active latents.
  package var encode = 0.0
  /// Reconstruction, error and slopes, row by row.
  package var rows = 0.0
  /// Gradients, latent by latent.
  package var latents = 0.0
  /// The dense pass where it took over.
  package var dense = 0.0
  package var auxiliary = 0.0
  /// The decoder bias, the figures and the counters.
  package var rest = 0.0
  /// Clipping and Adam.
  package var update = 0.0

  package init() {}
}
