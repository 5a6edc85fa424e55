// Training steps. Comes in: an architecture, and how many latents are active. Leaves: a step on one batch.

import Foundation
import Shared
import Trainer

/// Which latents of a step are active.
enum Activity {
  /// As many as `k` says.
  case sparse
  /// Half of them, as of a ReLU SAE that was just drawn.
  case dense
  /// As `sparse`, while a quarter of the latents is dead and learns.
  case reviving
}

/// Steps of a run on one batch; Adam's are too small to change what is active.
final class StepCase: Case {
  private let configuration: SAEConfiguration
  private var engine: Engine
  private var state: TrainingState
  private let rows: Int
  private let batch: [Float]
  private let targets: [Float]

  init(_ architecture: Architecture, _ activity: Activity, _ sizes: Sizes) {
    var settings = TrainSettings()
    settings.architecture = architecture
    settings.dSae = sizes.dSae
    settings.k = Double(sizes.k)
    settings.maxIterations = 4
    settings.matryoshkaWidths = WholeNumbers([sizes.dSae / 8, sizes.dSae / 2])
    let isPaired = architecture.isTranscoder
    configuration = SAEConfiguration(
      settings, dIn: sizes.dIn, dOut: isPaired ? sizes.dIn : nil)
    // A search goes through all latents for every latent that it takes.
    rows = architecture == .matchingPursuit ? sizes.rows / 4 : sizes.rows
    engine = Engine(configuration, batchRows: rows, path: .sparse)
    state = configuration.freshState()
    batch = drawn(rows * sizes.dIn, seed: 1)
    targets = isPaired ? drawn(rows * sizes.dIn, seed: 2) : []
    fill(activity, share: Double(sizes.k) / Double(sizes.dSae))
  }

  /// Rows of the decoder and the encoder get norm 1: a row's pre-activations are normal numbers then.
  private func fill(_ activity: Activity, share: Double) {
    var draw = InitialDraw()
    draw.rowNorm = 1
    state.parameters = .initial(configuration.shape, draw)
    for latent in 0..<state.parameters.latentScale.count {
      state.parameters.latentScale.buffer[latent] = 1
    }
    if case .above = configuration.selection {
      let bias = activity == .dense ? 0 : -Self.normalQuantile(1 - share)
      for latent in 0..<state.parameters.encoderBias.count {
        state.parameters.encoderBias.buffer[latent] = Float(bias)
      }
    }
    guard activity == .reviving else { return }
    for latent in 0..<configuration.dSae / 4 {
      state.passesSinceFired[latent] = Int32(clamping: configuration.deadFeatureWindow + 1)
      state.parameters.encoderBias.buffer[latent] = -8
    }
  }

  /// Where a normal number is below with this probability, by bisection.
  private static func normalQuantile(_ probability: Double) -> Double {
    var (low, high) = (-9.0, 9.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if 0.5 * erfc(-middle / 2.0.squareRoot()) < probability {
        low = middle
      } else {
        high = middle
      }
    }
    return low
  }

  func run() {
    let (batch, targets) = (batch, targets)
    _ = engine.step(
      batch.span, targets: targets.span, state: &state, learningRate: 1e-12,
      sparsityCoefficient: 1e-3)
  }

  var parts: [(String, Double)] {
    let times = engine.times
    return [
      ("encode", times.encode), ("rows", times.rows), ("latents", times.latents),
      ("dense", times.dense), ("auxiliary", times.auxiliary), ("rest", times.rest),
      ("update", times.update),
    ]
  }

  /// Of the encoder's product, which no way of training can do without.
  var operations: Double {
    2 * Double(rows) * Double(configuration.dIn) * Double(configuration.dSae)
  }

  var items: (count: Double, name: String) { (Double(rows), "activations") }
}
