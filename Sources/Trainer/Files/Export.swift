// The files of an SAE as SAELens reads them. Comes in: the trained state, and what the SAE was
// trained on. Leaves: cfg.json, sae_weights.safetensors and sparsity.safetensors, of a checkpoint
// (weights as trained, the data's factor beside them) or of a finished run (factor folded in).

import Foundation
package import Shared

/// The SAELens release whose file layout is written.
private let layoutVersion = "6.54.12"

/// What the files say about an SAE besides its numbers.
package struct SAEFiles: Sendable {
  package let pipeline: Pipeline
  package let configuration: SAEConfiguration
  package let facts: CacheFacts
  /// What a transcoder's targets were taken from.
  package let targetFacts: CacheFacts?
  package let normalization: Normalization

  package init(
    pipeline: Pipeline, configuration: SAEConfiguration, facts: CacheFacts,
    targetFacts: CacheFacts? = nil, normalization: Normalization
  ) {
    self.targetFacts = targetFacts
    self.pipeline = pipeline
    self.configuration = configuration
    self.facts = facts
    self.normalization = normalization
  }

  /// Writes what SAELens v6 keeps in a checkpoint besides its own trainer state.
  package func writeCheckpoint(_ state: borrowing TrainingState, to folder: String) throws {
    try AtomicFile.replace(folder + "/cfg.json", with: trainingConfiguration.pretty)
    let hasScales = state.parameters.latentScale.count > 0
    try SAEWeights.write(
      state.parameters,
      scalars: configuration.architecture.exportedScalars(carried: state.carried),
      settlesRows: configuration.keepsUnitDecoder || hasScales,
      to: folder + "/" + SAEWeights.fileName
    ) { latent, row in
      settle(&row, scale: hasScales ? state.parameters.latentScale.buffer[latent] : 1)
    }
    try writeSparsity(state, to: folder)
    let factor: JSON =
      normalization.factor == 1 || normalization.whitening != nil
      ? .null : .number(normalization.factor)
    let scaler = JSON.object([
      "scaling_factor": factor, "has_whitening": .bool(normalization.whitening != nil),
    ])
    try AtomicFile.replace(folder + "/activation_scaler.json", with: scaler.pretty)
    if let whitening = normalization.whitening { try write(whitening, to: folder) }
  }

  /// Writes the SAE for inference: what was done to the data, and thresholds, are in the weights.
  package func writeFinal(_ state: consuming TrainingState, to folder: String) throws {
    try AtomicFile.replace(
      folder + "/cfg.json", with: inferenceConfiguration(summary(state)).pretty)
    try writeSparsity(state, to: folder)
    let threshold = configuration.architecture.finalThreshold(carried: state.carried)
    try SAEWeights.write(
      finished(state.parameters, threshold: threshold),
      to: folder + "/" + SAEWeights.fileName)
    try AtomicFile.replace(folder + "/runner_cfg.json", with: runnerConfiguration.pretty)
    try AtomicFile.replace(folder + "/pipeline.json", with: pipeline.recorded.pretty)
  }

  /// Brings a decoder row into the form that other programs know: of norm 1 where it is kept so, and
  /// with the factor that fine-tuning learned.
  private func settle(_ row: inout MutableSpan<Float>, scale: Float) {
    if configuration.keepsUnitDecoder { UnitDecoder.normalize(&row) }
    if scale != 1 { for column in row.indices { row[column] *= scale } }
  }

  /// Whether decoder norms are in the weights of the finished SAE.
  private var foldsDecoderNorms: Bool {
    // Whitening changes the norms of decoder rows, by which latents are compared.
    configuration.architecture.foldsDecoderNorms
      || (configuration.comparesByDecoderNorm && normalization.whitening != nil)
  }

  private var folding: Folding {
    Folding(factor: normalization.factor, hasDecoderNorms: foldsDecoderNorms)
  }

  /// The weights for inference.
  func finished(
    _ parameters: consuming Parameters, threshold: Double?
  ) -> Parameters {
    let width = parameters.decoder.columns
    for latent in 0..<configuration.dSae {
      let scale = parameters.latentScale.count > 0 ? parameters.latentScale.buffer[latent] : 1
      var row = parameters.decoder.writer.slice(latent * width..<(latent + 1) * width)
      settle(&row, scale: scale)
    }
    let foldsFirst = foldsDecoderNorms && normalization.whitening != nil
    if foldsFirst { parameters.foldDecoderNorms() }
    normalization.fold(into: &parameters, appliesBDecToInput: configuration.applyBDecToInput)
    if foldsDecoderNorms, !foldsFirst { parameters.foldDecoderNorms() }
    guard let threshold else { return parameters }
    // The threshold is one of pre-activations times norms, which have become smaller by the factor.
    let factor = configuration.comparesByDecoderNorm ? normalization.factor : 1
    return parameters.settingThreshold(Float(threshold / factor))
  }

  /// What a finished run consists of besides its manifest, its figures and its report.
  package static let names = [
    "cfg.json", "pipeline.json", "runner_cfg.json", "sae_weights.safetensors",
    "sparsity.safetensors",
  ]

  /// Lets cfg.json state the L0 that the finished SAE was found to have, which that of the last steps of
  /// training is not: the SAE went on changing, and may choose its latents by other rules.
  package static func record(l0: Double, in folder: String) throws {
    let path = folder + "/cfg.json"
    guard var members = try JSON(parsing: MappedFile.contents(path)).object,
      var metadata = members["metadata"]?.object
    else { return }
    metadata["l0"] = .number(l0)
    members["metadata"] = .object(metadata)
    try AtomicFile.replace(path, with: JSON.object(members).pretty)
  }

  /// The latents that cfg.json counts as dead.
  package static func deadLatents(in folder: String) throws -> Int {
    let cfg = try JSON(parsing: MappedFile.contents(folder + "/cfg.json"))
    return cfg["metadata"]?["num_dead_features"]?.integer ?? 0
  }
}

// MARK: - Numbers

extension SAEFiles {
  private func write(_ whitening: Whitening, to folder: String) throws {
    let width = whitening.width
    var file = try TensorFile.create(
      folder + "/activation_whitening.safetensors",
      tensors: [
        .init("inverse_matrix", .float32, [width, width]),
        .init("matrix", .float32, [width, width]), .init("mean", .float32, [width]),
      ])
    for values in [whitening.inverse, whitening.matrix, whitening.mean] {
      try file.write(values.span.raw)
    }
    try file.finish()
  }

  /// log10(share of the rows on which a latent fires + 1e-10), over the window counted last.
  private func writeSparsity(_ state: borrowing TrainingState, to folder: String) throws {
    let samples = Double(max(1, state.activeSamples))
    let counts = state.activeCounts.span
    let sparsity = counts.indices.map { Float(log10(Double(counts[$0]) / samples + 1e-10)) }
    var file = try TensorFile.create(
      folder + "/sparsity.safetensors", tensors: [.init("sparsity", .float32, [sparsity.count])])
    try file.write(sparsity.span.raw)
    try file.finish()
  }

  /// Mean L0 over the window counted last, and the latents that count as dead.
  private func summary(_ state: borrowing TrainingState) -> [String: JSON] {
    guard state.activeSamples > 0 else { return [:] }
    var active = 0
    for latent in 0..<state.activeCounts.count { active += Int(state.activeCounts[latent]) }
    let dead = state.deadLatentCount(window: pipeline.train.deadFeatureWindow)
    return [
      "l0": .number(Double(active) / Double(state.activeSamples)),
      "num_dead_features": .integer(dead),
    ]
  }
}

// MARK: - Configuration

extension SAEFiles {
  /// What SAELens calls the inference configuration.
  func inferenceConfiguration(_ summary: [String: JSON]) -> JSON {
    var members = commonConfiguration
    members["metadata"] = .object(metadata.merging(summary) { $1 })
    members["normalize_activations"] = rowNormalization
    if let name = configuration.architecture.exportedName {
      members["architecture"] = .string(name.rawValue)
    }
    return .object(members.merging(configuration.architecture.exported(folding)) { $1 })
  }

  /// What SAELens runs inside the SAE; the rest is folded into the weights.
  private var rowNormalization: JSON {
    configuration.rowNormalization == .none
      ? "none" : .string(pipeline.train.normalizeActivations.rawValue)
  }

  /// What SAELens calls the training configuration.
  var trainingConfiguration: JSON {
    var members = commonConfiguration.merging(trainingDetails) { $1 }
    members["metadata"] = .object(metadata)
    members["normalize_activations"] = .string(pipeline.train.normalizeActivations.rawValue)
    return .object(members.merging(options(configuration.architecture.formulaOptions)) { $1 })
  }

  private var commonConfiguration: [String: JSON] {
    let settings = pipeline.train
    var members: [String: JSON] = [
      "architecture": .string(settings.architecture.rawValue),
      "d_in": .integer(configuration.dIn), "d_sae": .integer(configuration.dSae),
      "dtype": "float32", "device": "cpu",
      "reshape_activations": .string(settings.reshapeActivations.rawValue),
      "apply_b_dec_to_input": .bool(configuration.applyBDecToInput),
    ]
    if settings.architecture.isTranscoder { members["d_out"] = .integer(configuration.dOut) }
    return members
  }

  private var trainingDetails: [String: JSON] {
    let own = options(configuration.architecture.trainingOptions)
    return [
      "decoder_init_norm": InitialDraw(pipeline.train).rowNorm.map { .number($0) } ?? .null
    ].merging(own) { $1 }.merging(configuration.architecture.trainingFacts) { $1 }
  }

  /// Options of the run as they were given.
  private func options(_ names: [String]) -> [String: JSON] {
    let settings = TrainSettings.settings.filter { names.contains($0.row.name) }
    return Dictionary(
      uniqueKeysWithValues: settings.map { ($0.row.name, $0.read(pipeline.train)) })
  }

  private var metadata: [String: JSON] {
    [
      "sae_lens_version": .string(layoutVersion),
      "sae_lens_training_version": .string(layoutVersion),
      "producer": .string(Product.name + " " + Product.version),
      "dataset_path": .string(datasetPath), "sequence_separator_token": separator,
      "disable_concat_sequences": .bool(pipeline.pretokenize.disableConcatSequences),
      "training_architecture": .string(pipeline.train.architecture.rawValue),
      "training_architecture_details": .object(trainingDetails),
    ].merging(cached) { own, _ in own }
  }

  /// What was cached, in the words of SAELens.
  private var cached: [String: JSON] {
    let settings = pipeline.cache
    let isModule = HookPoint.isModulePath(facts.hookName)
    // transformers takes none of TransformerLens's options.
    let options: JSON = isModule ? .object([:]) : settings.processing.json
    return [
      "model_name": .string(modelName),
      "model_class_name": isModule ? "AutoModelForCausalLM" : "HookedTransformer",
      "model_from_pretrained_kwargs": options,
      "hook_name": .string(facts.hookName), "hook_head_index": settings.hookHeadIndex.json,
      "context_size": .integer(facts.contextSize), "prepend_bos": .bool(settings.prependBos),
      "seqpos_slice": settings.seqposSlice.json,
      "exclude_special_tokens": settings.excludeSpecialTokens.json,
    ].merging(targetMetadata) { own, _ in own }
  }

  private var targetMetadata: [String: JSON] {
    guard let targetFacts else { return [:] }
    return [
      "hook_name_out": .string(targetFacts.hookName), "hook_head_index_out": .null,
      "hook_layer_out": HookLayer.number(in: targetFacts.hookName).map { .integer($0) } ?? .null,
    ]
  }

  private var datasetPath: String { travelling(pipeline.pretokenize.datasetPath) }
  private var modelName: String { travelling(facts.modelName) }

  /// A name as it is; of a path only the last part, since files that travel name no folders.
  private func travelling(_ name: String) -> String {
    guard name.hasPrefix("/") || name.hasPrefix(".") else { return name }
    return name.split(separator: "/").last.map(String.init) ?? name
  }

  private var separator: JSON {
    switch pipeline.pretokenize.sequenceSeparatorToken {
    case .bos: "bos"
    case .eos: "eos"
    case .sep: "sep"
    case .id(let id): .integer(id)
    case nil: .null
    }
  }

  /// SAELens's LanguageModelSAERunnerConfig, as far as its options exist here.
  var runnerConfiguration: JSON {
    let settings = pipeline.train
    let own: [String: JSON] = [
      "sae": trainingConfiguration,
      "dataset_path": .string(datasetPath), "is_dataset_tokenized": .bool(true),
      "use_cached_activations": .bool(true),
      "disable_concat_sequences": .bool(pipeline.pretokenize.disableConcatSequences),
      "sequence_separator_token": separator,
      "store_batch_size_prompts": .integer(pipeline.cache.modelBatchSize),
      "training_tokens": .integer(settings.trainingTokens),
      "train_batch_size_tokens": .integer(settings.trainBatchSizeTokens),
      "adam_beta1": .number(settings.adamBeta1), "adam_beta2": .number(settings.adamBeta2),
      "lr": .number(settings.lr), "lr_end": .number(settings.lrEnd ?? settings.lr / 10),
      "lr_scheduler_name": .string(settings.lrSchedulerName.rawValue),
      "lr_warm_up_steps": .integer(settings.lrWarmUpSteps),
      "lr_decay_steps": .integer(settings.lrDecaySteps),
      "n_restart_cycles": .integer(settings.nRestartCycles),
      "dead_feature_window": .integer(settings.deadFeatureWindow),
      "feature_sampling_window": .integer(settings.featureSamplingWindow),
      "n_checkpoints": .integer(settings.nCheckpoints), "seed": .integer(settings.seed),
      "device": "cpu", "dtype": "float32",
      "logger": [
        "log_to_wandb": .bool(false),
        "wandb_log_frequency": .integer(pipeline.logger.logFrequency),
      ],
      "sae_lens_version": .string(layoutVersion),
      "sae_lens_training_version": .string(layoutVersion),
    ]
    return .object(own.merging(cached) { own, _ in own })
  }
}
