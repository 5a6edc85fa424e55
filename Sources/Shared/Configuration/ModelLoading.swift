// model_from_pretrained_kwargs: what TransformerLens and transformers take when a model is loaded. Each
// option is carried out, makes no difference here, or is refused by name.

/// An option of `from_pretrained` that is not carried out.
struct ModelLoadingOption: Sendable {
  let name: String
  /// The values that ask for what happens anyway; nil where any may be given.
  let values: [JSON]?
  /// Why nothing happens, or what to do instead.
  let why: String

  init(_ name: String, only values: [JSON]? = nil, _ why: String) {
    (self.name, self.values, self.why) = (name, values, why)
  }

  func accepts(_ value: JSON) -> Bool {
    values?.contains { $0.canonical == value.canonical } ?? true
  }

  private static let machine = "the programs run on the processor"
  private static let float32 = "the forward pass computes in float32"
  private static let local = "models are read from a folder"
  private static let packed = "rows are used as they were packed"
  private static let none: [JSON] = [.null, .bool(false)]

  static let all: [ModelLoadingOption] = [
    ModelLoadingOption("device", machine), ModelLoadingOption("n_devices", machine),
    ModelLoadingOption("device_map", machine), ModelLoadingOption("move_to_device", machine),
    ModelLoadingOption("max_memory", machine), ModelLoadingOption("offload_folder", machine),
    ModelLoadingOption("low_cpu_mem_usage", "weights are mapped, not loaded"),
    ModelLoadingOption("dtype", float32), ModelLoadingOption("torch_dtype", float32),
    ModelLoadingOption("attn_implementation", "attention is computed in one way"),
    ModelLoadingOption("trust_remote_code", "no code of a model is ever run"),
    ModelLoadingOption("cache_dir", local), ModelLoadingOption("local_files_only", local),
    ModelLoadingOption("force_download", local), ModelLoadingOption("token", local),
    ModelLoadingOption("use_auth_token", local), ModelLoadingOption("use_safetensors", local),
    ModelLoadingOption("proxies", local),
    ModelLoadingOption("default_prepend_bos", packed),
    ModelLoadingOption("default_padding_side", packed),
    ModelLoadingOption("first_n_layers", "layers behind the hook points are never run"),
    ModelLoadingOption("use_cache", "nothing is generated"),
    ModelLoadingOption("output_hidden_states", "hook points say what is taken"),
    ModelLoadingOption(
      "checkpoint_index", only: [.null], "give its revision, such as step1000 of Pythia"),
    ModelLoadingOption(
      "checkpoint_value", only: [.null], "give its revision, such as step1000 of Pythia"),
    ModelLoadingOption("subfolder", only: [.null, ""], "give that folder as model_name"),
    ModelLoadingOption("variant", only: [.null], "give a folder with those weights as model_name"),
    ModelLoadingOption("hf_model", only: [.null], "give its folder as model_name"),
    ModelLoadingOption(
      "tokenizer", only: [.null], "pretokenize.tokenizer_name says which tokenizer is used"),
    ModelLoadingOption(
      "refactor_factored_attn_matrices", only: none, "this processing is not built"),
    ModelLoadingOption("load_in_8bit", only: none, "weights in F32, F16 or BF16 are read"),
    ModelLoadingOption("load_in_4bit", only: none, "weights in F32, F16 or BF16 are read"),
    ModelLoadingOption(
      "quantization_config", only: [.null], "weights in F32, F16 or BF16 are read"),
  ]

  static func named(_ name: String) -> ModelLoadingOption? { all.first { $0.name == name } }
}

/// Options of TransformerLens's `from_pretrained`, which stand for settings of their own here.
package struct PretrainedOptions: Sendable, Equatable {
  package var foldLn: Bool?
  package var centerWritingWeights: Bool?
  package var centerUnembed: Bool?
  package var foldValueBiases: Bool?
  /// The branch, tag or commit of the model.
  package var revision: String?

  package init() {}
}

extension PretrainedOptions: SettingValue {
  /// The options that are true or false.
  package static let names = [
    "fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases",
  ]
  package static let revisionName = "revision"
  /// The branch of a repository that is meant where none is stated.
  package static let usualRevision = "main"
  package static var alternatives: [String] { ["a set of options of from_pretrained"] }
  package static var isOptional: Bool { true }

  package init?(setting: JSON) {
    self.init()
    if setting == .null { return }
    guard let members = setting.object else { return nil }
    for name in Self.names {
      guard let value = members[name], value != .null else { continue }
      guard let flag = value.bool else { return nil }
      switch name {
      case "fold_ln": foldLn = flag
      case "center_writing_weights": centerWritingWeights = flag
      case "center_unembed": centerUnembed = flag
      default: foldValueBiases = flag
      }
    }
    guard let value = members[Self.revisionName], value != .null else { return }
    guard let name = value.string, !name.isEmpty else { return nil }
    revision = name
  }

  package var json: JSON {
    let members = [
      ("fold_ln", foldLn), ("center_writing_weights", centerWritingWeights),
      ("center_unembed", centerUnembed), ("fold_value_biases", foldValueBiases),
    ]
    var object = Dictionary(
      members.compactMap { name, value in value.map { (name, JSON.bool($0)) } }
    ) { $1 }
    object[Self.revisionName] = revision.map { .string($0) }
    return .object(object)
  }

  package static func faults(in given: JSON) -> [Complaint] {
    (given.object ?? [:]).sorted { $0.key < $1.key }.compactMap { name, value in
      if names.contains(name) {
        return value == .null || value.bool != nil
          ? nil
          : Complaint(name, "must be true or false, but is \(Gathering.shown(value)).")
      }
      if name == revisionName {
        return value == .null || value.string.map { !$0.isEmpty } ?? false
          ? nil
          : Complaint(
            name, "must be a branch, tag or commit, but is \(Gathering.shown(value)).")
      }
      guard let option = ModelLoadingOption.named(name) else {
        let known = names + [revisionName] + ModelLoadingOption.all.map(\.name)
        let nearest = Spelling.nearest(JSON.clipped(name), in: known)
        return Complaint(
          JSON.clipped(name),
          "is no option of from_pretrained that is known here"
            + (nearest.map { "; did you mean \($0)?" } ?? "."))
      }
      return option.accepts(value)
        ? nil : Complaint(name, "\(Gathering.shown(value)) is not supported; \(option.why).")
    }
  }

  package static func note(on given: JSON) -> SettingNote? {
    let ignored = (given.object ?? [:]).filter { $0.value != .null && $0.value != .bool(false) }
      .keys.sorted().compactMap(ModelLoadingOption.named).filter { $0.values == nil }
    guard !ignored.isEmpty else { return nil }
    let parts = ignored.map { "\($0.name) (\($0.why))" }
    return SettingNote(
      "no effect of \(Spelling.alternatives(parts, "and")).", .changesNothing)
  }
}

/// The same options where the model's activations are cached already; they must agree with the cache.
package struct ModelOptions: Sendable, Equatable {
  private let members: [String: JSON]
  package let processing: PretrainedOptions

  package init() {
    members = [:]
    processing = PretrainedOptions()
  }
}

extension ModelOptions: SettingValue {
  package static var alternatives: [String] { PretrainedOptions.alternatives }
  package static var isOptional: Bool { true }

  package init?(setting: JSON) {
    let members = setting == .null ? [:] : setting.object
    guard let members, let processing = PretrainedOptions(setting: .object(members)) else {
      return nil
    }
    self.members = members
    self.processing = processing
  }

  package var json: JSON { members.isEmpty ? .null : .object(members) }

  package static func note(on given: JSON) -> SettingNote? {
    let others = (given.object ?? [:]).filter { name, value in
      !PretrainedOptions.names.contains(name) && value != .null && value != .bool(false)
    }
    guard !others.isEmpty else { return nil }
    let isHarmless = others.allSatisfy { name, value in
      ModelLoadingOption.named(name)?.accepts(value) ?? false
    }
    return SettingNote(
      "no effect of \(Spelling.alternatives(others.keys.sorted(), "and")); "
        + "the model ran in the cache section.",
      isHarmless ? .changesNothing : .counts)
  }
}
