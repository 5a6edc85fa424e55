// What a finished run says of itself: its manifest, the tables at its end, and what --json prints.

package import Shared

extension Run {
  /// Writes the manifest, and removes the checkpoints that only served to continue.
  func finish(_ normalization: Normalization) throws {
    let evaluation = try Evaluation.read(run: folder.path)
    let details: [String: JSON] = [
      "d_in": .integer(plan.configuration.dIn), "d_sae": .integer(plan.configuration.dSae),
      "hook_name": .string(plan.source.facts.hookName),
      "model_name": .string(plan.source.facts.modelName),
      "steps": .integer(plan.steps), "tokens": .integer(plan.steps * plan.batchRows),
      "normalization_factor": .number(normalization.factor),
    ]
    try folder.finish(
      Manifest(
        key: key, name: pipeline.name, tool: "saeline-train \(Product.version)",
        shards: try SAEFiles.names.map { try folder.shard($0, rows: 0) },
        details: .object(details.merging(evaluation.members(.manifest)) { first, _ in first })
      ))
    try RunBeginning.remove(folder.path)
    try Checkpoints(plan, folder: folder.path, fingerprint: key.fingerprint).removeUnscheduled()
  }

  /// Writes the report, with what was seen of the latents.
  package func writeReport(_ latents: LatentReport) throws {
    try Report.write(run: folder.path, latents: latents, origin: origin())
  }

  /// Where the run's data came from, by folders of the store.
  private func origin() throws -> ReportOrigin {
    let (source, settings) = (plan.source, pipeline.pretokenize)
    func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
    let tokens = try source.tokens.flatMap { try store.find(stage: .tokens, fingerprint: $0) }
    let entries: [(String, String?)] = [
      ("run", name(folder.path)), ("fingerprint of the run", key.fingerprint),
      ("activations", name(source.folder)), ("fingerprint of the activations", source.fingerprint),
      ("hook point", source.facts.hookName),
      ("targets", plan.targets.map { "\($0.facts.hookName) of \(name($0.folder))" }),
      ("model", source.facts.modelName), ("tokens", tokens.map { name($0.path) }),
      ("fingerprint of the tokens", source.tokens),
      ("text", source.tokens == nil ? nil : settings.datasetPath),
      ("context size", "\(source.facts.contextSize)"),
      ("steps", "\(plan.steps) of \(plan.batchRows) tokens"),
      ("written by", "saeline-train \(Product.version)"),
    ]
    return ReportOrigin(
      tokens: plan.steps * plan.batchRows,
      entries: entries.compactMap { name, value in value.map { .init(name, $0) } })
  }

  /// The tables at the end of a run.
  package func printTables(_ extent: FinalTable.Extent = .everything) throws {
    guard mode != .quiet else { return }
    var stages: [FinalTable.Stage] = []
    if let tokens = try plan.source.tokens.flatMap({
      try store.find(stage: .tokens, fingerprint: $0)
    }) {
      stages.append(.init("pretokenize", folder: tokens.path))
    }
    stages.append(.init("cache", folder: plan.source.folder))
    stages.append(.init("train", folder: folder.path))
    FinalTable(
      name: pipeline.name, evaluation: try Evaluation.read(run: folder.path), stages: stages,
      run: folder.path
    ).print(extent, to: terminal)
  }

  /// Writes rows of the cache beside what the finished SAE makes of them; returns what `--json` prints.
  package func reconstruct() throws -> JSON {
    try requireFinished()
    guard !plan.source.shards.isEmpty else {
      throw TrainingSourceError.nothingToTrainOn(folder: plan.source.folder)
    }
    return try Reconstruction.write(plan.places, run: folder.path)
  }

  /// Refuses a run without its manifest, and one whose folder may not be changed.
  package func requireFinished() throws {
    guard try folder.manifest() != nil else {
      throw TrainedSAEError.notFinished(folder: folder.path)
    }
    try folder.requireWritten()
  }

  /// What `--json` prints.
  package func result(didWork: Bool) throws -> JSON {
    try Run.result(
      folder: folder, fingerprint: key.fingerprint, source: plan.source, didWork: didWork)
  }

  /// As `result`, of a finished run that need not be opened.
  package static func result(
    folder: StageFolder, fingerprint: String, source: TrainingSource, didWork: Bool
  ) throws -> JSON {
    let evaluation = try Evaluation.read(run: folder.path)
    let result: [String: JSON] = [
      "folder": .string(folder.path), "fingerprint": .string(fingerprint),
      "did_work": .bool(didWork), "activations": .string(source.folder),
      "report": .string(folder.path + "/" + Report.fileName),
    ]
    return .object(result.merging(evaluation.members(.result)) { first, _ in first })
  }
}
