// Options of SAELens's trainer that are accepted in the section `train` and do nothing.

extension TrainSettings {
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
      InertSetting(
        "n_batches_for_norm_estimate", "The mean norm of every row that trains is used."),
      InertSetting("dtype", only: floatTypes, "Training computes in float32."),
      InertSetting("autocast", "Training computes in float32."),
      InertSetting("compile_sae", "There is nothing to compile."),
      InertSetting("sae_compilation_mode", "There is nothing to compile."),
      InertSetting("use_sparse_activations", "Sparse steps are taken wherever they are faster."),
      InertSetting("dead_feature_threshold", "SAELens never reads it either."),
      InertSetting("checkpoint_path", "Checkpoints lie in the folder of the run."),
      InertSetting("save_final_checkpoint", "The finished SAE is always written."),
      InertSetting("output_path", "The finished SAE is written to the store."),
      InertSetting("metadata", "Metadata is written from the cache's manifest."),
      InertSetting(
        "sae_lens_training_version", "It describes the program that wrote the configuration."),
      InertSetting(
        "resume_from_checkpoint", only: [.null],
        "A run resumes from its own checkpoints by itself."),
    ]
}
