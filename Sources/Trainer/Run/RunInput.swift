// What a run reads. Comes in: caches, and the SAE that a run starts from. Leaves: the key of the run,
// and of the rows that it sees.

import Shared

/// What a run reads.
package struct RunInput: Sendable {
  package let source: TrainingSource
  /// Where a transcoder's targets come from.
  package let targets: TrainingSource?
  /// What it starts from instead of drawn weights.
  package let pretrained: PretrainedSAE?
  /// The folder of the model whose loss is measured in the end.
  let model: Resolved<String>

  /// Refuses a pipeline file that says something else than the caches and the SAE do.
  func check(against pipeline: Pipeline) throws {
    let settings = pipeline.train
    try source.check(against: pipeline)
    try source.checkPairing(targets)
    try (targets ?? source).checkWidth("train.d_out", settings.dOut)
    try pretrained?.check(for: configuration(settings))
  }

  /// The formulas' constants of a run over these caches.
  func configuration(_ settings: TrainSettings) -> SAEConfiguration {
    SAEConfiguration(settings, dIn: source.facts.dIn, dOut: targets?.facts.dIn)
  }

  /// The place of the run's SAE in the model; see `SplicePlan.make`.
  func splice(
    _ pipeline: Pipeline, filter: RowFilter? = nil
  ) throws(LossObstacle) -> SplicePlan {
    try SplicePlan.make(
      pipeline, model: model, source: source, targets: targets, filter: filter)
  }

  /// The key of the run of a pipeline file.
  func key(_ pipeline: Pipeline) -> StageKey {
    var settings = pipeline.train.settled(dIn: source.facts.dIn).fingerprintSettings.object ?? [:]
    // The weights count, not where they lie.
    settings["from_pretrained_path"] = nil
    if let targets { settings["targets"] = .string(targets.fingerprint) }
    return StageKey(
      stage: .runs, label: pipeline.name, settings: .object(settings),
      identities: pretrained?.identities ?? [:],
      input: source.fingerprint)
  }

  /// What decides the batches of a run over these caches: runs for which this is the same share them.
  func streamKey(_ settings: TrainSettings) -> String {
    streamKey(settings, [.rows, .stream])
  }

  /// What decides which rows are trained on.
  func rowKey(_ settings: TrainSettings) -> String { streamKey(settings, [.rows]) }

  private func streamKey(_ settings: TrainSettings, _ reaches: [Reach]) -> String {
    [
      source.fingerprint, targets?.fingerprint ?? "",
      settings.fingerprintSettings(reaching: reaches).canonical,
    ].joined(separator: "\n")
  }
}
