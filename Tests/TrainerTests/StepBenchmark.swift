import Foundation
import Shared
import Testing
import Trainer

/// Steps at the size of a real run; `SAELINE_BENCH=1` switches it on.
///
/// Every round measures the encoder's product by itself and then a step, so that both see the same
/// machine; what is printed is the median over the rounds.
@Suite(
  .serialized, .enabled(if: ProcessInfo.processInfo.environment["SAELINE_BENCH"] == "1"))
struct StepBenchmark {
  private static let dIn = 1024
  private static let dSae = 16384
  private static let rows = 4096
  private static let rounds = 5

  /// A kind of SAE, and what its biases are: about 64 latents of a ReLU SAE are active at −2.66, half
  /// of them at 0.
  struct Case: Sendable, CustomTestStringConvertible {
    let architecture: Architecture
    var bias: Float = 0
    var testDescription: String { bias == 0 ? "\(architecture)" : "\(architecture), sparse" }
  }

  static let cases = [
    Case(architecture: .topk), Case(architecture: .standard, bias: -2.66),
    Case(architecture: .batchtopk), Case(architecture: .jumprelu, bias: -2.66),
    Case(architecture: .gated, bias: -2.66), Case(architecture: .standard),
  ]

  @Test(arguments: cases)
  func trainingSteps(of test: Case) {
    var bench = Bench(test)
    let batch = Self.batch
    bench.step(batch.span)
    let allocations = allocationCount
    let rounds = (0..<Self.rounds).map { _ in
      (product: bench.product(batch.span), step: bench.step(batch.span))
    }
    let speed = Self.median(rounds.map { Double(Self.rows) / $0.step.seconds })
    let flops = 2 * Double(Self.dIn) * Double(Self.dSae) * Double(Self.rows)
    let share = Self.median(rounds.map { $0.product / $0.step.times.encode })
    let rest = Self.median(rounds.map { 1 - $0.step.times.encode / $0.step.seconds })
    print(
      String(
        format: "%@, L0 %.0f: %.0f activations/s; the encoder, selection included, at %.0f %% of a "
          + "product of its size (%.0f GFLOP/s); everything else %.0f %% of the step; %ld allocations",
        test.testDescription, bench.l0, speed, 100 * share,
        flops / Self.median(rounds.map(\.product)) / 1e9, 100 * rest,
        allocationCount - allocations))
    print("  milliseconds: " + Self.split(rounds.map(\.step.times)))
  }

  @Test(arguments: [TensorType.float32, .bfloat16])
  func reading(type: TensorType) throws {
    let cache = try SyntheticCache(
      shards: 4, sequencesPerShard: 4 * Self.rows / SyntheticCache.contextSize / 4,
      dIn: Self.dIn, type: type)
    let source = try cache.source
    let filter = RowFilter(heldOut: HeldOut(fraction: 0))
    let loader = Loader(
      LoaderPlan(
        PairedShards(source),
        order: RowOrder(seed: 1, sizes: try TrainableRows(source, filter: filter).sizes),
        filter: filter),
      batchRows: Self.rows, firstStep: 0)
    var bench = Bench(Case(architecture: .topk))
    try loader.run {
      try loader.withNextBatch { batch, _ in _ = bench.step(batch) }
      let start = (uptime: System.uptime, waited: loader.secondsWaited)
      for _ in 0..<6 { try loader.withNextBatch { batch, _ in _ = bench.step(batch) } }
      print(
        String(
          format: "reading %@ shards: %.2f %% of the time of six steps was spent waiting",
          type.rawValue,
          100 * (loader.secondsWaited - start.waited) / (System.uptime - start.uptime)))
    }
  }

  private static var batch: [Float] {
    let random = Random(seed: 2, stream: "batch")
    return (0..<rows * dIn).map { Float(random.normal($0)) }
  }

  private static func split(_ times: [StepTimes]) -> String {
    let parts: [(String, KeyPath<StepTimes, Double>)] = [
      ("encode", \.encode), ("rows", \.rows), ("latents", \.latents), ("dense", \.dense),
      ("auxiliary", \.auxiliary), ("rest", \.rest), ("update", \.update),
    ]
    return parts.map { name, part in
      String(format: "%@ %.1f", name, 1000 * median(times.map { $0[keyPath: part] }))
    }.joined(separator: ", ")
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// An SAE that takes steps on one batch.
  private struct Bench: ~Copyable {
    private var engine: Engine
    private var state: TrainingState
    private let output = Matrix(rows: StepBenchmark.rows, columns: StepBenchmark.dSae)
    private(set) var l0 = 0.0

    init(_ test: Case) {
      var settings = TrainSettings()
      settings.architecture = test.architecture
      settings.dSae = StepBenchmark.dSae
      settings.k = 64
      let configuration = SAEConfiguration(settings, dIn: StepBenchmark.dIn)
      engine = Engine(configuration, batchRows: StepBenchmark.rows, path: .sparse)
      state = TrainingState(configuration.shape)
      var draw = InitialDraw()
      draw.rowNorm = 1
      state.parameters = .initial(configuration.shape, draw)
      for latent in 0..<StepBenchmark.dSae {
        state.parameters.encoderBias.buffer[latent] = test.bias
      }
    }

    @discardableResult
    mutating func step(_ batch: Span<Float>) -> (seconds: Double, times: StepTimes) {
      let start = System.uptime
      let report = engine.step(
        batch, state: &state, learningRate: 1e-6, sparsityCoefficient: 1e-3)
      let seconds = System.uptime - start
      l0 = report.l0
      return (seconds, engine.times)
    }

    /// Seconds of the encoder's product by itself.
    func product(_ input: Span<Float>) -> Double {
      let weights = state.parameters.encoder.span
      let start = System.uptime
      output.disjoint.withAll { output in
        Multiply.product(
          rows: StepBenchmark.rows, columns: StepBenchmark.dSae, inner: StepBenchmark.dIn, input,
          .plain, weights, .transposed, into: &output)
      }
      return System.uptime - start
    }
  }
}
