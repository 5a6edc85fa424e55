// What a run would cost as far as its inputs are there. Comes in: a pipeline file. Leaves: a bill that names
// what is missing, which is no error before the run really starts. Runs of a sweep that take the same steps are
// tried once.

package import Shared

/// Measures this machine for runs, once for those that take the same steps.
package struct RunSpeeds {
  private struct Key: Hashable {
    let formula: String
    let dIn: Int
    let dOut: Int?
  }

  private var tried: [Key: RunSpeed] = [:]
  private var passes: [FactorPrecision: [String: Double]] = [:]
  private let fixed: RunSpeed?

  /// `fixed` stands for measurements in tests.
  package init(fixed: RunSpeed? = nil) { self.fixed = fixed }

  /// The speed of a run over rows that were looked up.
  package mutating func speed(_ pipeline: Pipeline, _ rows: BilledRows) -> BilledSpeed {
    let settings = pipeline.train
    let configuration = SAEConfiguration(settings, dIn: rows.dIn, dOut: rows.dOut)
    let l0 = TrainingBill.expectedL0(settings, configuration)
    // Rates and seeds change no time.
    let shape: [JSON] = [
      settings.architecture.json, .integer(configuration.dSae),
      .integer(settings.trainBatchSizeTokens), .integer(l0), settings.normalizeActivations.json,
      settings.matryoshkaWidths.json, settings.mseLossNormalization.json,
      settings.normalizeSaeDecoder.json, settings.rescaleActsByDecoderNorm.json,
      .bool(configuration.revivesLatents),
    ]
    let key = Key(formula: JSON.array(shape).canonical, dIn: rows.dIn, dOut: rows.dOut)
    let run =
      fixed ?? tried[key]
      ?? StepTrial.measure(settings, dIn: rows.dIn, dOut: rows.dOut, l0: l0)
    tried[key] = run
    let held = settings.evalFraction > 0 ? settings.evalFraction : 1
    let cached = rows.input?.source.facts.rows ?? pipeline.cache.trainingTokens
    return BilledSpeed(
      run: run, lossSeconds: fixed == nil ? lossSeconds(pipeline, rows) : nil,
      measuredRows: Int(Double(cached) * held),
      rowByteCount: pipeline.cache.dtype.tensorType.rowByteCount(rows.dIn))
  }

  /// Seconds per token of three passes of the model whose predictions are compared; nil where it is not
  /// here or not asked for.
  private mutating func lossSeconds(_ pipeline: Pipeline, _ rows: BilledRows) -> Double? {
    let settings = pipeline.cache
    guard pipeline.evaluate.lossRecovered != false, rows.canHaveLoss, let folder = rows.model
    else { return nil }
    let factors = pipeline.train.factors
    if let known = passes[factors]?[folder] { return known }
    guard let model = try? ModelDescription.open(folder: folder) else { return nil }
    let context = rows.input?.source.facts.contextSize ?? pipeline.pretokenize.contextSize
    let pass = try? PassTrial.secondsPerToken(
      folder, [model.predictions], processing: settings.weightProcessing,
      factors: factors, contextSize: min(context, model.contextLimit),
      batch: settings.modelBatchSize)
    guard let pass else { return nil }
    let compared = Predictions.comparisonSeconds(logits: model.vocabularySize)
    let seconds = 3 * pass + compared / Double(max(1, Parallel.threadCount))
    passes[factors, default: [:]][folder] = seconds
    return seconds
  }
}

/// A run's bill, and whether it is there already.
package struct RunEstimate {
  package let bill: TrainingBill
  package let isFinished: Bool
  package let missing: [any Failure]

  /// Works out the bill of a pipeline file without a sweep.
  package static func make(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil, speeds: RunSpeeds = RunSpeeds()
  ) throws -> RunEstimate {
    var inputs = TrainInputs(pipeline, through: door)
    let pipeline = try inputs.settled(pipeline)
    var missing: [any Failure] = []
    let rows = try BilledRows(pipeline, inputs: inputs, found: { try inputs.input(pipeline) }) {
      missing.append($0)
    }
    var speeds = speeds
    let isFinished = try rows.isFinished(pipeline)
    return RunEstimate(
      bill: TrainingBill(
        pipeline, rows, speed: isFinished ? nil : speeds.speed(pipeline, rows)),
      isFinished: isFinished, missing: isFinished ? [] : missing)
  }

  /// The bill in the shape of all programs.
  package var stage: StageBill {
    var stage = bill.bill(isFinished: isFinished)
    stage.missing = missing.map(\.sentence)
    return stage
  }
}

extension BilledRows {
  /// Whether the run over these rows is finished.
  func isFinished(_ pipeline: Pipeline) throws -> Bool {
    guard let input else { return false }
    return try Store(pipeline).folder(input.key(pipeline)).manifest() != nil
  }

  /// Whether tokens are known, as a cache that was imported has none.
  var canHaveLoss: Bool { input == nil || input?.source.tokens != nil }
}
