// An SAE that training starts from (from_pretrained_path). Comes in: a folder of SAELens, in training or for
// inference, of this program, or of a peer. Leaves: what the run takes over from it, and initial parameters
// in the scale of the run's data.

import Foundation
package import Shared

/// Another SAE, whose kind and weights a run takes over.
package struct PretrainedSAE: Sendable {
  /// As it was given.
  private let folder: String
  private let weights: String
  /// SHA-256 of the weights' file.
  package let digest: String
  private let sae: StartingSAE

  /// Looks at a folder, or at the file of weights of a form that has no other.
  package static func open(_ folder: String) throws -> PretrainedSAE {
    let sae = try read(folder)
    let path = System.isDirectory(folder) ? folder + "/" + sae.weights : folder
    return PretrainedSAE(
      folder: folder, weights: path, digest: "sha256:" + (try Digest.ofFile(path)), sae: sae)
  }

  private static func read(_ folder: String) throws -> StartingSAE {
    func has(_ name: String) -> Bool { System.exists(folder + "/" + name) }
    if folder.hasSuffix(".npz"), System.exists(folder), !System.isDirectory(folder) {
      return GemmaScopeFolder.read()
    }
    if has(SparsifyFolder.weights), has("cfg.json") {
      return try SparsifyFolder.read(json(folder + "/cfg.json"), path: folder)
    }
    if has(DictionaryFolder.weights), has("config.json") {
      return try DictionaryFolder.read(json(folder + "/config.json"), path: folder)
    }
    if has("cfg.json"), has(SAEWeights.fileName) {
      let scaler = folder + "/activation_scaler.json"
      return try SAELensFolder.read(
        json(folder + "/cfg.json"), scaler: System.exists(scaler) ? json(scaler) : nil,
        path: folder)
    }
    if has(GemmaScopeFolder.weights) { return GemmaScopeFolder.read() }
    // Half of a layout: the other half is what is missing.
    let halves = [
      ("cfg.json", SAEWeights.fileName), (SAEWeights.fileName, "cfg.json"),
      (SparsifyFolder.weights, "cfg.json"), (DictionaryFolder.weights, "config.json"),
    ]
    for (half, other) in halves where has(half) {
      throw PretrainedSAEError.missing(path: folder + "/" + other)
    }
    throw PretrainedSAEError.nothingThere(path: folder)
  }

  private static func json(_ path: String) throws -> JSON {
    let status = try System.status(path)
    // A configuration has a few kilobytes; what is larger is none.
    guard status.byteCount <= 16 << 20, let json = try? JSON(parsing: MappedFile.contents(path)),
      json.object != nil
    else { throw PretrainedSAEError.notJSON(path: path) }
    return json
  }

  /// What makes the weights another start than those of another SAE.
  var identities: [String: String] {
    switch sae.scale {
    case .factor(1): ["from_pretrained_path": digest]
    case .factor(let factor):
      ["from_pretrained_path": digest, "from_pretrained_scale": JSON.number(factor).canonical]
    case .ofRun: ["from_pretrained_path": digest, "from_pretrained_scale": "of the run"]
    }
  }
}

// MARK: - Settings

extension PretrainedSAE {
  /// The settings with what the SAE says in the place of what a pipeline file does not state.
  ///
  /// - Throws: where the file states something that the SAE contradicts.
  package func settled(_ settings: TrainSettings, hook: String? = nil) throws -> TrainSettings {
    if settings.takenOver != nil { return settings }
    var result = settings
    try takeArchitecture(&result)
    let own = result.architecture.ownOptions
    let foreign = sae.architecture.ownOptions.subtracting(own)
    for (name, value) in sae.formula.sorted(by: { $0.key < $1.key }) where !foreign.contains(name) {
      let given = try taking(name, value, &result)
      guard let given, given.canonical != value.canonical else { continue }
      throw PretrainedSAEError.contradiction(
        path: folder, option: name, has: value.string ?? value.canonical,
        wanted: given.string ?? given.canonical)
    }
    for (name, value) in sae.training.sorted(by: { $0.key < $1.key }) where !foreign.contains(name)
    {
      let hook = settings.hookName ?? hook
      if name == "reshape_activations", hook?.hasSuffix("hook_z") != true { continue }
      _ = try taking(name, value, &result)
    }
    try takeNormalization(&result)
    if let dSae = sae.dSae, !settings.states("d_sae"), !settings.states("expansion_factor") {
      result.dSae = dSae
    }
    result.takenOver = TrainSettings.settings.compactMap { setting in
      let value = setting.read(result)
      guard value != setting.read(settings) else { return nil }
      return "\(setting.row.name) \(value.string ?? value.canonical)"
    }
    let complaints = result.contradictions.map { "train.\($0.name) \($0.text)" }
    guard complaints.isEmpty else {
      throw PretrainedSAEError.doesNotFit(path: folder, complaints: complaints)
    }
    return result
  }

  /// Takes a value over where none is stated; returns the one that is.
  private func taking(
    _ name: String, _ value: JSON, _ settings: inout TrainSettings
  ) throws -> JSON? {
    guard let setting = TrainSettings.settings.first(where: { $0.row.name == name }) else {
      return nil
    }
    guard let changed = setting.changing(settings, to: value) else {
      throw PretrainedSAEError.unknown(
        path: folder, option: name, value: value.string ?? value.canonical)
    }
    if settings.states(name) { return setting.read(settings) }
    settings = changed
    return nil
  }

  /// A finished SAE may be trained on as what it was before.
  private func takeArchitecture(_ settings: inout TrainSettings) throws {
    guard settings.states("architecture") else {
      settings.architecture = sae.architecture
      return
    }
    let given = settings.architecture
    guard given == sae.architecture || given.finished == sae.architecture.finished else {
      throw PretrainedSAEError.contradiction(
        path: folder, option: "architecture", has: sae.architecture.rawValue,
        wanted: given.rawValue)
    }
  }

  /// Refuses rows in another form than the SAE's, which a factor is not: the weights take it.
  private func takeNormalization(_ settings: inout TrainSettings) throws {
    let own = sae.normalization
    if own == .covarianceWhitening { throw PretrainedSAEError.whitened(path: folder) }
    guard settings.states("normalize_activations") else {
      settings.normalizeActivations = own
      return
    }
    let given = settings.normalizeActivations
    let agrees = own.isFactor && sae.scale != .ofRun ? given.isFactor : given == own
    guard agrees else {
      throw PretrainedSAEError.otherNormalization(
        path: folder, has: own.rawValue, wanted: given.rawValue)
    }
  }

  /// The pipeline with what the SAE says; see above.
  package func settled(_ pipeline: Pipeline) throws -> Pipeline {
    var result = pipeline
    result.train = try settled(pipeline.train, hook: pipeline.cache.allHookNames.first)
    return result
  }

  /// Refuses a run whose SAE has other sizes.
  package func check(for configuration: SAEConfiguration) throws {
    let sizes = [
      ("d_in", sae.dIn, configuration.dIn), ("d_sae", sae.dSae, configuration.dSae),
    ]
    for (name, has, wanted) in sizes {
      guard let has, has != wanted else { continue }
      throw PretrainedSAEError.otherSize(path: folder, name: name, has: has, wanted: wanted)
    }
  }
}

extension ActivationNormalization {
  /// Whether rows are as they are cached but for one factor.
  fileprivate var isFactor: Bool { self == .none || self == .expectedAverageOnlyIn }
}

extension TrainSettings {
  /// Whether a pipeline file states an option; of settings made otherwise, whether it is no default.
  fileprivate func states(_ name: String) -> Bool {
    guard let setting = TrainSettings.settings.first(where: { $0.row.name == name }) else {
      return false
    }
    let value = setting.read(self)
    if stated.isEmpty { return value != setting.row.defaultValue }
    if name == "k", stated.contains("activation_fn_kwargs") { return true }
    return stated.contains(name) && value != .null
  }
}

// MARK: - Weights

extension PretrainedSAE {
  /// Fills the parameters of a state that is as it was made.
  package func fill(
    _ state: inout TrainingState, _ normalization: Normalization, _ configuration: SAEConfiguration
  ) throws {
    let file = try WeightFile.open(weights)
    for kind in state.parameters.shape.kinds where kind != .threshold {
      try fill(kind, of: &state.parameters, file)
    }
    try takeFactors(&state.parameters, file)
    let threshold = try fillThresholds(&state.parameters, file)
    for latent in 0..<state.parameters.latentScale.count {
      state.parameters.latentScale.buffer[latent] = 1
    }
    var scale = 1.0
    // From weights for rows times `factor` to weights for rows as the run sees them.
    if case .factor(let factor) = sae.scale { scale = factor / normalization.factor }
    Normalization(factor: scale).fold(into: &state.parameters)
    if let threshold, state.carried[BatchTopKSAE.thresholdName] != nil {
      // It is one of pre-activations times norms, where latents are compared so.
      let norm = configuration.comparesByDecoderNorm ? scale : 1
      state.carried[BatchTopKSAE.thresholdName] = [max(0, threshold) / norm]
    }
    guard state.parameters.isFinite else { throw PretrainedSAEError.notFinite(path: weights) }
  }

  private func fill(
    _ kind: ParameterKind, of parameters: inout Parameters, _ file: borrowing WeightFile
  ) throws {
    guard let place = sae.layout.places[kind] else { return }
    guard let tensor = file.first(place.names) else {
      if sae.layout.optional.contains(kind) { return }
      throw WeightError.missing(path: weights, tensor: place.names[0])
    }
    try parameters.change(kind) { matrix throws(WeightError) in
      try file.read(tensor, isTransposed: place.isTransposed, into: &matrix)
    }
  }

  /// Fills the thresholds of latents; returns the one that all of them share, where there is one.
  private func fillThresholds(
    _ parameters: inout Parameters, _ file: borrowing WeightFile
  ) throws -> Double? {
    let shared = file.first(sae.layout.sharedThreshold).flatMap { file.number($0) }
    let count = parameters.shape.dSae
    var thresholds = Matrix(rows: 1, columns: count)
    if let shared {
      // Where the norms of its decoder were compared too, they must be in what is compared with it.
      if parameters.shape.has(.threshold), sae.comparesByDecoderNorm {
        parameters.foldDecoderNorms()
      }
      for latent in 0..<count { thresholds.buffer[latent] = Float(max(0, shared)) }
    } else if let place = sae.layout.places[.threshold], let tensor = file.first(place.names) {
      try file.read(tensor, isTransposed: false, into: &thresholds)
    } else if let name = sae.layout.logarithm, let tensor = file.tensors[name] {
      try file.read(tensor, isTransposed: false, into: &thresholds)
      for latent in 0..<count { thresholds.buffer[latent] = exp(thresholds.buffer[latent]) }
    } else {
      guard parameters.shape.has(.threshold) else { return nil }
      throw WeightError.missing(path: weights, tensor: "threshold")
    }
    let first = thresholds.buffer[0]
    let isShared = (0..<count).allSatisfy { thresholds.buffer[$0] == first }
    if parameters.shape.has(.threshold) { parameters.threshold = thresholds }
    return isShared ? Double(first) : nil
  }

  /// Takes the factors that fine-tuning gave to latents into the decoder.
  private func takeFactors(_ parameters: inout Parameters, _ file: borrowing WeightFile) throws {
    guard let tensor = file.first(sae.layout.factors) else { return }
    var factors = Matrix(rows: 1, columns: parameters.shape.dSae)
    try file.read(tensor, isTransposed: false, into: &factors)
    let isPlain = (0..<factors.count).allSatisfy { abs(factors.buffer[$0] - 1) < 1e-5 }
    if isPlain { return }
    guard sae.layout.takesFactors else {
      throw PretrainedSAEError.factors(path: weights, tensor: tensor.entry.name)
    }
    let width = parameters.shape.dOut
    for latent in 0..<factors.count {
      for column in 0..<width {
        parameters.decoder.buffer[latent * width + column] *= factors.buffer[latent]
      }
    }
  }
}

extension StartingSAE {
  fileprivate var comparesByDecoderNorm: Bool {
    formula["rescale_acts_by_decoder_norm"]?.bool == true
  }
}
