// What a later section repeats of an earlier one and says otherwise: told when the file is read, by
// whichever stage reads it first, and not once hours of work are done. The manifests of a store are
// compared once more where the stages meet.

/// Names of data sets, which the Hugging Face Hub and folders spell in their own ways.
package enum DataLabel {
  /// What the text of a pipeline may be called: the parts of every path that says where it is.
  private static func names(_ settings: PretokenizeSettings) -> Set<String> {
    let places =
      [settings.datasetPath, settings.datasetName, settings.dataDir, settings.savePath]
      + (settings.dataFiles?.patterns ?? [])
    let parts = places.compactMap { $0 }.flatMap { place in
      place.split(separator: "/").flatMap { [plain($0), plain(stem($0))] }
    }
    return Set(parts.filter { !$0.isEmpty })
  }

  /// Whether a name may mean the text of a pipeline.
  ///
  /// A name on the Hub means a local folder, or a file in a folder, of its last part.
  package static func same(_ name: String, _ settings: PretokenizeSettings) -> Bool {
    guard let last = name.split(separator: "/").last else { return true }
    return name == settings.datasetPath || names(settings).contains(plain(last))
      || names(settings).contains(plain(stem(last)))
  }

  private static func plain(_ part: Substring) -> String {
    part.lowercased().filter { $0.isLetter || $0.isNumber }
  }

  /// A name without its extensions.
  private static func stem(_ part: Substring) -> Substring {
    part.firstIndex(of: ".").map { part[..<$0] } ?? part
  }
}

extension Pipeline {
  /// What the section `train` says of the text and of the cache, and they themselves otherwise; a
  /// file that no stage runs yet may still say both.
  var lateDisagreements: [Remark] {
    (textDisagreement + cacheDisagreements).map {
      Remark(section: "", name: $0.name, text: $0.text)
    }
  }

  private var textDisagreement: [Complaint] {
    guard let given = train.datasetPath, !given.isEmpty, !pretokenize.datasetPath.isEmpty,
      !DataLabel.same(given, pretokenize)
    else { return [] }
    return [
      Complaint(
        "train.dataset_path",
        "is \"\(given)\", but pretokenize.dataset_path is \"\(pretokenize.datasetPath)\"; leave it out "
          + "where both are one text.")
    ]
  }

  private var cacheDisagreements: [Complaint] {
    var found: [Complaint] = []
    let hooks = cache.allHookNames
    if train.hookName == nil, hooks.count == 1 {
      found += HookLayer.contradiction(name: hooks[0], layer: train.hookLayer).map {
        Complaint("train.hook_layer", $0.text)
      }
    }
    if !hooks.isEmpty, let head = train.hookHeadIndex, head != cache.hookHeadIndex {
      let actual = cache.hookHeadIndex.map { String($0) } ?? "null, which takes all heads"
      found.append(
        Complaint("train.hook_head_index", "is \(head), but cache.hook_head_index is \(actual)."))
    }
    let size = pretokenize.contextSize
    let cached = Set(cache.seqposSlice.positions(contextSize: size))
    if train.seqposSlice != .all, cache.seqposSlice != .all,
      !cached.isSuperset(of: train.seqposSlice.positions(contextSize: size))
    {
      found.append(
        Complaint(
          "train.seqpos_slice",
          "is \(train.seqposSlice.json.canonical), but cache.seqpos_slice is "
            + "\(cache.seqposSlice.json.canonical), which stores fewer positions."))
    }
    if case .ids(let wanted) = train.excludeSpecialTokens,
      case .ids(let excluded) = cache.excludeSpecialTokens, !Set(wanted).isSuperset(of: excluded)
    {
      found.append(
        Complaint(
          "train.exclude_special_tokens",
          "is \(train.excludeSpecialTokens.json.canonical), but cache.exclude_special_tokens is "
            + "\(cache.excludeSpecialTokens.json.canonical), which leaves out more."))
    }
    return found + processingDisagreements
  }

  /// How the model's weights were to be processed.
  private var processingDisagreements: [Complaint] {
    guard !cache.modelName.isEmpty else { return [] }
    let ours = [
      ("fold_ln", cache.foldLn), ("center_writing_weights", cache.centerWritingWeights),
      ("center_unembed", cache.centerUnembed), ("fold_value_biases", cache.foldValueBiases),
    ]
    let stated = train.modelFromPretrainedKwargs.processing.json
    let found = ours.compactMap { name, value -> Complaint? in
      guard let given = stated[name]?.bool, given != value else { return nil }
      return Complaint(
        "train.model_from_pretrained_kwargs.\(name)",
        "is \(given), but cache.\(name) is \(value).")
    }
    let revision = cache.modelRevision ?? PretrainedOptions.usualRevision
    guard let given = stated[PretrainedOptions.revisionName]?.string, given != revision else {
      return found
    }
    return found + [
      Complaint(
        "train.model_from_pretrained_kwargs.revision",
        "is \(JSON.clipped(given)), but cache.model_revision is \(JSON.clipped(revision)).")
    ]
  }
}
