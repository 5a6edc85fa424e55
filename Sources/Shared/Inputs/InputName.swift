// What a pipeline file names to be read. Comes in: settings. Leaves: a name with all that says which
// files of it are meant, whether these are on this machine or not.

/// A name as a user writes it, with the settings that choose among its files.
package enum InputName: Sendable {
  /// A language model: `config.json` and weights.
  case model(String)
  /// A tokenizer: its vocabulary in any of the published forms, and what stands beside it.
  case tokenizer(String)
  /// A text: the files that `dataset_name`, `data_dir`, `data_files` and `split` choose.
  case text(PretokenizeSettings)
  /// An SAE that training starts from: `cfg.json` and weights.
  case sae(String)

  /// The option that states it.
  package var option: String {
    switch self {
    case .model: "cache.model_name"
    case .tokenizer: "pretokenize.tokenizer_name"
    case .text: "pretokenize.dataset_path"
    case .sae: "train.from_pretrained_path"
    }
  }
}

/// A name whose files are not on this machine, and the words for it.
package struct MissingInput: Failure {
  package let name: InputName
  /// What is said where nothing else is missing.
  package let failure: any Failure
  /// Whether it was looked for on the Hub too.
  let isSought: Bool

  init(name: InputName, failure: any Failure, isSought: Bool = false) {
    self.name = name
    self.failure = failure
    self.isSought = isSought
  }

  package var sentence: String { failure.sentence }
  package var hint: String? { failure.hint }
  package var exitCode: ExitCode { failure.exitCode }
}

/// A model that is not on this machine.
package struct MissingModel: Failure, Equatable {
  package let name: String

  package init(name: String) { self.name = name }

  package var sentence: String {
    "The model \(name) is not on this machine: there is no such folder."
  }
  package var hint: String? {
    "Set cache.model_name to a name on the Hugging Face Hub (owner/name), or to a folder with config.json "
      + "and weights." + HomeFolder.rule(for: name)
  }
}

/// A revision of a model whose folder is given, which is one revision already.
package struct RevisionOfFolder: Failure, Equatable {
  package let folder: String
  package let revision: String

  package init(folder: String, revision: String) {
    (self.folder, self.revision) = (folder, revision)
  }

  package var sentence: String {
    "cache.model_revision is \(JSON.clipped(revision)), but cache.model_name is the folder \(folder), which "
      + "has no revisions."
  }
  package var hint: String? {
    "Give the folder of that revision as cache.model_name, and leave out cache.model_revision."
  }
}

/// An SAE that is not on this machine.
package struct MissingSAE: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String { "train.from_pretrained_path: there is no folder \(path)." }
  package var hint: String? {
    "Give a folder with cfg.json and sae_weights.safetensors, or one on the Hugging Face Hub "
      + "(owner/name/folder)."
  }
}
