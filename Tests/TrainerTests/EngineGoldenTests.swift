// Twenty steps as the trainers of SAELens and its peers take them: figures, gradients, parameters and
// counters, by the sparse path and by the dense one.

import Foundation
import Shared
import Support
import Testing
import Trainer

@Suite struct EngineGoldenTests {
  private static let paths: [StepPath] = [.sparse, .dense]

  @Test func goldensAreFound() throws {
    #expect(try !SAEGoldens.cases().isEmpty)
  }

  @Test(arguments: try SAEGoldens.cases(), paths)
  func everyStepHasTheFiguresOfThePeer(golden: SAEGoldens.Case, path: StepPath) throws {
    let run = try GoldenRun(golden, path)
    for (report, expected) in zip(run.reports, golden.steps) {
      #expect(close(report.mse, expected["mse"]))
      #expect(close(report.sparsity, expected["l1"] ?? expected["l0_loss"]))
      #expect(close(report.auxiliary, expected["auxiliary"]))
      #expect(close(report.preAct, expected["pre_act"]))
      #expect(close(report.ghost, expected["ghost"]))
      #expect(close(report.overall, expected["overall"]))
      #expect(close(report.l0, expected["l0"]))
      #expect(report.deadLatents == expected["dead"]?.integer)
      for (loss, expected) in zip(report.inner, expected["inner"]?.array ?? []) {
        #expect(close(loss, expected))
      }
      #expect(report.inner.count == expected["inner"]?.array?.count ?? 0)
      if let norm = expected["norm"] { #expect(close(report.gradientNorm, norm, within: 2e-5)) }
    }
    for (threshold, expected) in zip(run.thresholds, golden.steps) {
      if let value = expected["topk_threshold"] { #expect(close(threshold, value)) }
    }
    #expect(run.passesSinceFired == golden.counts("passesSinceFired"))
    #expect(run.activeCounts == golden.counts("activeCounts"))
  }

  @Test(arguments: try SAEGoldens.cases(), paths)
  func theFirstGradientIsThatOfThePeer(golden: SAEGoldens.Case, path: StepPath) throws {
    let run = try GoldenRun(golden, path)
    for (step, gradient) in run.gradients {
      let prefix = golden.name + (step == 0 ? ".gradient" : ".gradient11")
      for (kind, values) in gradient {
        guard let expected = try SAEGoldens.tensor(prefix, kind, isGated: run.isGated) else {
          continue
        }
        #expect(worstError(values, expected) < 1e-4, "\(kind) of step \(step)")
      }
    }
  }

  @Test(arguments: try SAEGoldens.cases(), paths)
  func theParametersAreThoseOfThePeerAfterTwentySteps(
    golden: SAEGoldens.Case, path: StepPath
  ) throws {
    let run = try GoldenRun(golden, path)
    for (kind, values) in run.parameters {
      let expected = try #require(
        try SAEGoldens.tensor(golden.name + ".final", kind, isGated: run.isGated))
      #expect(worstError(values, expected) < 1e-4, "\(kind)")
    }
  }

  /// A figure that the golden case lacks is 0.
  private func close(_ value: Double, _ expected: JSON?, within: Double = 1e-5) -> Bool {
    let expected = expected?.double ?? 0
    return abs(value - expected) <= within * abs(expected)
  }
}

/// The run of a golden case by the engine.
private struct GoldenRun {
  let isGated: Bool
  var reports: [Figures] = []
  var thresholds: [Double] = []
  /// Of the first step, and of the first after ten.
  var gradients: [Int: [ParameterKind: [Float]]] = [:]
  var parameters: [ParameterKind: [Float]] = [:]
  let passesSinceFired: [Int]
  let activeCounts: [Int]

  init(_ golden: SAEGoldens.Case, _ path: StepPath) throws {
    let configuration = golden.configuration
    let settings = golden.settings
    isGated = configuration.name == .gated
    let batches = try #require(try SAEGoldens.floats("batches"))
    let targets = try #require(try SAEGoldens.floats("targets"))
    let schedule = Schedule(settings, totalSteps: golden.steps.count)
    var engine = Engine(configuration, batchRows: SAEGoldens.rows, path: path)
    var state = try golden.initialState()
    let size = SAEGoldens.rows * SAEGoldens.dIn
    let targetSize = configuration.dOut == SAEGoldens.dIn ? 0 : SAEGoldens.rows * SAEGoldens.dOut
    let scale = Float(golden.json["settings"]?["input_scale"]?.double ?? 1)
    var first = try golden.initialState()
    let batch = batches[0..<size].map { $0 * scale }
    let target = Array(targets[0..<targetSize])
    _ = engine.differentiate(
      batch.span, targets: target.span, state: &first,
      sparsityCoefficient: schedule.sparsityCoefficient(
        step: 0, configuration.architecture.sparsity, carried: first.carried))
    gradients[0] = engine.gradients
    for step in golden.steps.indices {
      let batch = batches[step * size..<(step + 1) * size].map { $0 * scale }
      let target = Array(targets[step * targetSize..<(step + 1) * targetSize])
      reports.append(
        engine.step(
          batch.span, targets: target.span, state: &state,
          learningRate: golden.rates?[step] ?? schedule.learningRate(step: step),
          sparsityCoefficient: schedule.sparsityCoefficient(
            step: step, configuration.architecture.sparsity, carried: state.carried),
          finetuningStep: settings.finetuningMethod == nil ? 0 : max(0, step - 9)))
      thresholds.append(state.topkThreshold)
      if step == 10 { gradients[step] = engine.gradients }
    }
    parameters = state.parameters.valuesByKind
    passesSinceFired = (0..<SAEGoldens.dSae).map { Int(state.passesSinceFired[$0]) }
    activeCounts = (0..<SAEGoldens.dSae).map { Int(state.activeCounts[$0]) }
  }
}
