// An SAE that training starts from (from_pretrained_path). Comes in: a folder of SAELens, in training or for
// inference, of this program, or of a peer. Leaves: what the run takes over from it.

package import Shared

/// Another SAE, whose kind and weights a run takes over.
package struct PretrainedSAE: Sendable {
  /// As it was given.
  private let folder: String
  var path: String { folder }
  let weights: String
  /// SHA-256 of the weights' file.
  package let digest: String
  let sae: StartingSAE
  /// Of the weights' file, from before the digest.
  let marks: InputMarks

  /// Looks at a folder, or at the file of weights of a form that has no other.
  package static func open(_ folder: String) throws -> PretrainedSAE {
    let sae = try read(folder)
    let path = System.isDirectory(folder) ? folder + "/" + sae.weights : folder
    let marks = try InputMarks([path])
    return PretrainedSAE(
      folder: folder, weights: path, digest: "sha256:" + (try Digest.ofFile(path)), sae: sae,
      marks: marks)
  }

  static func read(_ folder: String) throws -> StartingSAE {
    func has(_ name: String) throws -> Bool { try System.isThere(folder + "/" + name) }
    if folder.hasSuffix(".npz"), try System.isThere(folder), !System.isDirectory(folder) {
      return GemmaScopeFolder.read()
    }
    if try has(SparsifyFolder.weights), try has("cfg.json") {
      return try SparsifyFolder.read(json(folder + "/cfg.json"), path: folder)
    }
    if try has(DictionaryFolder.weights), try has("config.json") {
      return try DictionaryFolder.read(json(folder + "/config.json"), path: folder)
    }
    if try has("cfg.json"), try has(SAEWeights.fileName) {
      let scaler = folder + "/activation_scaler.json"
      return try SAELensFolder.read(
        json(folder + "/cfg.json"), scaler: System.isThere(scaler) ? json(scaler) : nil,
        path: folder)
    }
    if try has(GemmaScopeFolder.weights) { return GemmaScopeFolder.read() }
    // Half of a layout: the other half is what is missing.
    let halves = [
      ("cfg.json", SAEWeights.fileName), (SAEWeights.fileName, "cfg.json"),
      (SparsifyFolder.weights, "cfg.json"), (DictionaryFolder.weights, "config.json"),
    ]
    for (half, other) in halves where try has(half) {
      throw PretrainedSAEError.missing(path: folder + "/" + other)
    }
    throw PretrainedSAEError.nothingThere(path: folder)
  }

  private static func json(_ path: String) throws -> JSON {
    let status = try System.status(path)
    // A configuration has a few kilobytes; what is larger is none.
    guard status.byteCount <= 16 << 20 else { throw PretrainedSAEError.notJSON(path: path) }
    let bytes = try MappedFile.contents(path)
    guard let json = try? JSON(parsing: bytes), json.object != nil else {
      throw PretrainedSAEError.notJSON(path: path)
    }
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
    let complaints =
      foreignOptions(result) + result.contradictions.map { "train.\($0.name) \($0.text)" }
    guard complaints.isEmpty else {
      throw PretrainedSAEError.doesNotFit(path: folder, complaints: complaints)
    }
    return result
  }

  /// Complaints of options that are stated and that the SAE's kind does not have; where the file states the
  /// kind, they are complained of without the SAE.
  private func foreignOptions(_ settings: TrainSettings) -> [String] {
    if settings.stated.contains("architecture") { return [] }
    let kind = settings.architecture
    return TrainSettings.settings.map(\.row).filter {
      settings.stated.contains($0.name) && !$0.architectures.isEmpty
        && !$0.architectures.contains(kind) && !settings.isOlder($0.name)
    }.map { "train.\($0.name) is no option of architecture \(kind.rawValue)." }
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
  /// Whether an option is one that configurations of older versions state for every architecture.
  fileprivate func isOlder(_ name: String) -> Bool {
    defaults == .saeLens5 && DefaultsVersion.hasOlder(name)
  }

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
