import Foundation
import Shared
import Testing
import Trainer

/// Steps at the size of a real run; `SAELINE_BENCH=1` switches it on.
@Suite(
  .serialized, .enabled(if: ProcessInfo.processInfo.environment["SAELINE_BENCH"] == "1"))
struct StepBenchmark {
  private static let dIn = 1024
  private static let dSae = 16384
  private static let rows = 4096
  private static let flops = 2 * Double(dIn) * Double(dSae) * Double(rows)

  @Test(arguments: [Architecture.topk, .standard])
  func trainingSteps(architecture: Architecture) {
    let peak = Self.bestProduct()
    var settings = TrainSettings()
    settings.architecture = architecture
    settings.dSae = Self.dSae
    settings.k = 64
    var engine = Engine(
      SAEConfiguration(settings, dIn: Self.dIn), batchRows: Self.rows, path: .sparse)
    var state = Self.state(architecture)
    let batch = Self.batch()
    var best = (seconds: Double.infinity, times: StepTimes(), l0: 0.0)
    for _ in 0..<4 {
      let start = System.uptime
      let report = engine.step(
        batch.span, state: &state, learningRate: 1e-6, sparsityCoefficient: 1e-3)
      let seconds = System.uptime - start
      if seconds < best.seconds { best = (seconds, engine.times, report.l0) }
    }
    print(
      String(
        format: "%@ at L0 %.0f: %.0f activations/s, %.2f s a step; product %.0f GFLOP/s, encoding "
          + "%.0f (%.0f %%); the product alone would allow %.0f activations/s",
        architecture.rawValue, best.l0, Double(Self.rows) / best.seconds, best.seconds,
        Self.flops / peak / 1e9, Self.flops / best.times.encode / 1e9,
        100 * peak / best.times.encode, Double(Self.rows) / peak))
    print(best.times)
  }

  /// Seconds of the encoder's product by itself, the best of three.
  private static func bestProduct() -> Double {
    let weights = Matrix(rows: dSae, columns: dIn)
    let input = Matrix(rows: rows, columns: dIn)
    let output = Matrix(rows: rows, columns: dSae)
    return (0..<3).map { _ in
      let start = System.uptime
      output.disjoint.withAll { output in
        Multiply.product(
          rows: rows, columns: dSae, inner: dIn, input.span, .plain, weights.span, .transposed,
          into: &output)
      }
      return System.uptime - start
    }.min() ?? .infinity
  }

  /// Fresh weights; biases that leave about 64 latents of a ReLU SAE active.
  private static func state(_ architecture: Architecture) -> TrainingState {
    var state = TrainingState(dIn: dIn, dSae: dSae)
    var draw = InitialDraw()
    draw.rowNorm = 1
    state.parameters = .initial(state.parameters.shape, draw)
    guard architecture == .standard else { return state }
    for latent in 0..<dSae { state.parameters.encoderBias.buffer[latent] = -2.66 }
    return state
  }

  private static func batch() -> [Float] {
    let random = Random(seed: 2, stream: "batch")
    return (0..<rows * dIn).map { Float(random.normal($0)) }
  }
}
