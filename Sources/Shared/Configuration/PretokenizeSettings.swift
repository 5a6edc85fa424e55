// The section `pretokenize`: text to token shards; SAELens's PretokenizeRunnerConfig.

/// Text to token shards; SAELens's PretokenizeRunnerConfig.
package struct PretokenizeSettings: Sendable, Equatable {
  package var tokenizerName: String? = PretokenizeSettings.usualTokenizer
  package var datasetPath = ""
  package var datasetName: String?
  package var dataDir: String?
  package var dataFiles: DataFilePatterns?
  package var streaming = false
  package var split = "train"
  package var columnName = "text"
  package var isDatasetTokenized: Bool?
  package var textDocuments: TextDocuments?
  package var documentMegabytes = 64
  package var skipInvalid = false
  package var contextSize = 128
  package var shuffle = true
  package var seed: ShuffleSeed = 42
  package var beginBatchToken: TokenChoice? = .bos
  package var beginSequenceToken: TokenChoice?
  package var sequenceSeparatorToken: TokenChoice? = .bos
  package var disableConcatSequences = false
  package var pretokenizeBatchSize: Int?
  package var numProc = 0
  package var shardMegabytes = 64
  package var savePath: String?
  package var hfRepoID: String?
  package var hfNumShards = 64
  package var hfRevision = "main"
  package var hfIsPrivateRepo = false

  package init() {}

  /// The tokenizer of a file that names none.
  package static let usualTokenizer = "gpt2"
}

/// What is one document of a plain text file.
package enum TextDocuments: String, SettingChoice {
  case file
  case line
  /// What stands between empty lines.
  case paragraph

  /// What `sample_by` of Hugging Face's `text` calls a file.
  package static let misspellings: [String: TextDocuments] = ["document": .file]
}

/// The seed of the shuffle, for which null means the default.
package struct ShuffleSeed: SettingValue, ExpressibleByIntegerLiteral {
  package static let standard = 42
  package static var alternatives: [String] { Int.alternatives }
  package static var isOptional: Bool { true }
  package let value: Int

  package init(integerLiteral value: Int) { self.value = value }

  package init?(setting: JSON) {
    guard setting != .null else {
      value = ShuffleSeed.standard
      return
    }
    guard let value = Int(setting: setting) else { return nil }
    self.value = value
  }

  package var json: JSON { .integer(value) }
}

extension PretokenizeSettings: Section {
  package static let sectionName = "pretokenize"
  package static let summary = "Text to token shards"

  // Where tokenizer and text lie does not enter the fingerprint; their contents do.
  package static let settings: [Setting<PretokenizeSettings>] = [
    Setting(
      "tokenizer_name", \.tokenizerName,
      "Tokenizer: a file or folder of one, or a Hugging Face name; null where rows hold ids.",
      effect: .none, names: .path),
    Setting(
      "dataset_path", \.datasetPath,
      "Text: a file, a folder, a builder of datasets (json, text …) or a Hugging Face name.",
      effect: .none, names: .path),
    Setting(
      "data_files", \.dataFiles,
      "Files of the data set, as text, list or by split; null reads all.",
      effect: .none, names: .path),
    Setting(
      "dataset_name", \.datasetName,
      "Configuration of the data set: one of its README.md, else a folder of that name.",
      effect: .none),
    Setting(
      "data_dir", \.dataDir, "Folder inside dataset_path that is read; null reads all.",
      effect: .none, names: .path),
    Setting(
      "streaming", \.streaming,
      "Read a text of the Hub over the network, piece by piece, instead of downloading it first.",
      effect: .none),
    Setting("split", \.split, "Splits and slices of them: train, train[:80%], train[1000:]+test."),
    Setting("column_name", \.columnName, "Field of a record that holds the text."),
    Setting(
      "is_dataset_tokenized", \.isDatasetTokenized,
      "Whether rows hold token ids; null: told by the fields (tokens, then input_ids).",
      effect: .changesWhenSet(.formula)),
    Setting(
      "text_documents", \.textDocuments,
      "Document of a text file; null: a line, as in datasets, but the file for a single one.",
      effect: .changesWhenSet(.formula)),
    Setting(
      "document_megabytes", \.documentMegabytes,
      "Longest line or document that is read, in MiB; longer ones are an error.", .atLeast(1),
      effect: .none),
    Setting(
      "skip_invalid", \.skipInvalid,
      "Leave out records that cannot be read, and count them, instead of stopping.",
      effect: .changesWhenSet(.formula)),
    Setting("context_size", \.contextSize, "Tokens per row.", .atLeast(2)),
    Setting("shuffle", \.shuffle, "Shuffle the packed rows."),
    Setting("seed", \.seed, "Seed of the shuffle; null means 42.", .atLeast(0)),
    Setting("begin_batch_token", \.beginBatchToken, "Token at position 0 of every row."),
    Setting("begin_sequence_token", \.beginSequenceToken, "Token before every document."),
    Setting(
      "sequence_separator_token", \.sequenceSeparatorToken,
      "Token between two documents of a row (\"eos\" in SAELens 3)."),
    Setting(
      "disable_concat_sequences", \.disableConcatSequences,
      "One document per row: longer ones are cut, shorter ones dropped."),
    Setting(
      "pretokenize_batch_size", \.pretokenizeBatchSize,
      "Documents per packing batch, whose unfinished row is dropped; null: one batch.",
      .atLeast(1), effect: .changesWhenSet(.formula)),
    Setting(
      "num_proc", \.numProc, "Threads; 0: every core it may use.", .atLeast(0), effect: .none),
    Setting(
      "shard_megabytes", \.shardMegabytes, "Size of a token shard before compression, in MiB.",
      .atLeast(1)),
    Setting(
      "save_path", \.savePath,
      "Folder for a copy of the rows as Parquet files and sae_lens.json; null: none.",
      effect: .none, names: .path),
    Setting(
      "hf_repo_id", \.hfRepoID,
      "Repository of the Hub to which finished rows are uploaded as a data set; null: none.",
      effect: .none),
    Setting(
      "hf_num_shards", \.hfNumShards, "Parquet files that an upload has.", .atLeast(1),
      effect: .none),
    Setting(
      "hf_revision", \.hfRevision, "Branch of the upload, made where it is not there.",
      effect: .none),
    Setting(
      "hf_is_private_repo", \.hfIsPrivateRepo,
      "Whether a repository that is made for the upload is private.", effect: .none),
  ]

  package static let inertSettings: [InertSetting] = [
    InertSetting("dataset_trust_remote_code", "No code of a data set is ever run."),
    InertSetting("use_chat_formatting", only: [.bool(false)], "Text is taken as it is."),
  ]

  package static let formerNames = [
    "tokenizer": "tokenizer_name", "dataset": "dataset_path", "ctx_len": "context_size",
    "context_length": "context_size", "seq_len": "context_size", "max_length": "context_size",
    "text_column": "column_name", "text_key": "column_name", "output_path": "save_path",
  ]

  package var omissions: [Complaint] {
    datasetPath.isEmpty ? [Complaint("dataset_path", "is missing; it says where the text is.")] : []
  }
}
