// The figures of any SAE, as SAELens's `run_evals` takes them. Comes in: an SAE, and a pipeline that names what
// it is measured on. Leaves: all figures and lists of latents; nothing is written.

package import Shared

/// One measurement of an SAE that need not be a run's.
package struct Measuring: Sendable {
  private let folder: String
  private let pipeline: Pipeline
  private let door: (any HubDoor)?
  private let mode: Shared.Progress.Mode
  private let terminal: Terminal

  /// - Parameters:
  ///   - folder: the SAE, in any form that training may start from.
  ///   - pipeline: model, text and hook point, where the folder does not say the latter.
  ///   - door: where a model that is not here is looked for.
  ///   - mode: whether progress is shown.
  ///   - terminal: where it is.
  package init(
    _ folder: String, _ pipeline: Pipeline, through door: (any HubDoor)? = nil,
    mode: Shared.Progress.Mode = .automatic, terminal: Terminal = .standardError
  ) {
    self.folder = folder
    self.pipeline = pipeline
    self.door = door
    self.mode = mode
    self.terminal = terminal
  }

  /// Measures on tokens where they and the model are here, else on cached rows, without the loss.
  package func run() throws -> MeasuredFigures {
    var sae = try MeasuredSAE.open(folder)
    let settled = try SAEPlace.read(folder).settled(
      pipeline, sae.configuration.name, folder: folder)
    var measured =
      switch try MeasuringGround.find(settled, through: door, folder: folder) {
      case .model(let plan, let sequences, let source):
        try measure(&sae, settled, plan, sequences, from: source)
      case .cache(let places, let filter, let contextSize):
        try measure(&sae, settled, places, filter, contextSize: contextSize)
      }
    measured.features.merge(FeatureFigures(sae))
    return measured
  }

  private func measure(
    _ sae: inout TrainedSAE, _ settled: Pipeline, _ plan: SplicePlan, _ sequences: [[UInt32]],
    from source: EvaluatedRows
  ) throws -> MeasuredFigures {
    try check(sae.configuration, settled, dIn: plan.dIn, dOut: plan.dOut)
    let progress = progress(sequences.count * plan.contextSize)
    var sums: SplicedSums? = SplicedSums(sae.configuration)
    let loss = try Splicing(plan, sequences: sequences).run(
      &sae, adding: &sums, source: source, progress: progress)
    progress.finish()
    guard let sums, (loss.figures[.lossTokens] ?? 0) > 0 else {
      throw MeasuringError.allLeftOut(place: folder)
    }
    return MeasuredFigures(
      folder: folder, figures: loss.figures.merging(sums.figures), features: sums.features,
      source: source, contextSize: plan.contextSize)
  }

  private func measure(
    _ sae: inout TrainedSAE, _ settled: Pipeline, _ places: PairedShards, _ filter: RowFilter,
    contextSize: Int
  ) throws -> MeasuredFigures {
    try check(
      sae.configuration, settled, dIn: places.dIn,
      dOut: places.isPaired ? places.dOut : places.dIn)
    var settings = EvaluateSettings()
    settings.evalTokens = settled.evaluate.evalTokens
    settings.reportLatents = 0
    let evaluating = try Evaluating(
      places, filter: filter, latentCount: sae.configuration.dSae, settings: settings, corpus: nil)
    let progress = progress(settings.evalTokens)
    let evaluation = try evaluating.run(
      &sae, deadInTraining: nil, deadFeatureWindow: settled.train.deadFeatureWindow,
      progress: progress)
    progress.finish()
    var features = FeatureFigures()
    features[.density] = evaluation.densities
    return MeasuredFigures(
      folder: folder, figures: evaluation.figures, features: features, source: evaluation.source,
      contextSize: contextSize)
  }

  private func progress(_ total: Int) -> Shared.Progress {
    Shared.Progress(stage: "measure", total: total, mode: mode, terminal: terminal)
  }

  private func check(
    _ configuration: SAEConfiguration, _ settled: Pipeline, dIn: Int, dOut: Int
  ) throws {
    let hook = settled.train.hookName ?? ""
    let sizes = [
      ("d_in", configuration.dIn, hook, dIn),
      ("d_out", configuration.dOut, settled.train.hookNameOut ?? hook, dOut),
    ]
    for (name, has, hook, width) in sizes where has != width {
      throw MeasuringError.otherWidth(
        folder: folder, name: name, has: has, hook: hook, width: width)
    }
  }
}
