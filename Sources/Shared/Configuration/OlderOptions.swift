// What carries a configuration of SAELens 3 to 5 over: whose defaults its options have, what they mean
// there, and options that the chosen architecture does not have. Comes in: what was given. Leaves: the same
// in the words of this program, with notes and complaints.

extension DefaultsVersion {
  static let key = "defaults"

  /// Options of LanguageModelSAERunnerConfig in SAELens 3 to 5 that version 6 has in `sae`.
  private static let inSAE: Set<String> = [
    "architecture", "d_in", "d_sae", "apply_b_dec_to_input", "normalize_activations",
    "l1_coefficient", "lp_norm", "l1_warm_up_steps", "jumprelu_init_threshold",
    "jumprelu_bandwidth",
  ]
  /// Those that it has no more.
  private static let gone: Set<String> = [
    "hook_layer", "hook_point", "hook_point_layer", "hook_point_head_index", "b_dec_init_method",
    "expansion_factor", "activation_fn", "activation_fn_kwargs", "normalize_sae_decoder",
    "noise_scale", "decoder_orthogonal_init", "decoder_heuristic_init",
    "decoder_heuristic_init_norm", "init_encoder_as_decoder_transpose", "finetuning_tokens",
    "finetuning_method", "mse_loss_normalization", "scale_sparsity_penalty_by_decoder_norm",
    "use_ghost_grads",
  ]
  /// Those of them beside which other defaults of older versions are to be expected.
  private static let telling: Set<String> = [
    "b_dec_init_method", "normalize_sae_decoder", "decoder_orthogonal_init",
    "decoder_heuristic_init", "init_encoder_as_decoder_transpose",
    "scale_sparsity_penalty_by_decoder_norm",
  ]
  /// What only version 6 has, besides the options of its architectures.
  private static let added: Set<String> = [
    "sae", "logger", "decoder_init_norm", "reshape_activations", "disable_concat_sequences",
    "sequence_separator_token", "save_final_checkpoint", "output_path", "resume_from_checkpoint",
    "use_sparse_activations", "metadata", "n_batches_for_norm_estimate",
    "activations_mixing_fraction", "llm_device", "prefetch_llm_batches", "use_chat_formatting",
    "log_weights_to_wandb", "hook_name_out", "d_out",
  ]
  private static let architectures: Set<String> = ["standard", "gated", "jumprelu", "topk"]

  /// How the options of a section are written.
  enum Style: Equatable {
    /// As in SAELens 3 to 5.
    case flat
    /// As in SAELens 6, which `key` shows, beside a key that only older versions have.
    case mixed(key: String)
    /// As in SAELens 6, or in no way that shows.
    case nested
  }

  static func style(of keys: Set<String>, architecture: String?) -> Style {
    let rows = TrainSettings.settings.map(\.row)
    let newer = rows.filter { !$0.architectures.isEmpty && !hasOlder($0.name) }.map(\.name)
    var shown = keys.intersection(added.union(newer)).min()
    if let architecture, !architectures.contains(architecture.lowercased()) {
      shown = shown ?? "architecture"
    }
    if let shown { return keys.isDisjoint(with: telling) ? .nested : .mixed(key: shown) }
    if !keys.isDisjoint(with: gone) { return .flat }
    // What an SAE to start from is, its own configuration says.
    let isStarted = keys.contains("from_pretrained_path")
    return keys.isDisjoint(with: inSAE) || isStarted ? .nested : .flat
  }

  /// Whether SAELens 3 to 5 have an option of this name.
  package static func hasOlder(_ name: String) -> Bool {
    inSAE.contains(name) || gone.contains(name)
  }
}

extension Gathering {
  private static func train(_ name: String) -> Home { Home(TrainSettings.sectionName, name) }

  private func trainValue(_ name: String) -> JSON? { value(TrainSettings.sectionName, name) }

  /// The options that a sweep varies.
  private var swept: Set<String> { Set(trainValue("sweep")?.object.map { Array($0.keys) } ?? []) }

  /// Whether the kind of SAE is that of the one which training starts from.
  private var startsFromKind: Bool {
    let path = trainValue("from_pretrained_path")
    return path != nil && path != .null && trainValue("architecture") == nil
  }

  /// The architecture, where it is one and known.
  private var architecture: Architecture? {
    guard !swept.contains("architecture"), !startsFromKind else { return nil }
    return trainValue("architecture").map { Architecture(setting: $0) } ?? .standard
  }

  /// Gives every option the meaning that it has where it comes from.
  mutating func carryOver() {
    fillLayer()
    let release = trainValue("sae_lens_version")?.string
    let stated =
      trainValue(DefaultsVersion.key).flatMap { DefaultsVersion(setting: $0) }
      ?? release.flatMap { DefaultsVersion(release: $0) }
    let style = DefaultsVersion.style(
      of: trainKeys, architecture: trainValue("architecture")?.string)
    let isOlder = stated.map { $0 == .saeLens5 } ?? (style == .flat)
    if stated == nil { tellDefaults(style) }
    if isOlder {
      change(Self.train(DefaultsVersion.key), to: DefaultsVersion.saeLens5.json)
      takeOlderMeaning(Release(release ?? ""))
    }
    if let version = Release(release ?? ""), version < Release(6, 19),
      architecture.map(Architecture.jumpReLUs.contains) ?? false
    {
      supply(.bool(true), for: Self.train("jumprelu_log_threshold"))
    }
    settleActivation(isOlder: isOlder)
    if isOlder {
      dropForeign()
      supplyOlderDefaults()
    }
  }

  /// `{layer}` in a hook point's name, as SAELens 2 writes it.
  mutating func fillLayer() {
    for section in [CacheSettings.sectionName, TrainSettings.sectionName] {
      guard let name = value(section, "hook_name")?.string, name.contains("{layer}"),
        let layer = value(section, "hook_layer")?.integer
      else { continue }
      change(Home(section, "hook_name"), to: .string(name.replacing("{layer}", with: "\(layer)")))
    }
  }
}

// MARK: - Defaults

extension Gathering {
  /// The settings whose defaults differ, which are not given and which the architecture has.
  private var differing: [SettingRow] {
    let architecture = architecture
    return TrainSettings.settings.map(\.row).filter { row in
      row.olderDefault != nil && given[Self.train(row.name)] == nil && !swept.contains(row.name)
        && (row.architectures.isEmpty || architecture.map(row.architectures.contains) ?? true)
    }
  }

  private mutating func tellDefaults(_ style: DefaultsVersion.Style) {
    let lead: String
    let isOlder = style == .flat
    switch style {
    case .flat:
      lead = "options are written as in SAELens 3 to 5, so those left out have its defaults"
    case .mixed(let key):
      lead = "options left out have the defaults of SAELens 6, since \(key) is given"
    case .nested: return
    }
    // Under older defaults the weight of JumpReLU's loss has the name l1_coefficient.
    let hidden: Set = [
      "decoder_projection",
      isOlder && trainValue("l1_coefficient") != nil ? "l0_coefficient" : "",
    ]
    let list = differing.filter { !hidden.contains($0.name) }.map { row in
      let older = row.olderDefault?.canonical ?? ""
      let (taken, other) =
        isOlder ? (older, row.defaultValue.canonical) : (row.defaultValue.canonical, older)
      return "\(row.name) \(taken) (not \(other))".replacing("\"", with: "")
    }
    guard !list.isEmpty else { return }
    note(
      Remark(
        section: TrainSettings.sectionName, name: DefaultsVersion.key,
        text: "\(lead): \(list.joined(separator: ", ")); "
          + "defaults: \"sae_lens-5\" or \"sae_lens-6\" says which are meant."))
  }

  private mutating func supplyOlderDefaults() {
    for row in differing { supply(row.olderDefault ?? .null, for: Self.train(row.name)) }
  }
}

// MARK: - Meanings

extension Gathering {
  /// What options of SAELens 3 to 5 mean there.
  private mutating func takeOlderMeaning(_ release: Release?) {
    if trainValue("decoder_heuristic_init")?.bool == true {
      let isUniform = release.map { $0 < Release(5, 10, 1) } ?? false
      supply(.string(isUniform ? "uniform" : "normal"), for: Self.train("decoder_init_draw"))
    }
    refuseTogether("decoder_heuristic_init")
    refuseTogether("scale_sparsity_penalty_by_decoder_norm")
    switch architecture?.olderSparsity {
    case .l0: takeSparsityWeight()
    case .alwaysWeighed: weighByNorms("in architecture gated")
    case .onceWeighed:
      if let release, release < Release(4, 3, 1), trainValue("normalize_sae_decoder")?.bool == false
      {
        weighByNorms("before 4.3.1")
      }
    case nil: break
    }
  }

  /// What SAELens refuses beside decoder rows of norm 1, which are its default.
  private mutating func refuseTogether(_ name: String) {
    guard trainValue(name)?.bool == true,
      trainValue("normalize_sae_decoder")?.bool ?? true
    else { return }
    complain(
      Self.train(name),
      "is true, which does not go with normalize_sae_decoder (true by default in SAELens 3 to 5); "
        + "set normalize_sae_decoder to false.")
  }

  /// In SAELens 4 and 5 l1_coefficient and its warm-up are those of JumpReLU's L0 loss.
  private mutating func takeSparsityWeight() {
    for (older, newer) in [
      ("l1_coefficient", "l0_coefficient"), ("l1_warm_up_steps", "l0_warm_up_steps"),
    ] {
      let isGivenTwice = trainValue(older) != nil && trainValue(newer) != nil
      if isGivenTwice {
        complain(
          Self.train(newer), "is given more than once, as train.\(newer) and train.\(older).")
      }
      guard trainValue(older) != nil else { continue }
      note(
        Remark(
          section: TrainSettings.sectionName, name: older,
          text: "is \(newer), the weight of JumpReLU's L0 loss, as in SAELens 4 and 5."
            .replacing(
              "l0_warm_up_steps, the weight of", with: "l0_warm_up_steps, the warm-up of")))
      move(Self.train(older), to: Self.train(newer))
    }
    guard var axes = trainValue("sweep")?.object else { return }
    for (older, newer) in [
      ("l1_coefficient", "l0_coefficient"), ("l1_warm_up_steps", "l0_warm_up_steps"),
    ] {
      guard let values = axes.removeValue(forKey: older) else { continue }
      axes[newer] = values
    }
    change(Self.train("sweep"), to: .object(axes))
  }

  /// Where SAELens weighs latents by their decoder norms whatever the option says.
  private mutating func weighByNorms(_ place: String) {
    let home = Self.train("scale_sparsity_penalty_by_decoder_norm")
    if trainValue(home.name)?.bool == false {
      note(
        Remark(
          section: home.section, name: home.name,
          text: "is taken as true: SAELens \(place) weighs by decoder norms whatever it says."))
    }
    change(home, to: .bool(true))
  }

  /// The activation that stands beside the architecture in SAELens 3 to 5.
  private mutating func settleActivation(isOlder: Bool) {
    guard let architecture else { return }
    let function = trainValue("activation_fn").flatMap { ActivationFunction(setting: $0) }
    let count = trainValue("activation_fn_kwargs")?["k"]
    let kind = architecture.rawValue
    switch (function, architecture.comparesLatents) {
    case (.topk?, true), (nil, true): return
    case (.relu?, true):
      complain(
        Self.train("activation_fn"),
        "is \"relu\", but architecture \(kind) keeps the largest latents; leave it out.")
    case (.topk?, false):
      guard architecture == .standard, isOlder, trainValue("l1_coefficient")?.double == 0 else {
        let cure =
          architecture == .standard
          ? "; write architecture: \"topk\" and k, which has no L1 loss" : ""
        complain(
          Self.train("activation_fn"),
          "is \"topk\", which is not built with architecture \(kind)\(cure).")
        return
      }
      // Without its L1 loss a standard SAE with this activation is a topk SAE that revives nothing.
      change(Self.train("architecture"), to: Architecture.topk.json)
      supply(.integer(0), for: Self.train("aux_loss_coefficient"))
      note(
        Remark(
          section: TrainSettings.sectionName, name: "activation_fn",
          text: "is \"topk\" without an L1 loss: architecture topk with aux_loss_coefficient 0."))
    case (_, false):
      guard let count, count != .null else { return }
      complain(
        Self.train("activation_fn_kwargs"),
        "is no option of architecture \(kind); write architecture: \"topk\".", at: "k")
    }
  }

  /// Complains of options that no architecture of the run has.
  mutating func checkArchitecture(_ settings: TrainSettings, _ combinations: [Combination]) {
    if startsFromKind { return }
    let found = combinations.map(\.pipeline.train.architecture)
    let chosen = found.isEmpty ? [settings.architecture] : found
    for row in TrainSettings.settings.map(\.row) where !row.architectures.isEmpty {
      let isSwept = swept.contains(row.name)
      guard !chosen.contains(where: row.architectures.contains) else { continue }
      if let stated = given[Self.train(row.name)]?.last, stated.source != .defaults {
        if stated.value == .null { continue }
        complain(Self.train(row.name), Gathering.foreign(row, settings.architecture))
      } else if isSwept, !combinations.isEmpty {
        complain(
          Self.train("sweep"), Gathering.foreign(row, settings.architecture), at: row.name)
      }
    }
  }

  /// Forgets options of other architectures, all of which configurations of older versions state.
  private mutating func dropForeign() {
    guard let architecture else { return }
    for row in TrainSettings.settings.map(\.row) where DefaultsVersion.hasOlder(row.name) {
      let isOwn = row.architectures.isEmpty || row.architectures.contains(architecture)
      guard !isOwn, trainValue(row.name) != nil else { continue }
      drop(Self.train(row.name))
      note(
        Remark(
          section: TrainSettings.sectionName, name: row.name,
          text: "has no effect. Architecture \(architecture.rawValue) has no such option, in "
            + "SAELens 5 either.",
          weight: .changesNothing))
    }
  }

  private static let counterparts = [
    "l1_coefficient": "l0_coefficient", "l1_warm_up_steps": "l0_warm_up_steps",
    "l0_coefficient": "l1_coefficient", "l0_warm_up_steps": "l1_warm_up_steps",
  ]

  private static func foreign(_ row: SettingRow, _ architecture: Architecture) -> String {
    let start = "is no option of architecture \(architecture.rawValue)"
    if let name = counterparts[row.name],
      let other = TrainSettings.settings.first(where: { $0.row.name == name })?.row,
      other.architectures.contains(architecture)
    {
      return "\(start); write \(name)."
    }
    let owners = Spelling.alternatives(row.architectures.map(\.rawValue))
    return "\(start); it belongs to \(owners)."
  }
}

/// The numbers of a release of SAELens.
struct Release: Comparable {
  private let parts: [Int]

  init(_ parts: Int...) { self.parts = parts }

  /// The first three numbers; nil where there are fewer.
  init?(_ text: String) {
    let parts = text.split(separator: ".").prefix(3).map { Int($0.prefix { $0.isNumber }) }
    guard parts.count == 3 else { return nil }
    self.parts = parts.compactMap(\.self)
    guard self.parts.count == 3 else { return nil }
  }

  static func < (first: Release, second: Release) -> Bool {
    first.parts.lexicographicallyPrecedes(second.parts)
  }
}
