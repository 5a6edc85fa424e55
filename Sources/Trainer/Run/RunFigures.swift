// The final figures of a run. Comes in: the files of its SAE. Leaves: evaluation.json, with the loss of
// the language model where that is here, feature_metrics.json with what is known of every latent, and what the
// report shows of them.

import Shared

extension Run {
  /// Takes the final figures from the files of a finished run.
  @discardableResult package func measure() throws -> LatentReport {
    try measure(RowFilter.make(pipeline.train, plan.source, store: store))
  }

  /// Takes the final figures from the files that were just written, over rows that `filter` lets pass.
  ///
  /// `refusal` throws where they may not be written any more.
  @discardableResult func measure(
    _ filter: RowFilter, unless refusal: () throws -> Void = {}
  ) throws -> LatentReport {
    let source = plan.source
    var sae = try TrainedSAE.open(folder.path)
    let corpus = try source.tokens.flatMap { try CorpusText.open(store: store, fingerprint: $0) }
    let evaluating = try Evaluating(
      plan.places, filter: filter, latentCount: plan.configuration.dSae,
      settings: pipeline.evaluate, corpus: corpus)
    let progress = Shared.Progress(
      stage: "measure", total: min(pipeline.evaluate.evalTokens, source.facts.rows), mode: mode,
      terminal: terminal)
    let advice = advice
    var codes = KeptCodes(
      latentCount: plan.configuration.dSae, contextSize: source.facts.contextSize)
    var evaluation = try evaluating.run(
      &sae, deadInTraining: advice.knowsDeadLatents ? SAEFiles.deadLatents(in: folder.path) : nil,
      deadFeatureWindow: pipeline.train.deadFeatureWindow, progress: progress
    ) { codes.add($0, $1, $2) }
    progress.finish()
    var features = FeatureFigures(sae)
    features[.density] = evaluation.densities
    try addLoss(to: &evaluation, &features, &sae, filter, corpus)
    do { evaluation.keep(try Evaluation.read(run: folder.path)) } catch is EvaluationError {
      // What cannot be understood is measured anew.
    } catch let error as SystemError where error.isNotFound {}
    evaluation.advice = advice.sentences(evaluation.figures)
    try refusal()
    try features.write(folder: folder.path)
    try evaluation.write(run: folder.path)
    return try look(codes, evaluation, sae, filter, corpus)
  }

  /// Looks at the latents, for the report.
  private func look(
    _ codes: KeptCodes, _ evaluation: Evaluation, _ sae: borrowing TrainedSAE,
    _ filter: RowFilter, _ corpus: CorpusText?
  ) throws -> LatentReport {
    var lens = LensPlace.none(reason: "the model was not looked for")
    do { lens = LensPlace(try plan.input.splice(pipeline, filter: filter)) } catch {
      lens = .none(reason: error.words)
    }
    let progress = Shared.Progress(
      stage: "latents", unit: "latents", total: plan.configuration.dSae, mode: mode,
      terminal: terminal)
    let collecting = LatentCollecting(
      pipeline.evaluate, corpus: corpus, lens: lens, progress: progress)
    let latents = try sae.withParameters {
      try collecting.run(codes, evaluation, $0, run: folder.path)
    }
    progress.finish()
    return latents
  }

  /// What is to be said about the run's settings and figures.
  var advice: Advice {
    Advice(pipeline.train, steps: plan.steps, dIn: plan.configuration.dIn)
  }

  /// Measures the loss with the SAE in the model, or notes why it is not known.
  private func addLoss(
    to evaluation: inout Evaluation, _ features: inout FeatureFigures, _ sae: inout TrainedSAE,
    _ filter: RowFilter, _ corpus: CorpusText?
  ) throws {
    let asked = pipeline.evaluate.lossRecovered
    if asked == false { return }
    do {
      var sums: SplicedSums? = SplicedSums(sae.configuration)
      evaluation.add(try measureLoss(&sae, adding: &sums, filter, corpus))
      features[.consistency] = sums?.features[.consistency]
    } catch let obstacle as LossObstacle {
      // What cannot be read is not the same as what is not there.
      if case .unread(let cause) = obstacle { throw cause }
      // What is wrong with the figures themselves does not undo the training.
      if asked == true, obstacle != .notFinite { throw LossRecoveredError(obstacle) }
      evaluation.remarks.append(obstacle.remark)
    }
  }

  private func measureLoss(
    _ sae: inout TrainedSAE, adding sums: inout SplicedSums?, _ filter: RowFilter,
    _ corpus: CorpusText?
  ) throws -> LossRecovered {
    let splice = try plan.input.splice(pipeline, filter: filter)
    guard let corpus else { throw LossObstacle.noTokens }
    let (source, chosen) = SplicePlan.sequences(
      of: plan.source.sequenceCount, heldOut: filter.heldOut, contextSize: splice.contextSize,
      tokens: pipeline.evaluate.lossTokens)
    let found = try corpus.sequences(Set(chosen))
    let sequences = chosen.compactMap { found[$0] }
    let progress = Shared.Progress(
      stage: "loss", total: sequences.count * splice.contextSize, mode: mode, terminal: terminal)
    let loss = try Splicing(splice, sequences: sequences).run(
      &sae, adding: &sums, source: source, progress: progress)
    progress.finish()
    guard loss.isFinite else { throw LossObstacle.notFinite }
    return loss
  }
}
