// What determines the token stage of a pipeline: its key in the store. The pretokenizer writes the
// folder with this key, the cacher finds it by the same one.

package enum PretokenizeKey {
  /// The key of the token stage, from the settings and the contents of tokenizer and text.
  package static func make(_ pipeline: Pipeline, _ inputs: Inputs) throws -> StageKey {
    try make(
      pipeline, tokenizer: inputs.tokenizer.get().map(Tokenizer.open),
      text: inputs.text.get())
  }

  /// The key, once tokenizer and text are known; rows of ids need no tokenizer.
  package static func make(
    _ pipeline: Pipeline, tokenizer: Tokenizer?, text: DataSet
  ) throws -> StageKey {
    let settings = pipeline.pretokenize
    let store = Store(pipeline)
    var identities: [String: String] = [:]
    if let tokenizer {
      for path in TokenizerLocation.sources(tokenizer.path) {
        identities[path.split(separator: "/").last.map { String($0) } ?? path] =
          try FileIdentity.of(path)
      }
      // What files beside the vocabulary change counts, whatever else they say.
      if let difference = tokenizer.difference { identities["tokenizer"] = difference }
      for (role, choice) in [("bos", TokenChoice.bos), ("eos", .eos), ("sep", .sep)]
      where settings.tokenChoices.contains(choice) {
        identities["\(role)_token_id"] = try tokenizer.id(of: choice).map { String($0) } ?? "none"
      }
    }
    // Shards of two orders must never meet in one folder.
    if settings.shuffle { identities["order"] = "feistel-8" }
    // Names of files do not change the bytes; their order, contents and kinds do.
    for (index, file) in text.files.enumerated() {
      identities["data-\(paddedNumber(index)).\(file.kind.rawValue)"] =
        try file.identity ?? FileIdentity.of(file.path, store: store)
    }
    identities.merge(text.identities(settings)) { $1 }
    return StageKey(
      stage: .tokens, label: pipeline.name, settings: settings.fingerprintSettings,
      identities: identities)
  }
}

extension PretokenizeSettings {
  /// The special tokens that packing uses.
  fileprivate var tokenChoices: [TokenChoice] {
    [beginBatchToken, beginSequenceToken, sequenceSeparatorToken].compactMap { $0 }
  }
}
