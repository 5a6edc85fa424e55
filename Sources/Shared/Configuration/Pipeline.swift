// A pipeline file as a value: what the three programs agree on. Each section has a file of its own.

/// A pipeline file: what the three programs agree on.
package struct Pipeline: Sendable, Equatable {
  package var name = "pipeline"
  /// Where stages are written, and where else they are found.
  package var stores = StorePaths("./store")
  package var pretokenize = PretokenizeSettings()
  package var cache = CacheSettings()
  package var train = TrainSettings()
  package var logger = LoggerSettings()
  package var evaluate = EvaluateSettings()
  package var launch = LaunchSettings()
  /// The folder of activations that a command line chose, which no file does.
  package var chosenActivations: String?

  package init() {}

  /// The store that is written to.
  package var store: String {
    get { stores.written }
    set { stores = StorePaths(newValue) }
  }
}

extension Pipeline: Section {
  package static let sectionName = ""
  package static let summary = "Outside of the sections"

  package static let settings: [Setting<Pipeline>] = [
    Setting(
      "name", \.name, "Names the folders of tokens and runs in the store; letters, digits, . _ -",
      effect: .none),
    Setting(
      "store", \.stores,
      "Folder that holds what the stages write; of a list the first, the others are only read.",
      effect: .none, names: .path),
  ]

  /// The sections in the order in which data passes through them.
  package static let tables: [SectionTable] = [
    SectionTable(\.self), SectionTable(\.pretokenize), SectionTable(\.cache), SectionTable(\.train),
    SectionTable(\.logger), SectionTable(\.evaluate), SectionTable(\.launch),
  ]

  /// What does not fit together and what a stage lacks, in all sections but those of `refused`.
  ///
  /// `running` names the section whose stage must be complete.
  func complaints(running: String?, leavingOut refused: Set<String>) -> [Remark] {
    Pipeline.tables.filter { !refused.contains($0.name) }.flatMap { table in
      (table.name.isEmpty && !refused.isEmpty ? [] : table.contradictions(self))
        + (table.name == running ? table.omissions(self) : [])
    } + (running == nil || !refused.isEmpty ? [] : lateDisagreements)
  }

  package var contradictions: [Complaint] {
    var found: [Complaint] = []
    let plain = name.utf8.allSatisfy { byte in
      "a"..."z" ~= UnicodeScalar(byte | 0x20) || "0123456789._-".utf8.contains(byte)
    }
    if name.isEmpty || name.hasPrefix(".") || !plain {
      found.append(
        Complaint("name", "must be letters, digits, '.', '_' and '-', not starting with '.'."))
    }
    if stores.paths.contains("") { found.append(Complaint("store", "must not be empty.")) }
    return found + disagreements
  }

  /// Values that one section repeats from another and that differ.
  private var disagreements: [Complaint] {
    var found: [Complaint] = []
    func compare<Value: SettingValue>(
      _ name: String, _ given: Value?, _ other: String, _ owner: Value?
    ) {
      guard let given, let owner, given != owner else { return }
      found.append(
        Complaint(name, "is \(given.json.canonical), but \(other) is \(owner.json.canonical)."))
    }
    let tokens = pretokenize.contextSize
    compare("cache.context_size", cache.statedContextSize, "pretokenize.context_size", tokens)
    compare("train.context_size", train.contextSize, "pretokenize.context_size", tokens)
    compare("train.d_in", train.dIn, "cache.d_in", cache.dIn)
    if !cache.modelName.isEmpty, let given = train.modelName,
      !ModelLabel.same(given, cache.modelName)
    {
      compare("train.model_name", train.modelName, "cache.model_name", cache.modelName)
    }
    let hooks = cache.allHookNames
    if let hook = train.hookName, !hooks.isEmpty, !hooks.contains(hook) {
      found.append(
        Complaint(
          "train.hook_name",
          "is \"\(hook)\", but the cache section stores \(Spelling.alternatives(hooks, "and"))."))
    }
    return found
  }
}

/// Names of models, which TransformerLens, Hugging Face and folders spell in their own ways.
package enum ModelLabel {
  /// Whether two names may mean one model: their last parts are alike but for case and punctuation.
  package static func same(_ first: String, _ second: String) -> Bool {
    plain(first) == plain(second)
  }

  private static func plain(_ name: String) -> String {
    let last = name.split(separator: "/").last.map(String.init) ?? name
    let plain = last.lowercased().filter { $0.isLetter || $0.isNumber }
    // TransformerLens's name of what Hugging Face calls gpt2.
    return plain == "gpt2small" ? "gpt2" : plain
  }
}
