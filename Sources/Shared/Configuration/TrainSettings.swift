// The section `train`: activation shards to a trained SAE; SAELens's LanguageModelSAERunnerConfig,
// flat as in versions 3 to 5 or nested as in 6.

/// Kinds of SAE; the words are SAELens's.
package enum Architecture: String, Sendable, SettingChoice {
  case standard
  case gated
  case topk
  case abstopk
  case batchtopk
  case matryoshkaBatchtopk = "matryoshka_batchtopk"
  case jumprelu
  case matchingPursuit = "matching_pursuit"
  case transcoder
  case skipTranscoder = "skip_transcoder"
  case jumpreluTranscoder = "jumprelu_transcoder"
  case jumpreluSkipTranscoder = "jumprelu_skip_transcoder"

  /// Whether the target comes from another hook point than the input.
  package var isTranscoder: Bool {
    switch self {
    case .transcoder, .skipTranscoder, .jumpreluTranscoder, .jumpreluSkipTranscoder: true
    default: false
    }
  }
}

/// How activations are normalised; the words are SAELens's.
package enum ActivationNormalization: String, Sendable, SettingChoice {
  case none
  case expectedAverageOnlyIn = "expected_average_only_in"
  case constantNormRescale = "constant_norm_rescale"
  case layerNorm = "layer_norm"
  case covarianceWhitening = "covariance_whitening"
}

package enum JumpReLUSparsityLoss: String, Sendable, SettingChoice {
  case step
  case tanh
  case quadratic
}

package enum ErrorNormalization: String, Sendable, SettingChoice {
  case denseBatch = "dense_batch"
}

package enum DecoderDraw: String, Sendable, SettingChoice {
  case kaimingUniform = "kaiming_uniform"
  case normal
  case uniform
}

package enum DecoderProjection: String, Sendable, SettingChoice {
  case gradient
  case rowsOnly = "rows_only"
}

package enum FinetuningMethod: String, Sendable, SettingChoice {
  case scale
  case decoder
  case unrotatedDecoder = "unrotated_decoder"
}

/// Whether the finished SAE takes heads side by side or each by itself.
package enum ActivationReshaping: String, Sendable, SettingChoice {
  case none
  case hookZ = "hook_z"
}

package enum SweepMode: String, Sendable, SettingChoice {
  case separate
  case shared
}

package enum LearningRateSchedule: String, Sendable, SettingChoice {
  case constant
  case cosineAnnealing = "cosineannealing"
  case cosineAnnealingWarmRestarts = "cosineannealingwarmrestarts"

  package static let misspellings = ["consineannealing": Self.cosineAnnealing]
}

package enum DecoderBiasInit: String, Sendable, SettingChoice {
  case zeros
  case mean
  case geometricMedian = "geometric_median"
}

/// Activation shards to a trained SAE; SAELens's LanguageModelSAERunnerConfig.
package struct TrainSettings: Sendable, Equatable {
  package var architecture = Architecture.standard
  package var dIn: Int?
  package var dSae: Int?
  package var expansionFactor: Int?
  package var k = 100.0
  package var auxLossCoefficient = 1.0
  package var rescaleActsByDecoderNorm = true
  package var topkThresholdLr = 0.01
  package var matryoshkaWidths = WholeNumbers()
  package var useMatryoshkaAuxLoss = false
  package var l1Coefficient = 1.0
  package var lpNorm = 1.0
  package var l1WarmUpSteps = 0
  package var scaleSparsityPenaltyByDecoderNorm = true
  package var jumpreluInitThreshold = 0.01
  package var jumpreluBandwidth = 0.05
  package var jumpreluSparsityLossMode = JumpReLUSparsityLoss.step
  package var jumpreluTanhScale = 4.0
  package var jumpreluSteToInput = false
  package var l0Coefficient = 1.0
  package var l0WarmUpSteps = 0
  package var targetL0: Double?
  package var preActLossCoefficient: Double?
  package var residualThreshold = 0.01
  package var maxIterations: Int?
  package var stopOnDuplicateSupport = true
  package var applyBDecToInput = true
  package var normalizeActivations = ActivationNormalization.none
  package var reshapeActivations = ActivationReshaping.none
  package var mseLossNormalization: ErrorNormalization?
  package var useGhostGrads = false
  package var noiseScale = 0.0
  package var normalizeSaeDecoder = false
  package var decoderProjection = DecoderProjection.gradient
  package var bDecInitMethod = DecoderBiasInit.zeros
  package var decoderInitNorm: Double? = 0.1
  package var decoderHeuristicInit = true
  package var decoderInitDraw = DecoderDraw.kaimingUniform
  package var decoderOrthogonalInit = false
  package var initEncoderAsDecoderTranspose = true
  package var fromPretrainedPath: String?
  package var trainingTokens = 2_000_000
  package var trainBatchSizeTokens = 4096
  package var finetuningTokens = 0
  package var finetuningMethod: FinetuningMethod?
  package var lr = 3e-4
  package var lrSchedulerName = LearningRateSchedule.constant
  package var lrWarmUpSteps = 0
  package var lrDecaySteps = 0
  package var lrEnd: Double?
  package var nRestartCycles = 1
  package var adamBeta1 = 0.9
  package var adamBeta2 = 0.999
  package var featureSamplingWindow = 2000
  package var deadFeatureWindow = 1000
  package var evalFraction = 0.0
  package var excludeSpecialTokens = TokenExclusion.none
  package var seqposSlice = PositionSlice.all
  package var maxNormMultiple: Double?
  package var seed = 42
  package var nCheckpoints = 0
  package var keepCheckpoints = 2
  package var checkpointMinutes = 10.0
  package var resume = Resumption.newest
  package var threads = 0
  package var sweep = SweepAxes()
  package var sweepMode = SweepMode.separate
  package var modelName: String?
  package var hookName: String?
  package var hookNameOut: String?
  package var hookLayer: Int?
  package var hookHeadIndex: Int?
  package var dOut: Int?
  package var contextSize: Int?
  package var modelClassName: String?
  package var modelFromPretrainedKwargs = ModelOptions()
  package var datasetPath: String?
  package var prependBos: Bool?
  package var disableConcatSequences: Bool?
  package var sequenceSeparatorToken = StatedToken.unstated

  package init() {}

  /// The k of SAELens 4 and 5 under its old name; reads as none.
  package var activationFnKwargs: ActivationFunctionOptions {
    get { ActivationFunctionOptions() }
    set { k = newValue.k ?? k }
  }

  /// Optimizer steps of the run.
  package var stepCount: Int { (trainingTokens + finetuningTokens) / trainBatchSizeTokens }

  /// The number of latents for activations of width `dIn`; nil where it is beyond counting.
  package func latentCount(dIn: Int) -> Int? {
    dSae ?? width(expansionFactor ?? 4, of: dIn)
  }

  /// `factor` latents per dimension; nil where that is beyond counting.
  private func width(_ factor: Int, of dIn: Int) -> Int? {
    let (count, overflow) = dIn.multipliedReportingOverflow(by: factor)
    return overflow ? nil : count
  }

  /// The same run with everything said outright that follows from the width of the activations.
  ///
  /// Fingerprints are taken of this form, so that `d_sae` and the `expansion_factor` that amounts
  /// to it name one run.
  package func settled(dIn: Int) -> TrainSettings {
    var result = self
    result.dIn = dIn
    result.dSae = latentCount(dIn: dIn)
    result.expansionFactor = nil
    result.lrEnd = lrEnd ?? lr / 10
    return result
  }
}

extension TrainSettings: Section {
  package static let sectionName = "train"
  package static let summary = "Activation shards to a trained SAE"
  package static let nested = ["sae": "train", "logger": "logger"]
  package static let guests = ["logger"]

  package static let settings: [Setting<TrainSettings>] =
    latents + sparsity + jumpReLU + formula + start + optimisation + data + run + repeated

  private static let latents: [Setting<TrainSettings>] = [
    Setting("architecture", \.architecture, "Kind of SAE."),
    Setting(
      "d_in", \.dIn, "Width of the activations; must agree with the cache.", .atLeast(1),
      effect: .none),
    Setting(
      "d_sae", \.dSae, "Number of latents; null takes expansion_factor.", .atLeast(1)),
    Setting(
      "expansion_factor", \.expansionFactor, "Latents per dimension of the input; null means 4.",
      .atLeast(1)),
    Setting(
      "k", \.k, "Active latents per activation (topk and kin; a mean in batchtopk).", .above(0)),
    Setting(
      "activation_fn_kwargs", \.activationFnKwargs, "The k of SAELens 4 and 5.", effect: .none),
    Setting(
      "aux_loss_coefficient", \.auxLossCoefficient,
      "Weight of the loss that revives dead latents (topk and kin).",
      .atLeast(0)),
    Setting(
      "rescale_acts_by_decoder_norm", \.rescaleActsByDecoderNorm,
      "Compare latents weighted by the norm of their decoder rows (topk and kin)."),
    Setting(
      "topk_threshold_lr", \.topkThresholdLr,
      "Share of a batch's least kept latent in the running threshold (batchtopk).",
      .above(0), effect: .bytesWhenSet),
    Setting(
      "matryoshka_widths", \.matryoshkaWidths,
      "Ascending numbers of latents that must reconstruct alone (matryoshka_batchtopk).",
      effect: .bytesWhenSet),
    Setting(
      "use_matryoshka_aux_loss", \.useMatryoshkaAuxLoss,
      "Dead latents learn from the error of their own width (matryoshka_batchtopk).",
      effect: .bytesWhenSet),
    Setting(
      "residual_threshold", \.residualThreshold,
      "Norm of the residual at which the search ends (matching_pursuit).", .atLeast(0),
      effect: .bytesWhenSet),
    Setting(
      "max_iterations", \.maxIterations,
      "Latents searched for at most (matching_pursuit); null means d_in.", .atLeast(1),
      effect: .bytesWhenSet),
    Setting(
      "stop_on_duplicate_support", \.stopOnDuplicateSupport,
      "End the search when it finds nothing new (matching_pursuit).", effect: .bytesWhenSet),
  ]

  private static let sparsity: [Setting<TrainSettings>] = [
    Setting(
      "l1_coefficient", \.l1Coefficient,
      "Weight of the sparsity loss (standard, gated, transcoder).", .atLeast(0)),
    Setting(
      "lp_norm", \.lpNorm, "Exponent p of the sparsity norm (standard, transcoder).", .above(0)),
    Setting(
      "l1_warm_up_steps", \.l1WarmUpSteps, "Steps over which l1_coefficient grows from 0.",
      .atLeast(0)),
    Setting(
      "scale_sparsity_penalty_by_decoder_norm", \.scaleSparsityPenaltyByDecoderNorm,
      "Weigh latents by their decoder norms in the sparsity loss; SAELens 6 always does.",
      effect: .bytesWhenSet),
  ]

  private static let jumpReLU: [Setting<TrainSettings>] = [
    Setting(
      "jumprelu_init_threshold", \.jumpreluInitThreshold, "Initial threshold (jumprelu).",
      .atLeast(0), effect: .bytesWhenSet),
    Setting(
      "jumprelu_bandwidth", \.jumpreluBandwidth,
      "Width of the band around the threshold from which it learns (jumprelu).", .above(0),
      effect: .bytesWhenSet),
    Setting(
      "jumprelu_sparsity_loss_mode", \.jumpreluSparsityLossMode,
      "Sparsity loss: L0 by steps, by tanh, or its distance from target_l0 (jumprelu).",
      effect: .bytesWhenSet),
    Setting(
      "jumprelu_tanh_scale", \.jumpreluTanhScale, "Steepness of the tanh loss (jumprelu).",
      .above(0), effect: .bytesWhenSet),
    Setting(
      "jumprelu_ste_to_input", \.jumpreluSteToInput,
      "The band passes gradients to the encoder as well (jumprelu).", effect: .bytesWhenSet),
    Setting(
      "l0_coefficient", \.l0Coefficient, "Weight of the sparsity loss (jumprelu).", .atLeast(0),
      effect: .bytesWhenSet),
    Setting(
      "l0_warm_up_steps", \.l0WarmUpSteps, "Steps over which l0_coefficient grows from 0.",
      .atLeast(0), effect: .bytesWhenSet),
    Setting(
      "target_l0", \.targetL0, "The L0 that the quadratic loss aims at (jumprelu).", .above(0),
      effect: .bytesWhenSet),
    Setting(
      "pre_act_loss_coefficient", \.preActLossCoefficient,
      "Weight of the loss that lifts dead latents (jumprelu); Anthropic's is 3e-6.",
      .atLeast(0), effect: .bytesWhenSet),
  ]

  private static let formula: [Setting<TrainSettings>] = [
    Setting(
      "apply_b_dec_to_input", \.applyBDecToInput, "Subtract the decoder bias before encoding."),
    Setting(
      "normalize_activations", \.normalizeActivations,
      "Scale of the inputs: by one factor, row by row, or whitened."),
    Setting(
      "reshape_activations", \.reshapeActivations,
      "hook_z: the finished SAE takes heads as [head, width] (written to cfg.json).",
      effect: .bytesWhenSet),
    Setting(
      "mse_loss_normalization", \.mseLossNormalization,
      "Divide each row's error by its distance from the batch's mean (SAELens 3 to 5).",
      effect: .bytesWhenSet),
    Setting(
      "use_ghost_grads", \.useGhostGrads,
      "Dead latents learn from the residual by ghost gradients (standard; SAELens 3 to 5).",
      effect: .bytesWhenSet),
    Setting(
      "noise_scale", \.noiseScale, "Standard deviation of noise on pre-activations.", .atLeast(0),
      effect: .bytesWhenSet),
    Setting(
      "normalize_sae_decoder", \.normalizeSaeDecoder, "Keep decoder rows at norm 1.",
      effect: .bytesWhenSet),
    Setting(
      "decoder_projection", \.decoderProjection,
      "With normalize_sae_decoder: also project gradients, or rows only as SAELens 3 did.",
      effect: .bytesWhenSet),
  ]

  private static let start: [Setting<TrainSettings>] = [
    Setting("b_dec_init_method", \.bDecInitMethod, "Initial decoder bias."),
    Setting(
      "decoder_init_norm", \.decoderInitNorm,
      "Norm of the initial decoder rows; null keeps them as drawn.", .above(0),
      aliases: ["decoder_heuristic_init_norm"]),
    Setting(
      "decoder_heuristic_init", \.decoderHeuristicInit,
      "Give initial decoder rows the norm decoder_init_norm.", effect: .bytesWhenSet),
    Setting(
      "decoder_init_draw", \.decoderInitDraw,
      "How decoder rows are drawn; SAELens up to 5.10 drew them uniform on [0, 1).",
      effect: .bytesWhenSet),
    Setting(
      "decoder_orthogonal_init", \.decoderOrthogonalInit,
      "Start with orthogonal decoder columns or rows.", effect: .bytesWhenSet),
    Setting(
      "init_encoder_as_decoder_transpose", \.initEncoderAsDecoderTranspose,
      "Start the encoder as the decoder's transpose; false draws it anew.",
      effect: .bytesWhenSet),
    Setting(
      "from_pretrained_path", \.fromPretrainedPath,
      "Folder of an SAE (SAELens's or ours) whose weights training starts from.",
      effect: .bytesWhenSet),
  ]

  private static let optimisation: [Setting<TrainSettings>] = [
    Setting(
      "training_tokens", \.trainingTokens, "Activations to train on.", .atLeast(1)),
    Setting(
      "finetuning_tokens", \.finetuningTokens,
      "Further activations on which finetuning_method's parameters alone are trained.",
      .atLeast(0), effect: .bytesWhenSet),
    Setting(
      "finetuning_method", \.finetuningMethod,
      "What is fine-tuned: a factor per latent, with the decoder, or with its bias.",
      effect: .bytesWhenSet),
    Setting(
      "train_batch_size_tokens", \.trainBatchSizeTokens, "Activations per optimizer step.",
      .atLeast(1)),
    Setting("lr", \.lr, "Peak learning rate.", .above(0)),
    Setting("lr_scheduler_name", \.lrSchedulerName, "Learning rate between warm-up and decay."),
    Setting("lr_warm_up_steps", \.lrWarmUpSteps, "Steps of linear warm-up.", .atLeast(0)),
    Setting(
      "lr_decay_steps", \.lrDecaySteps, "Steps of linear decay to 0 at the end.", .atLeast(0)),
    Setting(
      "lr_end", \.lrEnd, "Floor of the cosine schedules; null means lr/10.", .atLeast(0)),
    Setting(
      "n_restart_cycles", \.nRestartCycles, "Cycles of cosineannealingwarmrestarts.",
      .atLeast(1)),
    Setting(
      "adam_beta1", \.adamBeta1, "Adam's decay of the first moment (0 in SAELens 3 to 5).",
      .fromUpTo(0, 1)),
    Setting("adam_beta2", \.adamBeta2, "Adam's decay of the second moment.", .fromUpTo(0, 1)),
    Setting("seed", \.seed, "Seed of initial weights and order.", .atLeast(0)),
  ]

  private static let data: [Setting<TrainSettings>] = [
    Setting(
      "eval_fraction", \.evalFraction,
      "Share of the sequences that is kept from training; final figures come from it.",
      .fromUpTo(0, 1)),
    Setting(
      "exclude_special_tokens", \.excludeSpecialTokens,
      "Leave out cached rows of special tokens, or of the token ids listed.",
      effect: .bytesWhenSet),
    Setting(
      "seqpos_slice", \.seqposSlice, "Positions of the cached rows that are used, as a slice.",
      effect: .bytesWhenSet),
    Setting(
      "max_norm_multiple", \.maxNormMultiple,
      "Leave out rows with a norm above this multiple of the median (attention sinks).",
      .above(1), effect: .bytesWhenSet),
  ]

  private static let run: [Setting<TrainSettings>] = [
    Setting(
      "feature_sampling_window", \.featureSamplingWindow,
      "Steps over which firing frequencies are counted.", .atLeast(1)),
    Setting(
      "dead_feature_window", \.deadFeatureWindow,
      "Steps without firing after which a latent is dead.",
      .atLeast(1)),
    Setting(
      "n_checkpoints", \.nCheckpoints, "Checkpoints at even distances.", .atLeast(0),
      effect: .none),
    Setting(
      "checkpoint_minutes", \.checkpointMinutes,
      "Minutes between further checkpoints, which serve to continue a run.", .above(0),
      effect: .none),
    Setting(
      "keep_checkpoints", \.keepCheckpoints,
      "How many of those further checkpoints are kept, newest first.",
      .atLeast(1), effect: .none),
    Setting(
      "resume", \.resume, "Continue from the newest whole checkpoint; auto is true.",
      effect: .none),
    Setting("threads", \.threads, "Threads; 0 uses every core.", .atLeast(0), effect: .none),
    Setting(
      "sweep", \.sweep, "Lists of values by option name; one run for each combination.",
      effect: .none),
    Setting(
      "sweep_mode", \.sweepMode, "One run after another, or all on one stream of batches.",
      effect: .none),
  ]

  /// What the cache knows already and a configuration may repeat.
  private static let repeated: [Setting<TrainSettings>] = [
    Setting(
      "model_name", \.modelName, "Language model; must agree with the cache.", effect: .none),
    Setting(
      "hook_name", \.hookName, "Hook point to train on; null takes cache.hook_name.",
      effect: .none),
    Setting(
      "hook_name_out", \.hookNameOut, "Hook point whose activations a transcoder predicts.",
      effect: .none),
    Setting(
      "hook_layer", \.hookLayer, "Layer of the hook point; must agree with hook_name.",
      .atLeast(0), effect: .none),
    Setting(
      "hook_head_index", \.hookHeadIndex, "The cached head; must agree with the cache.",
      .atLeast(0), effect: .none),
    Setting(
      "d_out", \.dOut, "Width of a transcoder's targets; must agree with the cache.",
      .atLeast(1), effect: .none),
    Setting(
      "context_size", \.contextSize, "Tokens per row; must agree with the cache.", .atLeast(2),
      effect: .none),
    Setting(
      "model_class_name", \.modelClassName,
      "Whose names hook points have: HookedTransformer or AutoModelForCausalLM.", effect: .none),
    Setting(
      "model_from_pretrained_kwargs", \.modelFromPretrainedKwargs,
      "How weights were processed; must agree with the cache.", effect: .none),
    Setting(
      "dataset_path", \.datasetPath, "The text; must agree with the tokens.", effect: .none),
    Setting(
      "prepend_bos", \.prependBos, "Whether rows begin with bos; must agree with the tokens.",
      effect: .none),
    Setting(
      "disable_concat_sequences", \.disableConcatSequences,
      "Whether a row is one document; must agree with the tokens.", effect: .none),
    Setting(
      "sequence_separator_token", \.sequenceSeparatorToken,
      "Token between two documents; must agree with the tokens.", effect: .none),
  ]

  /// The types that SAELens computes in, as versions of it write them.
  private static let floatTypes: [JSON] =
    ["float32", "float16", "bfloat16", "float64"].flatMap {
      [.string($0), .string("torch." + $0)]
    }

  package static let inertSettings: [InertSetting] =
    InertSetting.languageModel + [
      InertSetting("dataset_trust_remote_code", "No code of a data set is ever run."),
      InertSetting("streaming", "Activations come from the cache section."),
      InertSetting("is_dataset_tokenized", "Activations come from the cache section."),
      InertSetting("use_cached_activations", "Activations always come from the cache section."),
      InertSetting("cached_activations_path", "Activations are found in the store."),
      InertSetting("store_batch_size_prompts", "It belongs to the cache section."),
      InertSetting("n_batches_in_buffer", "Activations are permuted as they are cached."),
      InertSetting("activations_mixing_fraction", "Activations are permuted as they are cached."),
      InertSetting("tokens_per_buffer", "Activations are permuted as they are cached."),
      InertSetting("n_batches_for_norm_estimate", "The mean norm of the whole cache is used."),
      InertSetting("dtype", only: floatTypes, "Training computes in float32."),
      InertSetting("autocast", "Training computes in float32."),
      InertSetting("compile_sae", "There is nothing to compile."),
      InertSetting("sae_compilation_mode", "There is nothing to compile."),
      InertSetting("use_sparse_activations", "Sparse steps are taken wherever they are faster."),
      InertSetting("dead_feature_threshold", "SAELens never reads it either."),
      InertSetting("checkpoint_path", "Checkpoints lie in the folder of the run."),
      InertSetting("save_final_checkpoint", "The finished SAE is always written."),
      InertSetting("output_path", "The finished SAE is written to the store."),
      InertSetting("n_eval_batches", "evaluate.eval_tokens sets how much is evaluated."),
      InertSetting("eval_batch_size_prompts", "evaluate.eval_tokens sets how much is evaluated."),
      InertSetting("metadata", "Metadata is written from the cache's manifest."),
      InertSetting("sae_lens_version", "It describes the program that wrote the configuration."),
      InertSetting(
        "sae_lens_training_version", "It describes the program that wrote the configuration."),
      InertSetting(
        "activation_fn", only: [.null, .string("relu"), .string("topk")],
        "The architecture sets the activation."),
      InertSetting(
        "resume_from_checkpoint", only: [.null],
        "A run resumes from its own checkpoints by itself."),
    ]

  package var contradictions: [Complaint] {
    latentContradictions + scheduleContradictions
      + HookLayer.contradiction(name: hookName, layer: hookLayer)
  }

  private var latentContradictions: [Complaint] {
    var found: [Complaint] = []
    if let dSae, let expansionFactor, dSae != dIn.flatMap({ width(expansionFactor, of: $0) }) {
      found.append(
        Complaint(
          "d_sae",
          "is \(dSae) while expansion_factor is \(expansionFactor); only one of them may be given."
        ))
    }
    let latents = dSae ?? dIn.flatMap(latentCount)
    switch architecture {
    case .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk:
      if let latents, k > Double(latents) {
        found.append(
          Complaint("k", "is \(k.json.canonical), but there are only \(latents) latents."))
      } else if architecture == .topk || architecture == .abstopk, k != k.rounded(.down) {
        found.append(Complaint("k", "is \(k); \(architecture.rawValue) takes whole numbers."))
      }
      if architecture == .matryoshkaBatchtopk { found += matryoshkaContradictions(latents) }
    case .jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder:
      if jumpreluSparsityLossMode == .quadratic, targetL0 == nil {
        found.append(Complaint("target_l0", "is needed by jumprelu_sparsity_loss_mode quadratic."))
      }
    default: break
    }
    return found + formulaContradictions
  }

  private func matryoshkaContradictions(_ latents: Int?) -> [Complaint] {
    let widths = matryoshkaWidths.values
    if widths.isEmpty {
      return [Complaint("matryoshka_widths", "must list at least one number of latents.")]
    }
    if zip(widths, widths.dropFirst()).contains(where: { $0 >= $1 }) {
      return [Complaint("matryoshka_widths", "must ascend.")]
    }
    if let last = widths.last, let latents, last > latents {
      return [
        Complaint("matryoshka_widths", "reach \(last), but there are only \(latents) latents.")
      ]
    }
    return []
  }

  private var formulaContradictions: [Complaint] {
    var found: [Complaint] = []
    func refuse(_ name: String, _ text: String, if condition: Bool) {
      if condition { found.append(Complaint(name, text)) }
    }
    let kind = architecture.rawValue
    let isRowwise =
      normalizeActivations == .constantNormRescale || normalizeActivations == .layerNorm
    let usesAuxK: Bool =
      switch architecture {
      case .topk, .abstopk, .batchtopk, .matryoshkaBatchtopk: auxLossCoefficient > 0
      default: false
      }
    refuse(
      "normalize_activations",
      "is \(normalizeActivations.rawValue), which goes with aux_loss_coefficient 0 alone.",
      if: isRowwise && usesAuxK)
    refuse(
      "normalize_activations", "is \(normalizeActivations.rawValue), which \(kind) does not take.",
      if: normalizeActivations == .covarianceWhitening
        && (architecture == .matchingPursuit || architecture.isTranscoder))
    refuse(
      "normalize_activations", "is \(normalizeActivations.rawValue), which \(kind) does not take.",
      if: isRowwise
        && (architecture.isTranscoder || architecture == .matchingPursuit || architecture == .gated)
    )
    refuse(
      "use_ghost_grads", "is true, which goes with architecture standard alone.",
      if: useGhostGrads && architecture != .standard)
    refuse(
      "finetuning_method", "is needed by finetuning_tokens.",
      if: finetuningTokens > 0 && finetuningMethod == nil)
    refuse(
      "finetuning_method", "is decoder, which goes with apply_b_dec_to_input false alone.",
      if: finetuningMethod == .decoder && applyBDecToInput && !architecture.isTranscoder)
    refuse(
      "finetuning_method", "is not for architecture \(kind).",
      if: finetuningMethod != nil && architecture != .standard)
    refuse(
      "hook_name_out", "is needed by architecture \(kind).",
      if: architecture.isTranscoder && hookNameOut == nil)
    refuse(
      "hook_name_out", "is given, but architecture \(kind) is no transcoder.",
      if: !architecture.isTranscoder && hookNameOut != nil)
    refuse(
      "mse_loss_normalization", "is not for architecture \(kind).",
      if: mseLossNormalization != nil && architecture == .matchingPursuit)
    return found
  }

  private var scheduleContradictions: [Complaint] {
    var found: [Complaint] = []
    let steps = stepCount
    if steps == 0 {
      found.append(
        Complaint(
          "training_tokens", "is \(trainingTokens), less than one batch of \(trainBatchSizeTokens)."
        )
      )
      return found
    }
    let main = steps - lrWarmUpSteps - lrDecaySteps
    if main < 0 {
      found.append(
        Complaint(
          "lr_decay_steps",
          "is \(lrDecaySteps) and lr_warm_up_steps is \(lrWarmUpSteps), "
            + "but the run has \(steps) steps."
        ))
    } else if lrSchedulerName == .cosineAnnealingWarmRestarts, nRestartCycles > main {
      found.append(
        Complaint("n_restart_cycles", "is \(nRestartCycles), but the schedule has \(main) steps."))
    }
    if lrEnd == 0, lrDecaySteps > 0, lrSchedulerName != .constant {
      found.append(Complaint("lr_end", "is 0, which leaves nothing to decay over lr_decay_steps."))
    }
    return found
  }
}
