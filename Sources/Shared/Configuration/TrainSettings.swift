// The section `train`: activation shards to a trained SAE; SAELens's LanguageModelSAERunnerConfig,
// flat as in versions 3 to 5 or nested as in 6.

package enum Architecture: String, Sendable, SettingChoice {
  case standard
  case topk
}

package enum ActivationNormalization: String, Sendable, SettingChoice {
  case none
  case expectedAverageOnlyIn = "expected_average_only_in"
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
  package var k = 100
  package var auxLossCoefficient = 1.0
  package var rescaleActsByDecoderNorm = true
  package var l1Coefficient = 1.0
  package var lpNorm = 1.0
  package var l1WarmUpSteps = 0
  package var applyBDecToInput = true
  package var normalizeActivations = ActivationNormalization.none
  package var bDecInitMethod = DecoderBiasInit.zeros
  package var decoderInitNorm: Double? = 0.1
  package var trainingTokens = 2_000_000
  package var trainBatchSizeTokens = 4096
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
  package var seed = 42
  package var nCheckpoints = 0
  package var keepCheckpoints = 2
  package var checkpointMinutes = 10.0
  package var resume = true
  package var threads = 0
  package var modelName: String?
  package var hookName: String?
  package var hookLayer: Int?
  package var contextSize: Int?

  package init() {}

  /// Optimizer steps of the run.
  package var stepCount: Int { trainingTokens / trainBatchSizeTokens }

  /// The number of latents for activations of width `dIn`; nil where it is beyond counting.
  package func latentCount(dIn: Int) -> Int? {
    if let dSae { return dSae }
    let (count, overflow) = dIn.multipliedReportingOverflow(by: expansionFactor ?? 4)
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

  package static let settings: [Setting<TrainSettings>] = latents + optimisation + run + repeated

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
    Setting("k", \.k, "Active latents per activation (topk).", .atLeast(1)),
    Setting(
      "aux_loss_coefficient", \.auxLossCoefficient,
      "Weight of the loss that revives dead latents (topk).",
      .atLeast(0)),
    Setting(
      "rescale_acts_by_decoder_norm", \.rescaleActsByDecoderNorm,
      "Weight latents by the norm of their decoder rows before the k largest are taken (topk)."),
    Setting(
      "l1_coefficient", \.l1Coefficient, "Weight of the sparsity loss (standard).", .atLeast(0)),
    Setting("lp_norm", \.lpNorm, "Exponent p of the sparsity norm (standard).", .above(0)),
    Setting(
      "l1_warm_up_steps", \.l1WarmUpSteps, "Steps over which the sparsity weight grows from 0.",
      .atLeast(0)),
    Setting(
      "apply_b_dec_to_input", \.applyBDecToInput, "Subtract the decoder bias before encoding."),
    Setting(
      "normalize_activations", \.normalizeActivations,
      "Scale inputs so that their mean norm is the square root of d_in."),
    Setting("b_dec_init_method", \.bDecInitMethod, "Initial decoder bias."),
    Setting(
      "decoder_init_norm", \.decoderInitNorm,
      "Norm of the initial decoder rows; null keeps them as drawn.", .above(0),
      aliases: ["decoder_heuristic_init_norm"]),
  ]

  private static let optimisation: [Setting<TrainSettings>] = [
    Setting(
      "training_tokens", \.trainingTokens, "Activations to train on.", .atLeast(1)),
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

  private static let run: [Setting<TrainSettings>] = [
    Setting(
      "feature_sampling_window", \.featureSamplingWindow,
      "Steps over which firing frequencies are counted.", .atLeast(1)),
    Setting(
      "dead_feature_window", \.deadFeatureWindow,
      "Steps without firing after which a latent is dead.",
      .atLeast(1)),
    Setting(
      "eval_fraction", \.evalFraction,
      "Share of the sequences that is kept from training; final figures come from it.",
      .fromUpTo(0, 1)),
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
      "resume", \.resume, "Continue from the newest complete checkpoint.", effect: .none),
    Setting("threads", \.threads, "Threads; 0 uses every core.", .atLeast(0), effect: .none),
  ]

  /// What the cache knows already and a configuration may repeat.
  private static let repeated: [Setting<TrainSettings>] = [
    Setting(
      "model_name", \.modelName, "Language model; must agree with the cache.", effect: .none),
    Setting(
      "hook_name", \.hookName, "Hook point to train on; null takes cache.hook_name.",
      effect: .none),
    Setting(
      "hook_layer", \.hookLayer, "Layer of the hook point; must agree with hook_name.",
      .atLeast(0), effect: .none),
    Setting(
      "context_size", \.contextSize, "Tokens per row; must agree with the cache.", .atLeast(2),
      effect: .none),
  ]

  package static let inertSettings: [InertSetting] =
    InertSetting.languageModel + [
      InertSetting("dataset_path", "Activations come from the cache section."),
      InertSetting("dataset_trust_remote_code", "No code of a data set is ever run."),
      InertSetting("streaming", "Activations come from the cache section."),
      InertSetting("is_dataset_tokenized", "Activations come from the cache section."),
      InertSetting("use_cached_activations", "Activations always come from the cache section."),
      InertSetting("cached_activations_path", "Activations are found in the store."),
      InertSetting("prepend_bos", "Tokens are packed by the pretokenize section."),
      InertSetting("hook_head_index", "The cache section says what is stored."),
      InertSetting("seqpos_slice", "The cache section says what is stored."),
      InertSetting("exclude_special_tokens", "The cache section says what is stored."),
      InertSetting("model_from_pretrained_kwargs", "The cache section says what is stored."),
      InertSetting("disable_concat_sequences", "Tokens are packed by the pretokenize section."),
      InertSetting("sequence_separator_token", "Tokens are packed by the pretokenize section."),
      InertSetting("store_batch_size_prompts", "It belongs to the cache section."),
      InertSetting("n_batches_in_buffer", "Activations are permuted as they are cached."),
      InertSetting("activations_mixing_fraction", "Activations are permuted as they are cached."),
      InertSetting("tokens_per_buffer", "Activations are permuted as they are cached."),
      InertSetting("n_batches_for_norm_estimate", "The mean norm of the whole cache is used."),
      InertSetting("dtype", only: [.string("float32")], "Training computes in float32."),
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
      InertSetting("jumprelu_init_threshold", "It belongs to another architecture."),
      InertSetting("jumprelu_bandwidth", "It belongs to another architecture."),
      InertSetting(
        "activation_fn", only: [.null, .string("relu")], "The architecture sets the activation."),
      InertSetting(
        "activation_fn_kwargs", only: [.null, .object([:])], "Give k as train.k."),
      InertSetting(
        "normalize_sae_decoder", only: [.bool(false)], "The sparsity loss weighs decoder norms."),
      InertSetting(
        "scale_sparsity_penalty_by_decoder_norm", only: [.bool(true)],
        "The sparsity loss always weighs decoder norms."),
      InertSetting(
        "decoder_heuristic_init", only: [.bool(true)],
        "Decoder rows always start with the norm decoder_init_norm."),
      InertSetting(
        "decoder_orthogonal_init", only: [.bool(false)], "The decoder is drawn at random."),
      InertSetting(
        "init_encoder_as_decoder_transpose", only: [.bool(true)],
        "The encoder always starts as the decoder's transpose."),
      InertSetting("mse_loss_normalization", only: [.null], "The loss is not normalised."),
      InertSetting("use_ghost_grads", only: [.bool(false)], "There are no ghost gradients."),
      InertSetting("noise_scale", only: [.integer(0)], "No noise is added."),
      InertSetting("finetuning_tokens", only: [.integer(0)], "There is no fine-tuning."),
      InertSetting("finetuning_method", only: [.null], "There is no fine-tuning."),
      InertSetting(
        "from_pretrained_path", only: [.null], "Training starts from initial weights."),
      InertSetting(
        "resume_from_checkpoint", only: [.null],
        "A run resumes from its own checkpoints by itself."),
      InertSetting(
        "reshape_activations", only: [.string("none")], "Activations are used as they are."),
    ]

  package var contradictions: [Complaint] {
    latentContradictions + scheduleContradictions
      + HookLayer.contradiction(name: hookName, layer: hookLayer)
  }

  private var latentContradictions: [Complaint] {
    var found: [Complaint] = []
    if let dSae, let expansionFactor {
      found.append(
        Complaint(
          "d_sae",
          "is \(dSae) while expansion_factor is \(expansionFactor); only one of them may be given."
        ))
    } else if architecture == .topk, let latents = dSae ?? dIn.flatMap(latentCount), k > latents {
      found.append(Complaint("k", "is \(k), but there are only \(latents) latents."))
    }
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
