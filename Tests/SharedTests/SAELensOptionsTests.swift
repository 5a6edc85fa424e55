import Shared
import Support
import Testing

/// An option of SAELens with a value that it takes there, and what that value needs beside it.
private struct Option: Sendable, CustomTestStringConvertible {
  let name: String
  let value: String
  let company: String

  /// The option and its company as members of an object.
  var members: String { "{ \(name): \(value)\(company.isEmpty ? "" : ", ")\(company) }" }

  init(_ name: String, _ value: String, with company: String = "") {
    (self.name, self.value, self.company) = (name, value, company)
  }

  var testDescription: String { name }
}

/// What SAELens 3 to 5 have at the top of LanguageModelSAERunnerConfig and 6 has not.
private let flat: [Option] = [
  Option("hook_layer", "0"), Option("architecture", "'standard'"), Option("d_in", "512"),
  Option("d_sae", "2048"), Option("b_dec_init_method", "'geometric_median'"),
  Option("expansion_factor", "4"), Option("activation_fn", "'relu'"),
  Option("activation_fn_kwargs", "{ k: 100 }", with: "architecture: 'topk'"),
  Option("normalize_sae_decoder", "true"),
  Option("noise_scale", "0.0"), Option("apply_b_dec_to_input", "true"),
  Option("decoder_orthogonal_init", "false"), Option("decoder_heuristic_init", "false"),
  Option("decoder_heuristic_init_norm", "0.1"),
  Option("init_encoder_as_decoder_transpose", "false"), Option("finetuning_tokens", "0"),
  Option("normalize_activations", "'none'"), Option("mse_loss_normalization", "null"),
  Option("l1_coefficient", "0.001"), Option("lp_norm", "1"),
  Option("scale_sparsity_penalty_by_decoder_norm", "false"), Option("l1_warm_up_steps", "0"),
  Option("finetuning_method", "null"), Option("use_ghost_grads", "false"),
  Option("resume", "false"),
  Option("jumprelu_init_threshold", "0.001", with: "architecture: 'jumprelu'"),
  Option("jumprelu_bandwidth", "0.001", with: "architecture: 'jumprelu'"),
  Option("tokens_per_buffer", "10485760"),
]

/// What LanguageModelSAERunnerConfig has in every version, or in 6.
private let common: [Option] = [
  Option("model_name", "'gelu-2l'"), Option("model_class_name", "'HookedTransformer'"),
  Option("hook_name", "'blocks.0.hook_mlp_out'"), Option("hook_eval", "'NOT_IN_USE'"),
  Option("hook_head_index", "null"), Option("dataset_path", "'NeelNanda/c4-tokenized-2b'"),
  Option("dataset_trust_remote_code", "true"), Option("streaming", "true"),
  Option("is_dataset_tokenized", "true"), Option("context_size", "128"),
  Option("use_cached_activations", "false"), Option("cached_activations_path", "null"),
  Option("from_pretrained_path", "null"), Option("n_batches_in_buffer", "20"),
  Option("training_tokens", "2000000"), Option("store_batch_size_prompts", "32"),
  Option("train_batch_size_tokens", "4096"), Option("device", "'cuda'"),
  Option("act_store_device", "'with_model'"), Option("seed", "42"), Option("dtype", "'float32'"),
  Option("dtype", "'torch.bfloat16'"), Option("prepend_bos", "true"),
  Option("autocast", "false"), Option("autocast_lm", "true"), Option("compile_llm", "false"),
  Option("llm_compilation_mode", "null"), Option("compile_sae", "false"),
  Option("sae_compilation_mode", "null"), Option("adam_beta1", "0"), Option("adam_beta2", "0.999"),
  Option("lr", "0.0003"), Option("lr_scheduler_name", "'constant'"),
  Option("lr_warm_up_steps", "0"), Option("lr_end", "null"), Option("lr_decay_steps", "0"),
  Option("n_restart_cycles", "1"), Option("feature_sampling_window", "2000"),
  Option("dead_feature_window", "1000"), Option("dead_feature_threshold", "1e-08"),
  Option("n_eval_batches", "10"), Option("eval_batch_size_prompts", "null"),
  Option("n_checkpoints", "0"), Option("checkpoint_path", "'checkpoints'"),
  Option("verbose", "true"), Option("model_kwargs", "{}"),
  Option("model_from_pretrained_kwargs", "{ center_writing_weights: false }"),
  Option("sae_lens_version", "'6.54.12'"), Option("sae_lens_training_version", "'6.54.12'"),
  Option("seqpos_slice", "[null]"), Option("exclude_special_tokens", "false"),
  Option("disable_concat_sequences", "false"), Option("sequence_separator_token", "'bos'"),
  Option("save_final_checkpoint", "false"), Option("output_path", "'output'"),
  Option("resume_from_checkpoint", "null"), Option("use_chat_formatting", "false"),
  Option("activations_mixing_fraction", "0.5"), Option("llm_device", "null"),
  Option("prefetch_llm_batches", "2"), Option("n_batches_for_norm_estimate", "1000"),
]

private let logging: [Option] = [
  Option("log_to_wandb", "true"), Option("log_activations_store_to_wandb", "false"),
  Option("log_optimizer_state_to_wandb", "false"), Option("log_weights_to_wandb", "true"),
  Option("wandb_project", "'sae_lens_training'"), Option("wandb_id", "null"),
  Option("run_name", "null"), Option("wandb_entity", "null"),
  Option("wandb_log_frequency", "10"), Option("eval_every_n_wandb_logs", "100"),
]

/// What every `sae` of SAELens 6 has, and what each kind has besides.
private let sae: [Option] = [
  Option("d_in", "512"), Option("d_sae", "2048"), Option("dtype", "'float32'"),
  Option("device", "'cpu'"), Option("apply_b_dec_to_input", "true"),
  Option("normalize_activations", "'none'"), Option("reshape_activations", "'none'"),
  Option("reshape_activations", "'hook_z'"), Option("metadata", "{ model_name: 'x' }"),
  Option("decoder_init_norm", "null"), Option("decoder_init_norm", "0.1"),
]
private let kinds: [Option] = [
  Option("l1_coefficient", "1.0", with: "architecture: 'standard'"),
  Option("lp_norm", "1.0", with: "architecture: 'standard'"),
  Option("l1_warm_up_steps", "0", with: "architecture: 'gated'"),
  Option("k", "100", with: "architecture: 'topk'"),
  Option("use_sparse_activations", "false", with: "architecture: 'topk'"),
  Option("aux_loss_coefficient", "1.0", with: "architecture: 'abstopk'"),
  Option("rescale_acts_by_decoder_norm", "true", with: "architecture: 'abstopk'"),
  Option("k", "99.5", with: "architecture: 'batchtopk'"),
  Option("topk_threshold_lr", "0.01", with: "architecture: 'batchtopk'"),
  Option("matryoshka_widths", "[128, 512]", with: "architecture: 'matryoshka_batchtopk'"),
  Option(
    "use_matryoshka_aux_loss", "false",
    with: "architecture: 'matryoshka_batchtopk', matryoshka_widths: [128, 512]"),
  Option("jumprelu_init_threshold", "0.01", with: "architecture: 'jumprelu'"),
  Option("jumprelu_bandwidth", "0.05", with: "architecture: 'jumprelu'"),
  Option("jumprelu_sparsity_loss_mode", "'tanh'", with: "architecture: 'jumprelu'"),
  Option(
    "jumprelu_sparsity_loss_mode", "'quadratic'", with: "architecture: 'jumprelu', target_l0: 30"),
  Option("l0_coefficient", "1.0", with: "architecture: 'jumprelu'"),
  Option("l0_warm_up_steps", "0", with: "architecture: 'jumprelu'"),
  Option("pre_act_loss_coefficient", "null", with: "architecture: 'jumprelu'"),
  Option("jumprelu_tanh_scale", "4.0", with: "architecture: 'jumprelu'"),
  Option("jumprelu_ste_to_input", "false", with: "architecture: 'jumprelu'"),
  Option("target_l0", "null", with: "architecture: 'jumprelu'"),
  Option("residual_threshold", "0.01", with: "architecture: 'matching_pursuit'"),
  Option("max_iterations", "null", with: "architecture: 'matching_pursuit'"),
  Option("stop_on_duplicate_support", "true", with: "architecture: 'matching_pursuit'"),
  Option(
    "d_out", "256",
    with: "architecture: 'transcoder', hook_name_out: 'blocks.0.hook_mlp_out'"),
]

@Suite("Options of SAELens")
struct SAELensOptionsTests {
  private func read(_ text: String) throws -> PipelineFile {
    try PipelineFile(parsing: Array(text.utf8), path: "x.json5")
  }

  /// An option is implemented, or accepted with exactly one warning.
  private func expectAccepted(_ option: Option, _ file: PipelineFile) {
    let tables = Pipeline.tables.filter { ["train", "logger"].contains($0.name) }
    let isImplemented = tables.contains { table in
      table.rows.contains { $0.name == option.name || $0.aliases.contains(option.name) }
    }
    let expected = isImplemented ? [] : [option.name]
    // Whose defaults are taken, and what they mean to a kind, is told as well.
    let notes = file.notes.filter { !["defaults", "architecture"].contains($0.name) }
    #expect(notes.map(\.name) == expected)
    #expect(notes.allSatisfy { $0.text.hasPrefix("has no effect. ") })
  }

  @Test("What stands at the top is accepted there", arguments: flat + common + logging)
  private func top(_ option: Option) throws {
    expectAccepted(option, try read("{ train: \(option.members) }"))
  }

  @Test("What an sae says is accepted in its group and flat", arguments: sae + kinds)
  private func nested(_ option: Option) throws {
    expectAccepted(option, try read("{ train: { sae: \(option.members) } }"))
    expectAccepted(option, try read("{ train: \(option.members) }"))
  }

  @Test("What a logger says is accepted in its group and in its section", arguments: logging)
  private func logger(_ option: Option) throws {
    let members = "{ logger: { \(option.name): \(option.value) } }"
    expectAccepted(option, try read("{ train: \(members) }"))
    expectAccepted(option, try read(members))
  }

  @Test("Every kind of SAE is named as in SAELens")
  func architectures() throws {
    let names = [
      "standard", "gated", "topk", "abstopk", "batchtopk", "jumprelu", "matching_pursuit",
    ]
    for name in names {
      let pipeline = try read("{ train: { sae: { architecture: '\(name)' } } }").pipeline
      #expect(pipeline.train.architecture.rawValue == name)
    }
  }

  @Test("A whole configuration that SAELens 6.54 wrote is read as it stands")
  func dumped() throws {
    let dump = try ProjectFiles.text("Tests/Fixtures/config/runner_cfg-6.54.json")
    let file = try read("{ pretokenize: { context_size: 16 }, train: \(dump) }")
    #expect(file.pipeline.train.architecture == .topk)
    #expect(file.pipeline.train.k == 3)
    #expect(file.pipeline.train.dSae == 24)
    #expect(file.pipeline.train.prependBos == true)
    #expect(file.pipeline.train.sequenceSeparatorToken == .stated(.bos))
    #expect(Set(file.notes.map(\.key)).count == file.notes.count)
    #expect(file.notes.allSatisfy { $0.text.hasPrefix("has no effect. ") })
  }

  @Test(
    "resume is true, false or auto",
    arguments: [
      ("true", Resumption.newest), ("false", .never), ("'auto'", .newest), ("'Auto'", .newest),
    ])
  func resume(_ text: String, _ expected: Resumption) throws {
    #expect(try read("{ train: { resume: \(text) } }").pipeline.train.resume == expected)
  }

  @Test("A width beside the factor that makes it is one statement")
  func widthAndFactor() throws {
    let text = "{ train: { d_in: 512, d_sae: 2048, expansion_factor: 4 } }"
    #expect(try read(text).pipeline.train.latentCount(dIn: 512) == 2048)
  }

  @Test("Options of a model that the cache section has not are noted, null is none")
  func modelOptions() throws {
    let file = try read(
      "{ train: { model_from_pretrained_kwargs: { fold_ln: true, n_devices: 2 } } }")
    #expect(file.pipeline.train.modelFromPretrainedKwargs.processing.foldLn == true)
    #expect(
      file.notes.map(\.line) == [
        "train.model_from_pretrained_kwargs: no effect of n_devices; the model ran in the cache "
          + "section."
      ])
    let none = try read("{ train: { sequence_separator_token: null } }").pipeline.train
    #expect(none.sequenceSeparatorToken == .stated(nil))
    #expect(TrainSettings().sequenceSeparatorToken == .unstated)
  }

  @Test(
    "A model may be named as TransformerLens, Hugging Face or a folder name it",
    arguments: [
      ("gpt2-small", "openai-community/gpt2"), ("tiny-stories-1L-21M", "x/TinyStories-1L-21M"),
      ("pythia-70m", "models/pythia-70m"),
    ])
  func models(_ first: String, _ second: String) {
    #expect(ModelLabel.same(first, second))
    #expect(!ModelLabel.same(first, second + "-deduped"))
  }
}
