// How the rows of a cache came about, as the manifests in the store tell it. Comes in: the manifest
// of the activations, and that of the token stage where the store has it. Leaves: which options that
// a configuration repeats contradict them, and which nobody can tell.

package import Shared

/// What manifests say of a cache besides its numbers.
package struct CacheOrigin: Sendable, Equatable {
  /// What the manifest of the activations says, and by which settings they were made.
  private let details: JSON
  private let settings: JSON
  /// The settings of the token stage; nil where it is not in the store.
  private let packing: JSON?
  private let dataset: String?
  /// Whether rows of token ids were taken as they are.
  private let isTokenized: Bool

  /// Nothing is known.
  package init() {
    (details, settings, packing, dataset, isTokenized) = (.null, .null, nil, nil, false)
  }

  init(_ activations: Manifest, tokens: Manifest?) {
    details = activations.details
    settings = activations.settings
    packing = tokens?.settings
    dataset = tokens?.details["sae_lens"]?["original_dataset"]?.string
    isTokenized = tokens?.details["is_dataset_tokenized"]?.bool ?? false
  }

  /// Whether another program made the activations.
  private var isImported: Bool { details["has_tokens"] != nil }

  /// The positions of a sequence that are cached.
  func positions(contextSize: Int) -> [Int] {
    let slice = details["seqpos_slice"].flatMap { PositionSlice(setting: $0) } ?? .all
    return slice.positions(contextSize: contextSize)
  }

  /// Whether rows begin with bos; nil where that cannot be told.
  package var prependsBos: Bool? {
    guard let packing, !isTokenized else { return nil }
    switch packing["begin_batch_token"] {
    case .string("bos"): return true
    case .null: return false
    default: return nil
    }
  }
}

/// An option that repeats what belongs to a cache.
package struct Repetition: Sendable, Equatable {
  package enum Verdict: Sendable, Equatable {
    case agrees
    case unknown
    /// What is so instead: "are 8 wide".
    case contradicts(String)
  }

  package let key: String
  package let given: String
  package let verdict: Verdict

  fileprivate init(_ name: String, _ given: String, _ verdict: Verdict) {
    key = "train." + name
    self.given = given
    self.verdict = verdict
  }

  fileprivate init<Value: SettingValue>(
    _ name: String, _ given: Value, _ actual: Value?, _ fact: (Value) -> String
  ) {
    let verdict: Verdict =
      switch actual {
      case nil: .unknown
      case given: .agrees
      case let actual?: .contradicts(fact(actual))
      }
    self.init(name, given.json.string ?? given.json.canonical, verdict)
  }
}

extension CacheOrigin {
  /// The options of the section `train` that repeat what belongs to the cache.
  package func repetitions(in pipeline: Pipeline, _ facts: CacheFacts) -> [Repetition] {
    hookRepetitions(pipeline.train, facts) + modelRepetitions(pipeline.train, facts)
      + rowRepetitions(pipeline.train, facts) + packingRepetitions(pipeline)
  }

  private func hookRepetitions(_ train: TrainSettings, _ facts: CacheFacts) -> [Repetition] {
    var found: [Repetition] = []
    let hook = facts.hookName
    if let layer = train.hookLayer {
      found.append(
        Repetition("hook_layer", layer, HookLayer.number(in: hook)) {
          "are of \(hook), in layer \($0)"
        })
    }
    if let head = train.hookHeadIndex {
      let actual = settings["hook_head_index"]?.integer
      let isKnown = actual != nil || (settings != .null && !isImported)
      let verdict: Repetition.Verdict =
        if actual == head {
          .agrees
        } else if isKnown {
          .contradicts(actual.map { "are of head \($0)" } ?? "are of all heads")
        } else { .unknown }
      found.append(Repetition("hook_head_index", String(head), verdict))
    }
    if train.reshapeActivations == .hookZ {
      let fits = hook.hasSuffix("_z") && settings["hook_head_index"]?.integer == nil
      let verdict = fits ? Repetition.Verdict.agrees : .contradicts("are no heads side by side")
      found.append(Repetition("reshape_activations", "hook_z", verdict))
    }
    return found
  }

  private func modelRepetitions(_ train: TrainSettings, _ facts: CacheFacts) -> [Repetition] {
    let isKnown = settings != .null && !isImported
    var found: [Repetition] = []
    if let name = train.modelClassName {
      let owner =
        HookPoint.isModulePath(facts.hookName) ? "AutoModelForCausalLM" : "HookedTransformer"
      found.append(
        Repetition("model_class_name", name, isKnown ? owner : nil) {
          "are of \(facts.hookName), a name of \($0)'s"
        })
    }
    for name in PretrainedOptions.names {
      guard let given = train.modelFromPretrainedKwargs.processing.json[name]?.bool else {
        continue
      }
      found.append(
        Repetition(
          "model_from_pretrained_kwargs.\(name)", given,
          isKnown ? settings[name]?.bool ?? false : nil
        ) { "were taken \($0 ? "with" : "without") \(name)" })
    }
    return found
  }

  /// Options that choose among rows, which must not ask for rows that were never cached.
  private func rowRepetitions(_ train: TrainSettings, _ facts: CacheFacts) -> [Repetition] {
    var found: [Repetition] = []
    if train.seqposSlice != .all, let slice = details["seqpos_slice"],
      let cached = PositionSlice(setting: slice)
    {
      let wanted = train.seqposSlice.positions(contextSize: facts.contextSize)
      let isThere = Set(wanted).isSubset(of: cached.positions(contextSize: facts.contextSize))
      found.append(
        Repetition(
          "seqpos_slice", train.seqposSlice.json.canonical,
          isThere ? .agrees : .contradicts("hold only the positions \(slice.canonical)")))
    }
    if case .ids(let ids) = train.excludeSpecialTokens,
      let excluded = details["excluded_tokens"]?.array?.compactMap(\.integer)
    {
      let isSame = Set(excluded).isSubset(of: ids)
      found.append(
        Repetition(
          "exclude_special_tokens", train.excludeSpecialTokens.json.canonical,
          isSame ? .agrees : .contradicts("lack the tokens \(excluded)")))
    }
    return found
  }

  private func packingRepetitions(_ pipeline: Pipeline) -> [Repetition] {
    let train = pipeline.train
    var found: [Repetition] = []
    if let path = train.datasetPath, !path.isEmpty {
      found.append(datasetRepetition(path, pipeline.pretokenize))
    }
    if let given = train.prependBos {
      found.append(
        Repetition("prepend_bos", given, prependsBos) {
          $0
            ? "come from rows that begin with bos"
            : "come from rows without a token at their beginning"
        })
    }
    let text = isTokenized ? nil : packing
    let isApart = text?["disable_concat_sequences"]?.bool
    if let given = train.disableConcatSequences {
      found.append(
        Repetition("disable_concat_sequences", given, isApart) {
          $0 ? "come from rows of one document each" : "come from rows that documents share"
        })
    }
    if case .stated(let given) = train.sequenceSeparatorToken {
      // Rows of one document have none.
      let actual = isApart == false ? text?["sequence_separator_token"] : nil
      found.append(
        Repetition("sequence_separator_token", given, actual.flatMap { TokenChoice?(setting: $0) })
        {
          "come from rows with \(($0?.json).map { $0.string ?? $0.canonical } ?? "no token") "
            + "between documents"
        })
    }
    return found
  }

  /// The text by the name that it had, or by one that the settings have for it.
  private func datasetRepetition(_ path: String, _ settings: PretokenizeSettings) -> Repetition {
    let verdict: Repetition.Verdict =
      if let dataset {
        isName(path, of: dataset, settings)
          ? .agrees : .contradicts("come from the text \(ActivationKey.label(dataset))")
      } else { .unknown }
    return Repetition("dataset_path", path, verdict)
  }

  /// Whether a name is that of the recorded text, of the copy of its rows, or of the text that the
  /// settings name, where that is the recorded one or is here.
  private func isName(
    _ path: String, of dataset: String, _ settings: PretokenizeSettings
  ) -> Bool {
    let known = [dataset, settings.savePath].compactMap { $0 }.map(ActivationKey.label)
    if known.contains(ActivationKey.label(path)) { return true }
    let isSame = System.exists(settings.datasetPath) || DataLabel.same(dataset, settings)
    return isSame && DataLabel.same(path, settings)
  }
}
