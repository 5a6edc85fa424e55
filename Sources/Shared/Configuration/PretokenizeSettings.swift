// The section `pretokenize`: text to token shards; SAELens's PretokenizeRunnerConfig.

/// Text to token shards; SAELens's PretokenizeRunnerConfig.
package struct PretokenizeSettings: Sendable, Equatable {
  package var tokenizerName = "gpt2"
  package var datasetPath = ""
  package var dataFiles: [String]?
  package var split = "train"
  package var columnName = "text"
  package var contextSize = 128
  package var shuffle = true
  package var seed = 42
  package var beginBatchToken: TokenChoice? = .bos
  package var beginSequenceToken: TokenChoice?
  package var sequenceSeparatorToken: TokenChoice? = .bos
  package var disableConcatSequences = false
  package var numProc = 0
  package var shardMegabytes = 64

  package init() {}
}

extension PretokenizeSettings: Section {
  package static let sectionName = "pretokenize"
  package static let summary = "Text to token shards"

  // Where tokenizer and text lie does not enter the fingerprint; their contents do.
  package static let settings: [Setting<PretokenizeSettings>] = [
    Setting(
      "tokenizer_name", \.tokenizerName,
      "Tokenizer: a tokenizer.json, a folder that holds one, or a Hugging Face name.",
      effect: .none),
    Setting(
      "dataset_path", \.datasetPath, "Text: a file, a folder of files, or a Hugging Face name.",
      effect: .none),
    Setting(
      "data_files", \.dataFiles, "The files of the data set that are read; null reads all.",
      effect: .none),
    Setting("split", \.split, "Split of a data set that has several."),
    Setting("column_name", \.columnName, "Field of a record that holds the text."),
    Setting("context_size", \.contextSize, "Tokens per row.", .atLeast(2)),
    Setting("shuffle", \.shuffle, "Shuffle the packed rows."),
    Setting("seed", \.seed, "Seed of the shuffle.", .atLeast(0)),
    Setting("begin_batch_token", \.beginBatchToken, "Token at position 0 of every row."),
    Setting("begin_sequence_token", \.beginSequenceToken, "Token before every document."),
    Setting(
      "sequence_separator_token", \.sequenceSeparatorToken,
      "Token between two documents of a row (\"eos\" in SAELens 3)."),
    Setting(
      "disable_concat_sequences", \.disableConcatSequences,
      "One document per row: longer ones are cut, shorter ones dropped."),
    Setting(
      "num_proc", \.numProc, "Threads; 0 uses every core.", .atLeast(0), effect: .none),
    Setting(
      "shard_megabytes", \.shardMegabytes, "Size of a token shard before compression, in MiB.",
      .atLeast(1)),
  ]

  package static let inertSettings: [InertSetting] = [
    InertSetting("streaming", "Text is always read piece by piece, in bounded memory."),
    InertSetting("pretokenize_batch_size", "Rows are packed across the whole text."),
    InertSetting("save_path", "Tokens are written to the store."),
    InertSetting("dataset_trust_remote_code", "No code of a data set is ever run."),
    InertSetting("dataset_name", only: [.null], "Only the default configuration is read."),
    InertSetting("data_dir", only: [.null], "Give the folder as dataset_path."),
    InertSetting("use_chat_formatting", only: [.bool(false)], "Text is taken as it is."),
    InertSetting("hf_repo_id", only: [.null], "Nothing is uploaded."),
    InertSetting("hf_num_shards", "Nothing is uploaded."),
    InertSetting("hf_revision", "Nothing is uploaded."),
    InertSetting("hf_is_private_repo", "Nothing is uploaded."),
  ]

  package var omissions: [Complaint] {
    datasetPath.isEmpty ? [Complaint("dataset_path", "is missing; it says where the text is.")] : []
  }
}
