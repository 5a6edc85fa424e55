// What a run reads. Comes in: a pipeline file. Leaves: the caches that it names, and with them the
// key of the run.

package import Shared

/// The caches that a run reads.
package struct RunInput: Sendable {
  package let source: TrainingSource
  /// Where a transcoder's targets come from.
  package let targets: TrainingSource?

  /// Finds them and refuses a pipeline file that says something else than they do.
  package static func find(
    _ pipeline: Pipeline, verify: StageFolder.Verification = .sizes
  ) throws -> RunInput {
    let source = try TrainingSource.find(pipeline, verify: verify)
    try source.check(against: pipeline)
    let targets = try TrainingSource.findTargets(pipeline, of: source, verify: verify)
    try (targets ?? source).checkWidth("train.d_out", pipeline.train.dOut)
    return RunInput(source: source, targets: targets)
  }

  /// The formulas' constants of a run over these caches.
  func configuration(_ settings: TrainSettings) -> SAEConfiguration {
    SAEConfiguration(settings, dIn: source.facts.dIn, dOut: targets?.facts.dIn)
  }

  /// The key of the run of a pipeline file over these caches, with the SAE that it starts from.
  func key(_ pipeline: Pipeline, pretrained: PretrainedSAE?) -> StageKey {
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
