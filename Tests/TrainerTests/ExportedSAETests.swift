import Foundation
import Shared
import Support
import Testing
import Trainer

/// What a finished SAE's files compute on rows as they are cached, against what was trained.
@Suite struct ExportedSAETests {
  private static let normalizations: [ActivationNormalization] = [
    .none, .expectedAverageOnlyIn, .covarianceWhitening, .constantNormRescale, .layerNorm,
  ]

  static let trials: [SAETrial] = Architecture.allCases.flatMap { architecture in
    normalizations.compactMap { normalization in
      let isRowwise = normalization == .constantNormRescale || normalization == .layerNorm
      if architecture.isTranscoder || architecture == .matchingPursuit,
        isRowwise || normalization == .covarianceWhitening
      {
        return nil
      }
      let comparesBatches = architecture == .batchtopk || architecture == .matryoshkaBatchtopk
      if isRowwise, architecture == .gated || comparesBatches { return nil }
      return SAETrial(architecture) { trial in
        trial.name = "\(architecture.rawValue), \(normalization.rawValue)"
        trial.settings.normalizeActivations = normalization
        trial.settings.auxLossCoefficient = 0
        trial.settings.matryoshkaWidths = WholeNumbers([8])
        trial.settings.maxIterations = 4
        trial.settings.residualThreshold = 0.2
      }
    }
  }

  @Test(arguments: trials) func theFilesComputeWhatWasTrained(trial: SAETrial) throws {
    let folder = try TemporaryFolder()
    let normalization = try #require(Self.normalization(trial))
    var state = trial.state
    state.carried["topk_threshold"] = [0.4]
    try Self.files(trial, normalization).writeFinal(state, to: folder.path)
    var sae = try TrainedSAE.open(folder.path)
    let batch = trial.batch().map { $0 * 3 + 1 }
    let expected = try Self.reconstruct(trial, normalization, batch)
    try sae.encode(batch.span, rows: trial.rows) { _, _, _, reconstruction in
      let values = reconstruction.indices.map { reconstruction[$0] }
      #expect(worstError(values, expected) < 2e-4)
    }
  }

  @Test func aConfigurationOfOtherSizesThanTheWeightsIsRefusedBeforeRoomIsMade() throws {
    let folder = try TemporaryFolder()
    let trial = SAETrial(.topk) { _ in }
    let normalization = try #require(Self.normalization(trial))
    let state = trial.state
    try Self.files(trial, normalization).writeFinal(state, to: folder.path)
    let path = folder.file("cfg.json")
    let cfg = try #require(JSON(parsing: MappedFile.contents(path)).object)
    for (key, value) in [("d_in", 0), ("d_in", -8), ("d_in", 1 << 40), ("d_sae", 1 << 62)] {
      let changed = JSON.object(cfg.merging([key: .integer(value)]) { $1 })
      try AtomicFile.replace(path, with: changed.canonical)
      #expect(throws: TrainedSAEError.unreadable(path: path)) {
        _ = try TrainedSAE.open(folder.path)
      }
    }
    // Plausible sizes of which the file has no tensors.
    let changed = JSON.object(cfg.merging(["d_in": .integer(1 << 24)]) { $1 })
    try AtomicFile.replace(path, with: changed.canonical)
    #expect(throws: SafetensorsError.self) { _ = try TrainedSAE.open(folder.path) }
  }

  @Test func whiteningMakesEveryDirectionOneWideAndBack() throws {
    let trial = SAETrial(.standard) { $0.settings.normalizeActivations = .covarianceWhitening }
    let whitening = try #require(Self.normalization(trial)?.whitening)
    let product = Self.product(whitening.matrix, whitening.inverse, trial.dIn)
    for row in 0..<trial.dIn {
      for column in 0..<trial.dIn {
        #expect(abs(product[row * trial.dIn + column] - (row == column ? 1 : 0)) < 1e-4)
      }
    }
  }

  private static func product(_ left: [Float], _ right: [Float], _ width: Int) -> [Float] {
    (0..<width * width).map { index in
      (0..<width).reduce(Float(0)) {
        $0 + left[index / width * width + $1] * right[$1 * width + index % width]
      }
    }
  }

  /// What is done to the data; the whitening is of a covariance with directions of unequal spread.
  private static func normalization(_ trial: SAETrial) -> Normalization? {
    guard trial.settings.normalizeActivations == .covarianceWhitening else {
      return Normalization(trial.settings.normalizeActivations, dIn: trial.dIn, meanNorm: 9)
    }
    let width = trial.dIn
    let random = Random(seed: 8, stream: "spread")
    let factor = (0..<width * width).map { random.normal($0) / 2 }
    var covariance = [Double](repeating: 0, count: width * width)
    for row in 0..<width {
      for column in 0..<width {
        for index in 0..<width {
          covariance[row * width + column] +=
            factor[row * width + index] * factor[column * width + index]
        }
        if row == column { covariance[row * width + column] += 0.3 }
      }
    }
    let mean = (0..<width).map { random.normal(1000 + $0) / 3 }
    return Normalization(whitening: Whitening(mean: mean, covariance: covariance))
  }

  private static func files(_ trial: SAETrial, _ normalization: Normalization) -> SAEFiles {
    var pipeline = Pipeline()
    pipeline.train = trial.settings
    let facts = CacheFacts(
      modelName: "tiny", hookName: "blocks.0.hook_mlp_out", dIn: trial.dIn, contextSize: 8,
      rows: 100, mean: Array(repeating: 0, count: trial.dIn), meanNorm: 9)
    return SAEFiles(
      pipeline: pipeline, configuration: trial.configuration, facts: facts,
      normalization: normalization)
  }

  /// The reconstructions of rows as they are cached by the parameters as they were trained.
  private static func reconstruct(
    _ trial: SAETrial, _ normalization: Normalization, _ batch: [Float]
  ) throws -> [Float] {
    let isBatchTopK = [.batchtopk, .matryoshkaBatchtopk].contains(trial.settings.architecture)
    let threshold = 0.4
    let rows = trial.doubleRows(transform(batch, normalization, trial.dIn))
    if isBatchTopK {
      // Latents above the threshold take part, however many they are.
      let reference = trial.reference
      let values = rows.flatMap { reference.reconstruct($0, above: threshold) }
      return restore(values.map { Float($0) }, normalization, trial)
    }
    var sae = TrainedSAE(trial.configuration, trial.state.parameters.copied())
    let scaled = transform(batch, normalization, trial.dIn)
    var values: [Float] = []
    try sae.encode(scaled.span, rows: trial.rows) { _, _, _, output in
      values = output.indices.map { output[$0] }
    }
    return restore(values, normalization, trial)
  }

  private static func transform(
    _ batch: [Float], _ normalization: Normalization, _ width: Int
  ) -> [Float] {
    guard let whitening = normalization.whitening else {
      return batch.map { $0 * Float(normalization.factor) }
    }
    return stride(from: 0, to: batch.count, by: width).flatMap { row in
      (0..<width).map { column in
        (0..<width).reduce(Float(0)) {
          $0 + (batch[row + $1] - whitening.mean[$1]) * whitening.matrix[$1 * width + column]
        }
      }
    }
  }

  private static func restore(
    _ output: [Float], _ normalization: Normalization, _ trial: SAETrial
  ) -> [Float] {
    guard let whitening = normalization.whitening else {
      return output.map { $0 / Float(normalization.factor) }
    }
    let width = trial.dIn
    return stride(from: 0, to: output.count, by: width).flatMap { row in
      (0..<width).map { column in
        (0..<width).reduce(whitening.mean[column]) {
          $0 + output[row + $1] * whitening.inverse[$1 * width + column]
        }
      }
    }
  }
}
