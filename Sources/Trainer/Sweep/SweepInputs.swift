// What the runs of a sweep read, looked up once for all that read the same.

import Shared

/// The caches and SAEs that combinations start from, looked up once for each choice of them.
struct SweepInputs {
  private struct Hooks: Hashable {
    let input: String?
    let output: String?
    let isTranscoder: Bool
  }

  private let verify: StageFolder.Verification
  private var found: [Hooks: RunInput] = [:]
  private var opened: [String: PretrainedSAE] = [:]

  init(verify: StageFolder.Verification = .sizes) {
    self.verify = verify
  }

  /// Whether the caches of a combination were found for another one, or are its own choice; where all
  /// combinations train on the same caches, it is not the combination that lacks one.
  func isParticular(_ combination: Combination) -> Bool {
    found[hooks(combination.pipeline)] != nil
      || combination.choices.contains { TrainSettings.inputOptions.contains($0.name) }
  }

  private func hooks(_ pipeline: Pipeline) -> Hooks {
    let train = pipeline.train
    return Hooks(
      input: train.hookName, output: train.hookNameOut,
      isTranscoder: train.architecture.isTranscoder)
  }

  /// The caches of a pipeline file.
  mutating func input(_ pipeline: Pipeline) throws -> RunInput {
    let hooks = hooks(pipeline)
    let input = try found[hooks] ?? RunInput.find(pipeline, verify: verify)
    found[hooks] = input
    return input
  }

  /// A combination with what the SAE that its run starts from says, and that SAE; nil where weights are
  /// drawn.
  mutating func settled(_ combination: Combination) throws -> (Combination, PretrainedSAE?) {
    guard let path = combination.pipeline.train.fromPretrainedPath else {
      return (combination, nil)
    }
    let pretrained = try opened[path] ?? PretrainedSAE.open(path)
    opened[path] = pretrained
    return (combination.with(try pretrained.settled(combination.pipeline)), pretrained)
  }
}

/// Rows that a run of a sweep has prepared, for others that see the same.
package struct SharedRows {
  private var trainable: [String: TrainableRows] = [:]
  private var prepared: [String: PreparedRows] = [:]

  package init() {}

  /// Prepares a run, from what another one has read where it has.
  package mutating func prepare(_ plan: TrainingPlan) throws -> PreparedRun {
    let settings = plan.pipeline.train
    let input = RunInput(source: plan.source, targets: plan.targets)
    let (rowKey, streamKey) = (input.rowKey(settings), input.streamKey(settings))
    if let rows = prepared[streamKey] { return try plan.prepared(rows) }
    let rows =
      try trainable[rowKey]
      ?? TrainableRows(settings, plan.source, store: Store(plan.pipeline.store))
    trainable[rowKey] = rows
    let made = try PreparedRows(rows, settings, plan.source)
    prepared[streamKey] = made
    return try plan.prepared(made)
  }
}
