// What the runs of a pipeline file read, each looked for once and before anything else. Comes in: the
// names in a pipeline file. Leaves: caches and the SAE that a run starts from, or all that is missing.

package import Shared

/// The inputs of the stage, looked up once for all runs that read the same.
package struct TrainInputs: Sendable {
  private let inputs: Inputs
  private let door: (any HubDoor)?
  private let verify: StageFolder.Verification
  private var caches: [String: TrainingSource] = [:]
  private var opened: [String: PretrainedSAE] = [:]

  /// `pipeline` may be any of a sweep's: its runs share model, tokenizer and text.
  ///
  /// The model is fetched where a loss is asked for; else it serves where it is here.
  package init(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil,
    verify: StageFolder.Verification = .sizes
  ) {
    let needsModel = pipeline.evaluate.lossRecovered == true
    inputs = Inputs(pipeline, through: needsModel ? door : door?.cached, text: door?.cached)
    self.door = door
    self.verify = verify
  }

  /// The folder of the model; nil where it is not here.
  var model: String? { inputs.model.value }

  /// A folder with the model's configuration; nil where it is nowhere.
  func modelDescription(_ pipeline: Pipeline) -> String? {
    model ?? InputResolver.modelDescription(pipeline.cache, through: door)
  }

  /// Whether a run's caches were all found before.
  func hasFound(_ pipeline: Pipeline) -> Bool {
    let hooks = try? TrainingSource.hookNames(pipeline)
    return hooks?.allSatisfy { caches[$0] != nil } ?? false
  }

  /// A pipeline file with what the SAE says that its run starts from; itself where that is not here.
  package mutating func settled(_ pipeline: Pipeline) throws -> Pipeline {
    guard let path = pipeline.train.fromPretrainedPath,
      InputResolver.sae(path, through: door).value != nil
    else {
      return pipeline
    }
    return try pretrained(pipeline.train)?.settled(pipeline) ?? pipeline
  }

  /// What a run reads; refuses a pipeline file that says something else than its caches do.
  ///
  /// - Throws: everything that is missing, in one error.
  package mutating func input(_ pipeline: Pipeline) throws -> RunInput {
    let pipeline = try settled(pipeline)
    var problems: [any Error] = []
    let sources = try TrainingSource.hookNames(pipeline).compactMap { hook in
      attempt(&problems) { try $0.cache(pipeline, hook: hook) }
    }
    let pretrained = attempt(&problems) { try $0.pretrained(pipeline.train) } ?? nil
    guard problems.isEmpty else {
      if pipeline.evaluate.lossRecovered == true, case .missing(let model) = inputs.model {
        problems.append(model)
      }
      throw MissingInputs.error(problems)
    }
    let input = RunInput(
      source: sources[0], targets: sources.dropFirst().first, pretrained: pretrained,
      model: inputs.model)
    try input.check(against: pipeline)
    return input
  }

  /// What a run reads over caches that the caller has found and vouches for.
  mutating func input(
    _ pipeline: Pipeline, source: TrainingSource, targets: TrainingSource?
  ) throws -> RunInput {
    let pretrained = try pretrained(pipeline.train)
    return RunInput(source: source, targets: targets, pretrained: pretrained, model: inputs.model)
  }

  private mutating func attempt<Value>(
    _ problems: inout [any Error], _ body: (inout TrainInputs) throws -> Value
  ) -> Value? {
    do { return try body(&self) } catch {
      problems.append(error)
      return nil
    }
  }

  private mutating func cache(_ pipeline: Pipeline, hook: String) throws -> TrainingSource {
    if let found = caches[hook] { return found }
    let source = try TrainingSource.find(
      pipeline, inputs, hook: hook, verify: verify,
      supply: caches.values.lazy.compactMap(\.supply).first)
    caches[hook] = source
    return source
  }

  /// The SAE that a run starts from; nil where it draws its weights.
  private mutating func pretrained(_ settings: TrainSettings) throws -> PretrainedSAE? {
    guard let path = settings.fromPretrainedPath else { return nil }
    if let found = opened[path] { return found }
    let sae = try PretrainedSAE.open(InputResolver.sae(path, through: door).required())
    opened[path] = sae
    return sae
  }
}

extension TrainInputs {
  /// What an error names, where all of it is missing and can be made or fetched; nil of other errors.
  static func missing(_ error: any Failure) -> [any Failure]? {
    let parts = MissingInputs.parts(error)
    let areMissing = parts.allSatisfy { part in
      if case .notCached = part as? TrainingSourceError { return true }
      return part is MissingInput || part is MissingSAE
    }
    return areMissing ? parts : nil
  }
}
