// What a run reads. Comes in: a pipeline file. Leaves: the caches that it names, and with them the
// key of the run, without the plan, which may take a while to make.

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

  /// The key of the run of a pipeline file over these caches.
  package func key(_ pipeline: Pipeline) throws -> StageKey {
    let configuration = SAEConfiguration(
      pipeline.train, dIn: source.facts.dIn, dOut: targets?.facts.dIn)
    let pretrained = try pipeline.train.fromPretrainedPath.map {
      try PretrainedSAE.open($0, for: configuration)
    }
    return key(pipeline, pretrained: pretrained)
  }

  /// As `key`, with the SAE that training starts from.
  func key(_ pipeline: Pipeline, pretrained: PretrainedSAE?) -> StageKey {
    var settings = pipeline.train.settled(dIn: source.facts.dIn).fingerprintSettings.object ?? [:]
    // The weights count, not where they lie.
    settings["from_pretrained_path"] = nil
    if let targets { settings["targets"] = .string(targets.fingerprint) }
    return StageKey(
      stage: .runs, label: pipeline.name, settings: .object(settings),
      identities: pretrained.map { ["from_pretrained_path": $0.digest] } ?? [:],
      input: source.fingerprint)
  }
}
