// An SAE that is only used: any folder that training may start from, for inference. Comes in: a folder of
// SAELens, of this program or of a peer. Leaves: codes and reconstructions of rows as a model has them.

import Shared

/// Opens SAEs for measuring.
package enum MeasuredSAE {
  /// Opens a folder, or the one file of a form that has no other.
  package static func open(_ path: String) throws -> TrainedSAE {
    if System.exists(path + "/" + Manifest.fileName) { return try TrainedSAE.open(path) }
    do { return try inferenceForm(PretrainedSAE.open(path)) } catch {
      guard let error = error as? PretrainedSAEError else { throw error }
      throw MeasuringError.noSAE(error)
    }
  }

  private static func inferenceForm(_ sae: PretrainedSAE) throws -> TrainedSAE {
    guard sae.sae.scale != .ofRun else { throw MeasuringError.unknownScale(path: sae.path) }
    var settings = TrainSettings()
    // Where a transcoder writes is asked for later, of the pipeline as well.
    if sae.sae.architecture.isTranscoder { settings.hookNameOut = "" }
    settings = try sae.settled(settings)
    let sizes = try sae.sizes()
    settings.dSae = sizes.dSae
    let configuration = SAEConfiguration(
      settings, dIn: sizes.dIn, dOut: settings.architecture.isTranscoder ? sizes.dOut : nil)
    try sae.check(for: configuration)
    var state = configuration.freshState()
    try sae.fill(&state, .identity, configuration)
    var pipeline = Pipeline()
    pipeline.train = settings
    let files = SAEFiles(
      pipeline: pipeline, configuration: configuration,
      facts: CacheFacts(
        modelName: "", hookName: "", dIn: sizes.dIn, contextSize: 0, rows: 0, mean: [],
        meanNorm: 0), normalization: .identity)
    return files.inferenceForm(state)
  }
}
