// A finished SAE read back from its files. Comes in: the folder of a run. Leaves: its codes and
// reconstructions of cached rows, for the evaluation and for anyone who asks.

import Shared

/// Why the files of a finished SAE are refused.
package enum TrainedSAEError: Failure, Equatable {
  case unreadable(path: String)
  case notFinished(folder: String)

  package var sentence: String {
    switch self {
    case .unreadable(let path): "\(path) does not describe an SAE that this program reads."
    case .notFinished(let folder): "The run \(folder) is not finished."
    }
  }

  package var hint: String? {
    switch self {
    case .unreadable: nil
    case .notFinished: "Run saeline-train with the same pipeline file and settings first."
    }
  }
}

/// Owns the weights of an SAE for inference.
package struct TrainedSAE: ~Copyable, RowEncoder {
  package let configuration: SAEConfiguration
  private var parameters: Parameters
  private var engine: Engine

  /// Entries that the codes of a batch have, were every latent active on every row.
  private static let entryLimit = 1 << 25

  /// Rows per batch of an SAE with so many latents: large enough for the products, few enough for the
  /// codes of a dense SAE.
  package static func batchRows(latents: Int) -> Int {
    min(1024, max(16, entryLimit / max(1, latents)))
  }

  package var batchRows: Int { TrainedSAE.batchRows(latents: configuration.dSae) }

  /// Bytes that an SAE takes for inference with batches of so many rows.
  static func byteCount(_ configuration: SAEConfiguration, rows: Int, threads: Int) -> Int {
    let moments = 2 * configuration.shape.count
    return StepMemory.byteCount(configuration, rows: rows, threads: threads)
      - 4 * moments
  }

  private init(configuration: SAEConfiguration, parameters: consuming Parameters) {
    self.configuration = configuration
    self.parameters = parameters
    engine = Engine(
      configuration, batchRows: TrainedSAE.batchRows(latents: configuration.dSae), path: .sparse)
  }

  /// Reads cfg.json and sae_weights.safetensors of a folder.
  package static func open(_ folder: String) throws -> TrainedSAE {
    let configuration = try readConfiguration(folder + "/cfg.json")
    let file = try SafetensorsFile.open(folder + "/" + SAEWeights.fileName)
    var parameters = Parameters(configuration.shape)
    try SAEWeights.read(file, configuration.shape.kinds, into: &parameters)
    if configuration.selection == .pursuit, !configuration.applyBDecToInput {
      // SAELens then leaves b_dec out of the reconstruction as well.
      for column in 0..<configuration.dOut { parameters.decoderBias.buffer[column] = 0 }
    }
    return TrainedSAE(configuration: configuration, parameters: parameters)
  }

  package mutating func encode(
    _ batch: Span<Float>, rows: Int,
    _ body: (Span<Int32>, Span<Int32>, Span<Float>, Span<Float>) throws -> Void
  ) throws {
    try engine.encode(batch, rows: rows, parameters) { codes, reconstruction in
      let active = 0..<codes.count
      try body(
        codes.rowOffsets.span.extracting(0..<rows + 1), codes.latents.span.extracting(active),
        codes.values.span.extracting(active), reconstruction)
    }
  }

  private static func readConfiguration(_ path: String) throws -> SAEConfiguration {
    let json = try? JSON(parsing: try MappedFile.contents(path))
    guard let json, let dIn = json["d_in"]?.integer,
      let architecture = json["architecture"]?.string.flatMap(Architecture.init)
    else { throw TrainedSAEError.unreadable(path: path) }
    var settings = TrainSettings()
    settings.architecture = architecture
    settings.dSae = json["d_sae"]?.integer
    settings.k = json["k"]?.double ?? settings.k
    settings.applyBDecToInput =
      json["apply_b_dec_to_input"]?.bool ?? settings.applyBDecToInput
    settings.rescaleActsByDecoderNorm =
      json["rescale_acts_by_decoder_norm"]?.bool ?? settings.rescaleActsByDecoderNorm
    settings.normalizeActivations =
      json["normalize_activations"]?.string.flatMap(ActivationNormalization.init) ?? .none
    settings.residualThreshold =
      json["residual_threshold"]?.double ?? settings.residualThreshold
    settings.maxIterations = json["max_iterations"]?.integer
    settings.stopOnDuplicateSupport =
      json["stop_on_duplicate_support"]?.bool ?? settings.stopOnDuplicateSupport
    return SAEConfiguration(settings, dIn: dIn, dOut: json["d_out"]?.integer)
  }
}
