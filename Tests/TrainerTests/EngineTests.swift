import Shared
import Support
import Testing
import Trainer

/// What the two paths of the engine have in common, and its edges.
@Suite struct EngineTests {
  /// Widths that divide by no lane, more latents than a tile, more rows than a task.
  static let trials: [SAETrial] = architectures.flatMap { architecture in
    [(37, 129, 12), (37, 1500, 600), (16, 600, 1100), (3, 2, 1)].map { dIn, dSae, rows in
      SAETrial(architecture, dSae: dSae) { trial in
        trial.name = "\(architecture) \(dIn) \(dSae) \(rows)"
        (trial.dIn, trial.rows) = (dIn, rows)
        trial.settings.k = Double(min(20, dSae))
        trial.settings.matryoshkaWidths = WholeNumbers(dSae > 8 ? [dSae / 8, dSae / 2] : [1])
        trial.settings.jumpreluBandwidth = 0.2
        trial.settings.preActLossCoefficient = 0.1
        trial.dead = dSae > 100 ? Array(stride(from: 0, to: 100, by: 2)) : []
      }
    }
  }

  /// All but matching pursuit, which has one way of going.
  static let architectures: [Architecture] = [
    .standard, .gated, .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk, .jumprelu,
    .skipTranscoder, .jumpreluTranscoder,
  ]

  /// Biases that make a ReLU SAE sparse enough for the sparse path.
  private func sparseState(_ trial: SAETrial) -> TrainingState {
    var state = trial.state
    guard !trial.comparesLatents else { return state }
    for latent in 0..<trial.dSae { state.parameters.encoderBias.buffer[latent] -= 2.5 }
    return state
  }

  @Test(arguments: trials) func theSparsePathComputesWhatTheDenseOneDoes(trial: SAETrial) {
    var results: [[[Float]]] = []
    var reports: [[Figures]] = []
    for path in [StepPath.sparse, .dense] {
      var engine = trial.engine(path)
      var state = sparseState(trial)
      reports.append([])
      for step in 0..<4 {
        let (batch, targets) = (trial.batch(step), trial.targets(step))
        reports[reports.count - 1].append(
          engine.step(
            batch.span, targets: targets.span, state: &state, learningRate: 1e-3,
            sparsityCoefficient: trial.sparsityCoefficient))
      }
      results.append(
        ParameterKind.allCases.flatMap {
          [state.parameters.values($0), engine.gradient($0)]
        })
    }
    for (sparse, dense) in zip(results[0], results[1]) { #expect(worstError(sparse, dense) < 1e-3) }
    for (sparse, dense) in zip(reports[0], reports[1]) {
      #expect(sparse.l0 == dense.l0 && sparse.deadLatents == dense.deadLatents)
      #expect(abs(sparse.overall - dense.overall) < 1e-5 * dense.overall)
    }
  }

  @Test func aReLUBatchWithTooManyActiveLatentsTakesTheDensePathAndTheNextOneNeedNot() {
    let trial = SAETrial(.standard, dSae: 129) { $0.rows = 300 }
    var sparse = trial.engine(.sparse)
    var dense = trial.engine(.dense)
    var first = trial.state
    var second = trial.state
    for latent in 0..<129 {
      first.parameters.encoderBias.buffer[latent] += 3
      second.parameters.encoderBias.buffer[latent] += 3
    }
    let reports = [
      sparse.differentiate(trial.batch().span, state: &first, sparsityCoefficient: 0.1),
      dense.differentiate(trial.batch().span, state: &second, sparsityCoefficient: 0.1),
    ]
    // Bit for bit: only the same arithmetic does that.
    #expect(reports[0] == reports[1] && reports[0].l0 > 64)
    let isSame = sparse.gradientTensors == dense.gradientTensors
    #expect(isSame)
    var later = sparseState(trial)
    let report = sparse.differentiate(trial.batch().span, state: &later, sparsityCoefficient: 0.1)
    var fresh = trial.engine(.sparse)
    var again = sparseState(trial)
    let expected = fresh.differentiate(
      trial.batch().span, state: &again, sparsityCoefficient: 0.1)
    #expect(report == expected && report.l0 < 32)
  }

  @Test func aFewRowsWithVeryManyActiveLatentsDoNotMakeABatchDense() {
    let trial = SAETrial(.standard, dSae: 1500) { $0.rows = 64 }
    var batch = trial.batch()
    for column in 0..<trial.dIn { batch[5 * trial.dIn + column] *= 100 }
    var sparse = trial.engine(.sparse)
    var dense = trial.engine(.dense)
    var first = sparseState(trial)
    var second = sparseState(trial)
    let reports = [
      sparse.differentiate(batch.span, state: &first, sparsityCoefficient: 0.1),
      dense.differentiate(batch.span, state: &second, sparsityCoefficient: 0.1),
    ]
    #expect(sparse.times.dense == 0 && dense.times.dense > 0)
    // More than an eighth of the latents are active on the row alone.
    #expect(reports[0].l0 > 1500 / 8 / 64 && reports[0].l0 == reports[1].l0)
    for (a, b) in zip(sparse.gradientTensors, dense.gradientTensors) {
      #expect(worstError(a, b) < 1e-3)
    }
  }

  @Test(
    arguments: trials.filter {
      ![.batchtopk, .matryoshkaBatchtopk].contains($0.settings.architecture)
    })
  func encodingGivesCodesAndReconstruction(trial: SAETrial) throws {
    let rows = max(1, min(trial.rows, 1024) / 3)
    let batch = Array(trial.batch()[..<(rows * trial.dIn)])
    // Not made sparse: rows of a ReLU SAE with more active latents than a step has room for.
    var sae = TrainedSAE(trial.configuration, trial.state.parameters.copied())
    let expected = trial.doubleRows(batch).prefix(5).map { trial.reference.encode($0) }
    try sae.encode(batch.span, rows: rows) { offsets, latents, active, reconstruction in
      let width = trial.configuration.dOut
      #expect(offsets.count == rows + 1 && reconstruction.count == rows * width)
      for (row, expected) in expected.enumerated() {
        var values = [Float](repeating: 0, count: trial.dSae)
        for entry in Int(offsets[row])..<Int(offsets[row + 1]) {
          values[Int(latents[entry])] = active[entry]
        }
        let rebuilt = (0..<width).map { reconstruction[row * width + $0] }
        #expect(worstError(values, expected.activations.map { Float($0) }) < 1e-3)
        #expect(worstError(rebuilt, expected.reconstruction.map { Float($0) }) < 1e-3)
      }
    }
  }

  @Test(arguments: [Architecture.standard, .topk], [StepPath.sparse, .dense])
  func aDecoderRowOfZerosDoesNoHarm(architecture: Architecture, path: StepPath) {
    let trial = SAETrial(architecture) { $0.dead = Array(0..<8) }
    var engine = trial.engine(path)
    var state = trial.state
    for column in 0..<trial.dIn {
      state.parameters.decoder[5, column] = 0
      state.parameters.decoder[20, column] = 0
    }
    state.parameters.encoderBias.buffer[20] = 10
    let report = engine.step(
      trial.batch().span, state: &state, learningRate: 1e-3, sparsityCoefficient: 0.1)
    #expect(report.overall.isFinite)
    let numbers = (state.parameters.tensors + engine.gradientTensors).flatMap { $0 }
    #expect(numbers.allSatisfy { $0.isFinite })
    #expect((state.passesSinceFired[20] == 0) == (architecture == .standard))
  }

  @Test(arguments: [Architecture.standard, .topk], [StepPath.sparse, .dense])
  func withoutActiveLatentsOnlyTheDecoderBiasLearns(architecture: Architecture, path: StepPath) {
    let trial = SAETrial(architecture)
    var engine = trial.engine(path)
    var state = trial.state
    for latent in 0..<trial.dSae { state.parameters.encoderBias.buffer[latent] = -100 }
    let report = engine.differentiate(
      trial.batch().span, state: &state, sparsityCoefficient: 0.1)
    #expect(report.l0 == 0 && report.sparsity == 0 && report.mse > 0)
    let gradient = engine.gradientTensors
    #expect(gradient[0...2].joined().allSatisfy { $0 == 0 })
    #expect(gradient[3].contains { $0 != 0 })
    #expect((0..<trial.dSae).allSatisfy { state.passesSinceFired[$0] == 1 })
  }

  @Test func activityIsCountedUntilItIsReset() {
    let trial = SAETrial(.topk)
    var engine = trial.engine(.sparse)
    var state = trial.state
    let reports = (0..<3).map { step in
      engine.step(
        trial.batch(step).span, state: &state, learningRate: 0, sparsityCoefficient: 0)
    }
    let counts = (0..<trial.dSae).map { Int(state.activeCounts[$0]) }
    let active = reports.reduce(0) { $0 + $1.l0 } * Double(trial.rows)
    #expect(Double(counts.reduce(0, +)) == active.rounded())
    #expect(state.activeSamples == 3 * trial.rows && state.step == 3)
    state.resetActivityCounts()
    #expect((0..<trial.dSae).allSatisfy { state.activeCounts[$0] == 0 })
    #expect(state.activeSamples == 0)
  }
}

/// What must hold of a whole process: its threads and its allocations.
@Suite(.serialized) struct EngineProcessTests {
  @Test(arguments: EngineTests.trials)
  func theNumberOfThreadsChangesNoBit(trial: SAETrial) {
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    var results: [[[Float]]] = []
    var reports: [Figures] = []
    for threads in [1, 2] {
      Parallel.threadCount = threads
      var engine = trial.engine(.sparse)
      var state = trial.state
      for step in 0..<2 {
        let (batch, targets) = (trial.batch(step), trial.targets(step))
        reports.append(
          engine.step(
            batch.span, targets: targets.span, state: &state, learningRate: 1e-3,
            sparsityCoefficient: 0.1))
      }
      results.append(
        ParameterKind.allCases.flatMap {
          [state.parameters.values($0), state.secondMoment.values($0)]
        })
    }
    let isSame = results[0] == results[1] && reports[0...1] == reports[2...3]
    #expect(isSame)
  }

  /// Other tests allocate at the same time: it is enough that one of many steps counts none.
  @Test(arguments: EngineTests.trials)
  func aStepAllocatesNoBuffersOnceItIsWarm(trial: SAETrial) {
    var engine = trial.engine(.sparse)
    var state = trial.state
    let (batch, targets) = (trial.batch(), trial.targets())
    var least = Int.max
    for step in 0..<30 where least > 0 {
      let before = allocationCount
      _ = engine.step(
        batch.span, targets: targets.span, state: &state, learningRate: 1e-4,
        sparsityCoefficient: 0.1)
      if step > 3 { least = min(least, allocationCount - before) }
    }
    #expect(least == 0)
  }
}
