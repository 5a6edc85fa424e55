import Foundation
import Shared
import Support
import Testing
import Trainer

/// Twenty steps as SAELens's trainer takes them.
@Suite struct EngineGoldenTests {
  private static let paths: [StepPath] = [.sparse, .dense]

  @Test(arguments: SAEGoldens.names, paths)
  func everyStepHasTheFiguresOfSAELens(name: String, path: StepPath) throws {
    let run = try GoldenRun(name, path)
    for (report, expected) in zip(run.reports, run.golden.steps) {
      #expect(close(report.mse, expected.mse))
      #expect(close(report.sparsity, expected.l1))
      #expect(close(report.auxiliary, expected.auxiliary))
      #expect(close(report.overall, expected.overall))
      #expect(close(report.l0, expected.l0))
      #expect(report.deadLatents == expected.dead)
    }
    #expect(run.passesSinceFired == run.golden.passesSinceFired)
    #expect(run.activeCounts == run.golden.activeCounts)
  }

  @Test(arguments: SAEGoldens.names, paths)
  func theFirstGradientIsThatOfSAELens(name: String, path: StepPath) throws {
    let run = try GoldenRun(name, path)
    for (values, expected) in zip(run.firstGradient, try SAEGoldens.tensors("\(name).gradient")) {
      #expect(worstError(values, expected) < 1e-4)
    }
  }

  @Test(arguments: SAEGoldens.names, paths)
  func theParametersAreThoseOfSAELensAfterTwentySteps(name: String, path: StepPath) throws {
    let run = try GoldenRun(name, path)
    for (values, expected) in zip(run.parameters, try SAEGoldens.tensors("\(name).final")) {
      #expect(worstError(values, expected) < 1e-4)
    }
  }

  private func close(_ value: Double, _ expected: Double) -> Bool {
    abs(value - expected) <= 1e-5 * abs(expected)
  }
}

/// The run of a golden case by the engine.
private struct GoldenRun {
  let golden: SAEGoldens.Case
  var reports: [StepReport] = []
  var firstGradient: [[Float]] = []
  let parameters: [[Float]]
  let passesSinceFired: [Int]
  let activeCounts: [Int]

  init(_ name: String, _ path: StepPath) throws {
    golden = try #require(try SAEGoldens.read().cases[name])
    let settings = golden.settings.train
    let batches = try SAEGoldens.floats("batches")
    let configuration = SAEConfiguration(settings, dIn: SAEGoldens.dIn)
    let schedule = Schedule(settings, totalSteps: golden.steps.count)
    var engine = Engine(configuration, batchRows: SAEGoldens.rows, path: path)
    var state = try golden.initialState()
    let size = SAEGoldens.rows * SAEGoldens.dIn
    for step in golden.steps.indices {
      let scale = golden.settings.inputScale ?? 1
      let batch = batches[step * size..<(step + 1) * size].map { $0 * scale }
      reports.append(
        engine.step(
          batch.span, state: &state, learningRate: schedule.learningRate(step: step),
          sparsityCoefficient: schedule.sparsityCoefficient(step: step)))
      if step == 0 { firstGradient = engine.gradient.tensors }
    }
    parameters = state.parameters.tensors
    passesSinceFired = (0..<SAEGoldens.dSae).map { Int(state.passesSinceFired[$0]) }
    activeCounts = (0..<SAEGoldens.dSae).map { Int(state.activeCounts[$0]) }
  }
}
