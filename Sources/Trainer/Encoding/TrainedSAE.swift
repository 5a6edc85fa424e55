// A finished SAE read back from its files, for use without training: no gradients, no moments. Comes
// in: the folder of an SAE. Leaves: its codes and reconstructions of rows as they are cached.

package import Shared

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
package struct TrainedSAE: ~Copyable {
  package let configuration: SAEConfiguration
  /// Rows that are encoded at once, at most.
  package let batchRows: Int
  private let parameters: Parameters
  private var norms: LatentNorms
  private var work: InferenceWork

  /// Entries that the codes of a batch have, were every latent active on every row.
  private static let entryLimit = 1 << 25

  /// Rows per batch of an SAE with so many latents: large enough for the products, few enough for the
  /// codes of a dense SAE.
  package static func batchRows(latents: Int) -> Int {
    min(1024, max(16, entryLimit / max(1, latents)))
  }

  /// Bytes that an SAE takes for inference with batches of so many rows, were every latent active.
  static func byteCount(_ configuration: SAEConfiguration, rows: Int, threads: Int) -> Int {
    let entries: Int =
      switch configuration.selection {
      // Candidates, codes and activations of every latent.
      case .above: rows * configuration.dSae * 5
      case .rows, .batch: rows * EncoderRoom.codesPerRow(configuration)
      case .search: PursuitSearch.rowBlock * configuration.dSae
      }
    return 4
      * (configuration.shape.count + 2 * configuration.dSae
        + CenteredBatch.count(configuration, rows: rows) + rows * configuration.dOut
        + EncoderRoom.count(configuration, rows: rows, threads: threads) + entries)
  }

  /// An SAE of weights that are at hand.
  package init(_ configuration: SAEConfiguration, _ parameters: consuming Parameters) {
    self.configuration = configuration
    batchRows = Self.batchRows(latents: configuration.dSae)
    norms = LatentNorms(configuration.shape)
    norms.measure(parameters)
    self.parameters = parameters
    work = InferenceWork(configuration, rows: batchRows)
  }

  /// Reads cfg.json and sae_weights.safetensors of a folder.
  package static func open(_ folder: String) throws -> TrainedSAE {
    let path = folder + "/cfg.json"
    let bytes = try MappedFile.contents(path)
    let json = try? JSON(parsing: bytes)
    guard let configuration = json.flatMap(configuration) else {
      throw TrainedSAEError.unreadable(path: path)
    }
    let file = try SafetensorsFile.open(folder + "/" + SAEWeights.fileName)
    // Before anything of the stated sizes is made room for.
    try SAEWeights.check(file, configuration.shape)
    var parameters = Parameters(configuration.shape)
    try SAEWeights.read(file, configuration.shape.kinds, into: &parameters)
    return make(configuration, parameters)
  }

  /// An SAE of weights that are as `cfg.json` describes them.
  package static func make(
    _ configuration: SAEConfiguration, _ parameters: consuming Parameters
  ) -> TrainedSAE {
    if case .search = configuration.selection, !configuration.applyBDecToInput {
      // SAELens then leaves b_dec out of the reconstruction as well.
      for column in 0..<configuration.dOut { parameters.decoderBias.buffer[column] = 0 }
    }
    return TrainedSAE(configuration, parameters)
  }

  /// Encodes `rows` rows of `batch` `[rows, d]`, and lends what came out.
  ///
  /// Row i's active latents are those from `offsets[i]` to `offsets[i + 1]`, with their values; the
  /// reconstruction is `[rows, o]`.
  package mutating func encode(
    _ batch: Span<Float>, rows: Int,
    _ body: (
      _ offsets: Span<Int32>, _ latents: Span<Int32>, _ values: Span<Float>,
      _ reconstruction: Span<Float>
    ) throws -> Void
  ) throws {
    work.encode(batch, rows: rows, parameters, norms)
    let active = 0..<work.encoder.codes.count
    try body(
      work.encoder.codes.rowOffsets.span.extracting(0..<rows + 1),
      work.encoder.codes.latents.span.extracting(active),
      work.encoder.codes.values.span.extracting(active),
      work.output.span.extracting(0..<rows * configuration.dOut))
  }

  /// Lends the weights, which take rows as they are cached.
  package func withParameters<Result>(
    _ body: (borrowing Parameters) throws -> Result
  ) rethrows -> Result {
    try body(parameters)
  }

  /// Reads the options of an SAE's formula, which cfg.json has under their own names; nil where that
  /// describes no SAE.
  package static func configuration(_ json: JSON) -> SAEConfiguration? {
    guard let dIn = json["d_in"]?.integer,
      let architecture = json["architecture"]?.string.flatMap(Architecture.init)
    else { return nil }
    var settings = TrainSettings()
    settings.architecture = architecture
    for setting in TrainSettings.settings where read.contains(setting.row.name) {
      guard let value = json[setting.row.name] else { continue }
      settings = setting.changing(settings, to: value) ?? settings
    }
    let dOut = json["d_out"]?.integer ?? dIn
    let latents = json["d_sae"]?.integer ?? settings.latentCount(dIn: dIn) ?? 0
    guard [dIn, dOut, latents].allSatisfy((1...widthLimit).contains) else { return nil }
    return SAEConfiguration(settings, dIn: dIn, dOut: dOut)
  }

  /// Greater widths are taken for damage; products of two stay within an Int.
  private static let widthLimit = 1 << 24

  private static let read: Set = [
    "d_sae", "k", "apply_b_dec_to_input", "rescale_acts_by_decoder_norm", "normalize_activations",
    "residual_threshold", "max_iterations", "stop_on_duplicate_support",
  ]
}

/// The memory of using an SAE.
private struct InferenceWork: ~Copyable {
  private let configuration: SAEConfiguration
  private(set) var encoder: Encoder
  private var search: PursuitSearch?
  private var prepared: CenteredBatch
  private var activations = AlignedBuffer<Float>(count: 0)
  /// Reconstructions `[B, o]`.
  private(set) var output: Matrix

  init(_ configuration: SAEConfiguration, rows: Int) {
    self.configuration = configuration
    encoder = Encoder(
      configuration, rows: rows, screening: ScreeningChoice.kind(dIn: configuration.dIn))
    if case .search(let limits) = configuration.selection {
      search = PursuitSearch(configuration, limits, rows: rows)
    }
    prepared = CenteredBatch(configuration, rows: rows)
    output = Matrix(rows: rows, columns: configuration.dOut)
  }

  mutating func encode(
    _ batch: Span<Float>, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing LatentNorms
  ) {
    precondition(
      batch.count == rows * configuration.dIn && rows <= output.rows,
      "more rows than there is memory for")
    prepared.measure(batch, rows: rows)
    prepared.fill(batch, rows: rows, parameters)
    if search == nil {
      Self.encode(prepared, rows: rows, parameters, norms, &encoder)
    } else {
      search?.search(prepared, rows: rows, parameters.decoder)
      search?.fill(&encoder, rows: rows)
    }
    if activations.count < encoder.codes.count {
      activations = AlignedBuffer(count: encoder.codes.count)
    }
    decode(parameters, norms)
    encoder.finishActivations(parameters, norms)
    Self.restore(&output, rows: rows, prepared)
  }

  private static func encode(
    _ prepared: borrowing CenteredBatch, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing LatentNorms, _ encoder: inout Encoder
  ) {
    let count = rows * prepared.centered.columns
    let input = EncodingInput(
      centered: prepared.centered.span.extracting(0..<count), ParameterReader(parameters), norms)
    encoder.encodeAll(input, rows: rows, .inference)
  }

  private mutating func decode(
    _ parameters: borrowing Parameters, _ norms: borrowing LatentNorms
  ) {
    Self.decode(
      encoder, skipped: prepared.skipped, configuration, parameters, norms,
      activations: &activations, output: &output)
  }

  private static func decode(
    _ encoder: borrowing Encoder, skipped: borrowing Matrix, _ configuration: SAEConfiguration,
    _ parameters: borrowing Parameters, _ norms: borrowing LatentNorms,
    activations: inout AlignedBuffer<Float>, output: inout Matrix
  ) {
    let reader = ParameterReader(parameters)
    Decoding(
      configuration, encoder.codes, DecodingInput(reader, skipped: skipped.span),
      LatentTerms(reader, norms), &activations, &output
    ).run()
  }

  private static func restore(
    _ output: inout Matrix, rows: Int, _ prepared: borrowing CenteredBatch
  ) {
    var target = output.mutableSpan
    prepared.restore(&target, rows: rows)
  }
}
