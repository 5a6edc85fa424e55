// The table of the section `train`, group by group, but for the options of single architectures, which
// stand with Architecture.

extension TrainSettings: Section {
  package static let sectionName = "train"
  package static let summary = "Activation shards to a trained SAE"
  package static let nested = ["sae": "train", "logger": "logger"]
  package static let guests = ["logger"]
  package static let formerNames = [
    "batch_size": "train_batch_size_tokens", "train_batch_size": "train_batch_size_tokens",
    "store_batch_size": "store_batch_size_prompts", "total_training_tokens": "training_tokens",
    "learning_rate": "lr", "l1_coeff": "l1_coefficient", "l1_penalty": "l1_coefficient",
    "dict_size": "d_sae", "num_latents": "d_sae", "act_size": "d_in", "activation_dim": "d_in",
    "layer": "hook_layer", "act_name": "hook_name", "top_k": "k", "beta1": "adam_beta1",
    "beta2": "adam_beta2", "warmup_steps": "lr_warm_up_steps", "n_steps": "training_tokens",
  ]

  package static let settings: [Setting<TrainSettings>] =
    latents + architectureOptions + formula + start + optimization + data + run + repeated

  private static let latents: [Setting<TrainSettings>] = [
    Setting("architecture", \.architecture, "Kind of SAE."),
    Setting(
      "defaults", \.defaults,
      "Whose defaults options have that are left out; null: told by how the options are written.",
      effect: .none),
    Setting(
      "sae_lens_version", \.saeLensVersion,
      "The SAELens that wrote the configuration; before 6 as defaults: sae_lens-5.", effect: .none),
    Setting(
      "d_in", \.dIn, "Width of the activations; must agree with the cache.", .atLeast(1),
      effect: .none),
    Setting(
      "d_sae", \.dSae, "Number of latents; null takes expansion_factor.", .atLeast(1)),
    Setting(
      "expansion_factor", \.expansionFactor, "Latents per dimension of the input; null means 4.",
      .atLeast(1)),
  ]

  private static let formula: [Setting<TrainSettings>] = [
    Setting(
      "apply_b_dec_to_input", \.applyBDecToInput, "Subtract the decoder bias before encoding."),
    Setting(
      "normalize_activations", \.normalizeActivations,
      "Scale of the inputs: by one factor, row by row, or whitened.", effect: .changes(.stream)),
    Setting(
      "reshape_activations", \.reshapeActivations,
      "hook_z: the finished SAE takes heads as [head, width] (written to cfg.json).",
      effect: .changesWhenSet(.formula)),
    Setting(
      "mse_loss_normalization", \.mseLossNormalization,
      "Divide errors by each row's distance from the batch's mean, or by the batch's variance.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "use_ghost_grads", \.useGhostGrads,
      "Dead latents learn from the residual by ghost gradients (standard; SAELens 3 to 5).",
      effect: .changesWhenSet(.formula)),
    Setting(
      "noise_scale", \.noiseScale, "Standard deviation of noise on pre-activations.", .atLeast(0),
      effect: .changesWhenSet(.formula)),
    Setting(
      "normalize_sae_decoder", \.normalizeSaeDecoder, "Keep decoder rows at norm 1.",
      effect: .changesWhenSet(.formula), olderDefault: true),
    Setting(
      "decoder_projection", \.decoderProjection,
      "With normalize_sae_decoder: also project gradients, or rows only as SAELens 3 to 5 did.",
      effect: .changesWhenSet(.formula), olderDefault: .rowsOnly),
  ]

  private static let start: [Setting<TrainSettings>] = [
    Setting(
      "b_dec_init_method", \.bDecInitMethod, "Initial decoder bias.",
      olderDefault: .geometricMedian),
    Setting(
      "decoder_init_norm", \.decoderInitNorm,
      "Norm of the initial decoder rows; null keeps them as drawn.", .above(0),
      aliases: ["decoder_heuristic_init_norm"]),
    Setting(
      "decoder_heuristic_init", \.decoderHeuristicInit,
      "Give initial decoder rows the norm decoder_init_norm.", effect: .changesWhenSet(.formula),
      olderDefault: false),
    Setting(
      "decoder_init_draw", \.decoderInitDraw,
      "How decoder rows are drawn; SAELens up to 5.10 drew them uniform on [0, 1).",
      effect: .changesWhenSet(.formula)),
    Setting(
      "decoder_orthogonal_init", \.decoderOrthogonalInit,
      "Start with orthogonal decoder columns or rows.", effect: .changesWhenSet(.formula)),
    Setting(
      "init_encoder_as_decoder_transpose", \.initEncoderAsDecoderTranspose,
      "Start the encoder as the decoder's transpose; false draws it anew.",
      effect: .changesWhenSet(.formula), olderDefault: false),
    Setting(
      "from_pretrained_path", \.fromPretrainedPath,
      "Folder of an SAE (SAELens's or ours) whose weights training starts from.",
      effect: .changesWhenSet(.formula), names: .path),
  ]

  private static let optimization: [Setting<TrainSettings>] = [
    Setting(
      "training_tokens", \.trainingTokens, "Activations to train on.", .atLeast(1)),
    Setting(
      "finetuning_tokens", \.finetuningTokens,
      "Further activations on which finetuning_method's parameters alone are trained.",
      .atLeast(0), effect: .changesWhenSet(.formula)),
    Setting(
      "finetuning_method", \.finetuningMethod,
      "What is fine-tuned: a factor per latent, with the decoder, or with its bias.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "train_batch_size_tokens", \.trainBatchSizeTokens, "Activations per optimizer step.",
      .atLeast(1), effect: .changes(.stream)),
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
      "adam_beta1", \.adamBeta1, "Adam's decay of the first moment.", .fromUpTo(0, 1),
      olderDefault: 0),
    Setting("adam_beta2", \.adamBeta2, "Adam's decay of the second moment.", .fromUpTo(0, 1)),
    Setting(
      "max_grad_norm", \.maxGradNorm,
      "Norm to which a larger gradient is clipped; 0 clips none (SAELens: 1).", .atLeast(0),
      effect: .changesWhenSet(.formula)),
    Setting(
      "seed", \.seed, "Seed of initial weights and order.", .atLeast(0), effect: .changes(.stream)),
  ]

  private static let data: [Setting<TrainSettings>] = [
    Setting(
      "eval_fraction", \.evalFraction,
      "Share of the sequences that is kept from training; final figures come from it.",
      .fromUpTo(0, 1), effect: .changes(.rows)),
    Setting(
      "exclude_special_tokens", \.excludeSpecialTokens,
      "Leave out cached rows of special tokens, or of the token ids listed.",
      effect: .changesWhenSet(.rows)),
    Setting(
      "seqpos_slice", \.seqposSlice, "Positions of the cached rows that are used, as a slice.",
      effect: .changesWhenSet(.rows)),
    Setting(
      "max_norm_multiple", \.maxNormMultiple,
      "Leave out rows with a norm above this multiple of the median (attention sinks).",
      .above(1), effect: .changesWhenSet(.rows)),
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
      "autocast_lm", \.autocastLM,
      "As cache.autocast_lm, in the passes of the model in which a loss is measured.",
      effect: .none),
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
    Setting("threads", \.threads, "Threads; 0: every core it may use.", .atLeast(0), effect: .none),
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
      "model_name", \.modelName, "Language model; must agree with the cache.", effect: .none,
      names: .path),
    Setting(
      "hook_name", \.hookName, "Hook point to train on; null takes cache.hook_name.",
      aliases: ["hook_point"], effect: .choosesInput),
    Setting(
      "hook_name_out", \.hookNameOut, "Hook point whose activations a transcoder predicts.",
      effect: .choosesInput),
    Setting(
      "hook_layer", \.hookLayer, "Layer of the hook point; must agree with hook_name.",
      .atLeast(0), aliases: ["hook_point_layer"], effect: .none),
    Setting(
      "hook_head_index", \.hookHeadIndex, "The cached head; must agree with the cache.",
      .atLeast(0), aliases: ["hook_point_head_index"], effect: .none),
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
      "dataset_path", \.datasetPath, "The text; must agree with the tokens.", effect: .none,
      names: .path),
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
}
