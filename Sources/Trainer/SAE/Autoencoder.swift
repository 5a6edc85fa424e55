// What is trained: the parameters of an SAE and the state around them. Shapes: B rows of a batch,
// d = d_in, D = d_sae, o = d_out.

package import Shared

/// The parameters that an SAE may have.
package enum ParameterKind: String, CaseIterable, Sendable {
  case encoder
  case encoderBias = "encoder_bias"
  case decoder
  case decoderBias = "decoder_bias"
  case threshold
  case magnitudeBias = "magnitude_bias"
  case magnitudeScale = "magnitude_scale"
  case skip
  case latentScale = "latent_scale"
}

/// Rows and columns of a parameter.
package struct ParameterSize: Sendable, Equatable {
  package let rows: Int
  package let columns: Int

  fileprivate init(_ rows: Int, _ columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// The shape in files: a single row is a vector.
  package var stored: [Int] { rows == 1 ? [columns] : [rows, columns] }
}

/// Which parameters an SAE has, and how large they are.
package struct ParameterShape: Sendable, Equatable {
  package var dIn: Int
  package var dOut: Int
  package var dSae: Int
  package var hasEncoder = true
  package var hasThreshold = false
  package var isGated = false
  package var hasSkip = false
  package var hasLatentScale = false

  package init(
    dIn: Int, dOut: Int, dSae: Int, hasEncoder: Bool = true, hasThreshold: Bool = false,
    isGated: Bool = false, hasSkip: Bool = false, hasLatentScale: Bool = false
  ) {
    self.dIn = dIn
    self.dOut = dOut
    self.dSae = dSae
    self.hasEncoder = hasEncoder
    self.hasThreshold = hasThreshold
    self.isGated = isGated
    self.hasSkip = hasSkip
    self.hasLatentScale = hasLatentScale
  }

  /// Rows and columns of a parameter; nil where the SAE lacks it.
  package func size(_ kind: ParameterKind) -> ParameterSize? {
    switch kind {
    case .encoder: hasEncoder ? ParameterSize(dSae, dIn) : nil
    case .encoderBias: hasEncoder ? ParameterSize(1, dSae) : nil
    case .decoder: ParameterSize(dSae, dOut)
    case .decoderBias: ParameterSize(1, dOut)
    case .threshold: hasThreshold ? ParameterSize(1, dSae) : nil
    case .magnitudeBias, .magnitudeScale: isGated ? ParameterSize(1, dSae) : nil
    case .skip: hasSkip ? ParameterSize(dOut, dIn) : nil
    case .latentScale: hasLatentScale ? ParameterSize(1, dSae) : nil
    }
  }

  /// The parameters that there are, in the order in which they are stored.
  package var kinds: [ParameterKind] { ParameterKind.allCases.filter { size($0) != nil } }

  /// Numbers in all parameters together.
  package var count: Int {
    ParameterKind.allCases.reduce(0) { sum, kind in
      size(kind).map { sum + $0.rows * $0.columns } ?? sum
    }
  }
}

/// The parameters of an SAE, or anything of their shapes: gradients, Adam's moments.
///
/// A parameter that the SAE lacks has no elements.
package struct Parameters: ~Copyable, Sendable {
  package internal(set) var shape: ParameterShape
  /// W_encᵀ `[D, d]`: the weights of a latent are one row.
  package var encoder: Matrix
  /// b_enc `[1, D]`; gated's b_gate.
  package var encoderBias: Matrix
  /// W_dec `[D, o]`.
  package var decoder: Matrix
  /// b_dec `[1, o]`.
  package var decoderBias: Matrix
  /// θ `[1, D]` of jumprelu.
  package var threshold: Matrix
  /// b_mag `[1, D]` of gated.
  package var magnitudeBias: Matrix
  /// r_mag `[1, D]` of gated.
  package var magnitudeScale: Matrix
  /// W_skip `[o, d]`.
  package var skip: Matrix
  /// The factor of each latent that fine-tuning learns `[1, D]`.
  package var latentScale: Matrix

  /// Zeros.
  package init(_ shape: ParameterShape) {
    func matrix(_ kind: ParameterKind) -> Matrix {
      let size = shape.size(kind)
      return Matrix(rows: size?.rows ?? 0, columns: size?.columns ?? 0)
    }
    self.shape = shape
    encoder = matrix(.encoder)
    encoderBias = matrix(.encoderBias)
    decoder = matrix(.decoder)
    decoderBias = matrix(.decoderBias)
    threshold = matrix(.threshold)
    magnitudeBias = matrix(.magnitudeBias)
    magnitudeScale = matrix(.magnitudeScale)
    skip = matrix(.skip)
    latentScale = matrix(.latentScale)
  }

  /// Zeros of a plain SAE.
  package init(dIn: Int, dSae: Int) {
    self.init(ParameterShape(dIn: dIn, dOut: dIn, dSae: dSae))
  }

  /// Lends one parameter.
  package func with<Result>(
    _ kind: ParameterKind, _ body: (borrowing Matrix) throws -> Result
  ) rethrows -> Result {
    switch kind {
    case .encoder: try body(encoder)
    case .encoderBias: try body(encoderBias)
    case .decoder: try body(decoder)
    case .decoderBias: try body(decoderBias)
    case .threshold: try body(threshold)
    case .magnitudeBias: try body(magnitudeBias)
    case .magnitudeScale: try body(magnitudeScale)
    case .skip: try body(skip)
    case .latentScale: try body(latentScale)
    }
  }
}

extension Parameters {
  var isFinite: Bool {
    shape.kinds.allSatisfy { kind in with(kind) { $0.span.isFinite } }
  }
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
  /// The running mean of the least latent that batchtopk keeps.
  package var topkThreshold = 0.0

  /// A state before the first step with all parameters zero, but factors of latents one.
  package init(_ shape: ParameterShape) {
    parameters = Parameters(shape)
    firstMoment = Parameters(shape)
    secondMoment = Parameters(shape)
    passesSinceFired = AlignedBuffer(count: shape.dSae)
    activeCounts = AlignedBuffer(count: shape.dSae)
    for latent in 0..<parameters.latentScale.count { parameters.latentScale.buffer[latent] = 1 }
  }

  /// The state of a plain SAE.
  package init(dIn: Int, dSae: Int) {
    self.init(ParameterShape(dIn: dIn, dOut: dIn, dSae: dSae))
  }

  /// Whether every weight and every moment is a number, so that training can go on from here.
  package var isFinite: Bool {
    parameters.isFinite && firstMoment.isFinite && secondMoment.isFinite
      && topkThreshold.isFinite
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
  /// λ · mean_b S_b: the sparsity loss with its weight.
  package var sparsity = 0.0
  /// AuxK's loss with its coefficient, or gated's reconstruction by the gate.
  package var auxiliary = 0.0
  package var ghost = 0.0
  package var preAct = 0.0
  /// The losses of the inner widths of a matryoshka SAE.
  package var inner: [Double] = []
  /// mean_b of the number of active latents.
  package var l0 = 0.0
  /// 1 − mean‖x̂ − x‖² / mean‖x − x̄‖².
  package var explainedVariance = 0.0
  /// Dead latents before the step.
  package var deadLatents = 0
  /// Norm of the gradient before clipping.
  package var gradientNorm = 0.0

  package var overall: Double {
    mse + sparsity + auxiliary + ghost + preAct + inner.reduce(0, +)
  }
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
  /// AuxK, ghost gradients and the loss of dead latents' pre-activations.
  package var auxiliary = 0.0
  /// The decoder bias, the figures and the counters.
  package var rest = 0.0
  /// Clipping and Adam.
  package var update = 0.0

  package init() {}
}
