import Shared
import Testing

/// A stored property as a setting is named: `applyBDecToInput` → `apply_b_dec_to_input`.
private func settingName(_ property: String) -> String {
  if property == storeProperty { return "store" }
  let letters = Array(property)
  var name = ""
  for (index, letter) in letters.enumerated() {
    let startsWord =
      letter.isUppercase
      && (!letters[index - 1].isUppercase
        || (index + 1 < letters.count && letters[index + 1].isLowercase))
    name += (startsWord ? "_" : "") + letter.lowercased()
  }
  return name
}

/// The stored properties of a value by name, as text; those of single architectures stand together.
private func properties(of value: Any) -> [String: String] {
  let children = Mirror(reflecting: value).children.flatMap { child in
    child.value is OwnOptions ? Array(Mirror(reflecting: child.value).children) : [child]
  }
  return Dictionary(
    uniqueKeysWithValues: children.map { ($0.label ?? "", String(describing: $0.value)) })
}

private let samples: [JSON] =
  [.bool(true), .bool(false), .integer(1), .integer(7), .number(0.25), .string("other")]
  + [.array([.string("other")]), .array([.integer(1), .integer(3)]), .string("eos"), .null]
  + [.object(["lr": .array([.integer(1)])])]
  + [
    "topk", "bfloat16", "expected_average_only_in", "cosineannealing", "mean", "line", "tanh",
    "dense_batch",
    "normal", "rows_only", "scale", "shared", "hook_z", "Lp^p", "sae_lens-5",
  ].map(
    JSON.string)

/// The property of `store`, which may be one or several.
private let storeProperty = "stores"

/// Settings that stand for others and have no property of their own.
private let gathering = ["model_from_pretrained_kwargs", "activation_fn", "activation_fn_kwargs"]

private func expectComplete<Owner: Section>(_: Owner.Type, except: Set<String> = []) {
  let names = Owner.settings.map(\.row.name).filter { !gathering.contains($0) }
  let stored = properties(of: Owner()).keys.filter { !except.contains($0) }
  #expect(names.sorted() == stored.map(settingName).sorted())

  let keys =
    Owner.settings.flatMap { [$0.row.name] + $0.row.aliases } + Owner.inertSettings.map(\.name)
    + Owner.nested.keys
  #expect(Set(keys).count == keys.count, "\(Owner.sectionName) has a key twice: \(keys.sorted())")
  #expect(Owner.settings.allSatisfy { $0.row.help.count > 5 && $0.row.help.count <= 90 })
  #expect(Owner.inertSettings.allSatisfy { $0.why.hasSuffix(".") })
}

/// Each setting changes the property that it is named after, and no other.
private func expectOwnProperty<Owner: Section>(_: Owner.Type) {
  for setting in Owner.settings where !gathering.contains(setting.row.name) {
    let before = properties(of: Owner())
    let changes = samples.compactMap { sample -> [String]? in
      guard let changed = setting.changing(Owner(), to: sample) else { return nil }
      let after = properties(of: changed)
      let names = before.keys.filter { before[$0] != after[$0] }
      return names.isEmpty ? nil : names
    }
    #expect(!changes.isEmpty, "no sample changes \(setting.row.name)")
    #expect(changes.allSatisfy { $0.map(settingName) == [setting.row.name] })
  }
}

@Suite struct SettingTests {
  @Test func aSettingSaysByWayOfWhatItChangesARun() {
    #expect(TrainSettings.inputOptions == ["hook_name", "hook_name_out"])
    #expect(
      TrainSettings.rowOptions == [
        "hook_name", "hook_name_out", "eval_fraction", "exclude_special_tokens", "seqpos_slice",
        "max_norm_multiple",
      ])
    var settings = TrainSettings()
    #expect(
      settings.fingerprintSettings(reaching: [.rows, .stream]).canonical
        == "{\"eval_fraction\":0,\"normalize_activations\":\"none\",\"seed\":42,"
        + "\"train_batch_size_tokens\":4096}")
    settings.maxNormMultiple = 3
    settings.lr = 1
    #expect(
      settings.fingerprintSettings(reaching: [.rows]).canonical
        == "{\"eval_fraction\":0,\"max_norm_multiple\":3}")
  }

  @Test func everyPropertyOfASectionIsASettingOfItsName() {
    expectComplete(
      Pipeline.self,
      except: Set(Pipeline.tables.map(\.name).filter { !$0.isEmpty } + ["chosenActivations"]))
    expectComplete(PretokenizeSettings.self)
    expectComplete(CacheSettings.self)
    expectComplete(
      TrainSettings.self, except: ["modelFromPretrainedKwargs", "stated", "takenOver"])
    expectComplete(LoggerSettings.self)
    expectComplete(EvaluateSettings.self)
    expectComplete(LaunchSettings.self)
  }

  @Test func everySettingChangesItsOwnPropertyAlone() {
    expectOwnProperty(Pipeline.self)
    expectOwnProperty(PretokenizeSettings.self)
    expectOwnProperty(CacheSettings.self)
    expectOwnProperty(TrainSettings.self)
    expectOwnProperty(LoggerSettings.self)
    expectOwnProperty(EvaluateSettings.self)
    expectOwnProperty(LaunchSettings.self)
  }

  @Test func everySectionOfAPipelineHasATable() {
    let sections = properties(of: Pipeline()).keys.filter {
      !["name", storeProperty, "chosenActivations"].contains($0)
    }
    #expect(Pipeline.tables.map(\.name).sorted() == ([""] + sections).sorted())
  }

  @Test func defaultsFitTheirOwnBounds() {
    for table in Pipeline.tables {
      for row in table.rows {
        let key = table.name.isEmpty ? row.name : "\(table.name).\(row.name)"
        if !row.architectures.isEmpty {
          let setting = TrainSettings.settings.first { $0.row.name == row.name }
          #expect(setting?.changing(TrainSettings(), to: row.defaultValue) != nil, "\(key)")
          continue
        }
        let text = "\(key)=\(row.defaultValue.canonical)"
        #expect(throws: Never.self, "\(text)") {
          try PipelineFile(parsing: Array("{}".utf8), path: "x.json5", overrides: [text])
        }
      }
    }
  }

  @Test func fingerprintsHoldWhatChangesBytesAndNothingElse() {
    var settings = PretokenizeSettings()
    let before = settings.fingerprintSettings
    settings.numProc = 3
    settings.datasetPath = "/elsewhere/stories.jsonl"
    #expect(settings.fingerprintSettings == before)
    settings.savePath = "/elsewhere/rows"
    settings.documentMegabytes = 1
    #expect(settings.fingerprintSettings == before)
    settings.contextSize = 64
    #expect(settings.fingerprintSettings != before)
    var later = PretokenizeSettings()
    later.pretokenizeBatchSize = 1000
    later.skipInvalid = true
    later.textDocuments = .line
    later.isDatasetTokenized = false
    let added = (later.fingerprintSettings.object ?? [:]).filter { before[$0.key] == nil }
    #expect(
      JSON.object(added).canonical
        == #"{"is_dataset_tokenized":false,"pretokenize_batch_size":1000,"skip_invalid":true,"#
        + #""text_documents":"line"}"#)
  }

  @Test func noSeedIsTheStandardSeed() throws {
    let given = #"{ pretokenize: { dataset_path: "x", seed: null } }"#
    let file = try PipelineFile(parsing: Array(given.utf8), path: "x.json5")
    #expect(file.pipeline.pretokenize.seed.value == 42)
    #expect(
      file.pipeline.pretokenize.fingerprintSettings == PretokenizeSettings().fingerprintSettings)
  }

  @Test func theFingerprintOfEachSectionIsPinned() {
    // A change of these lines makes every store that people have unfindable.
    #expect(
      PretokenizeSettings().fingerprintSettings.canonical
        == #"{"begin_batch_token":"bos","begin_sequence_token":null,"column_name":"text","#
        + #""context_size":128,"disable_concat_sequences":false,"seed":42,"#
        + #""sequence_separator_token":"bos","shard_megabytes":64,"shuffle":true,"split":"train"}"#)
    #expect(
      CacheSettings().fingerprintSettings.canonical
        == #"{"buffer_size_gb":2,"dtype":"float32","model_batch_size":32,"seed":42,"#
        + #""shuffle":true,"training_tokens":2000000}"#)
    #expect(
      TrainSettings().fingerprintSettings.canonical
        == #"{"adam_beta1":0.9,"adam_beta2":0.999,"apply_b_dec_to_input":true,"#
        + #""architecture":"standard","aux_loss_coefficient":1,"b_dec_init_method":"zeros","#
        + #""d_sae":null,"dead_feature_window":1000,"decoder_init_norm":0.1,"eval_fraction":0,"#
        + #""expansion_factor":null,"feature_sampling_window":2000,"k":100,"l1_coefficient":1,"#
        + #""l1_warm_up_steps":0,"lp_norm":1,"lr":0.0003,"lr_decay_steps":0,"lr_end":null,"#
        + #""lr_scheduler_name":"constant","lr_warm_up_steps":0,"n_restart_cycles":1,"#
        + #""normalize_activations":"none","rescale_acts_by_decoder_norm":true,"seed":42,"#
        + #""train_batch_size_tokens":4096,"training_tokens":2000000}"#)
    #expect(LoggerSettings().fingerprintSettings.canonical == "{}")
    #expect(EvaluateSettings().fingerprintSettings.canonical == "{}")
  }

  @Test func aSettingThatCameLaterEntersFingerprintsOnlyWhereItIsSet() {
    #expect(LaterSettings().fingerprintSettings.canonical == #"{"old":1}"#)
    var set = LaterSettings()
    set.new = 5
    #expect(set.fingerprintSettings.canonical == #"{"new":5,"old":1}"#)
    #expect(set.resolved.canonical == #"{"new":5,"old":1}"#)
  }

  @Test func resolvedSettingsNameEverySettingOnce() {
    #expect(
      LoggerSettings().resolved.canonical
        == #"{"eval_batch_size_prompts":null,"eval_every_n_wandb_logs":100,"log_frequency":10,"#
        + #""log_optimizer_state_to_wandb":false,"log_to_tensorboard":false,"#
        + #""log_to_wandb":false,"log_weights_to_wandb":true,"n_eval_batches":10,"run_name":null,"wandb_entity":null,"#
        + #""wandb_id":null,"wandb_project":"sae_lens_training"}"#)
    #expect(TrainSettings().resolved.object?.count == TrainSettings.settings.count)
  }

  @Test func aWidthAndAFactorThatAmountToItNameOneRun() {
    var byWidth = TrainSettings()
    byWidth.dSae = 16_384
    var byFactor = TrainSettings()
    byFactor.expansionFactor = 16
    #expect(byWidth.settled(dIn: 1024) == byFactor.settled(dIn: 1024))
    #expect(TrainSettings().settled(dIn: 512).dSae == 2048)
    #expect(TrainSettings().settled(dIn: 512).lrEnd == 3e-4 / 10)
    #expect(byFactor.latentCount(dIn: .max) == nil)
  }
}

private struct LaterSettings: Section {
  var old = 1
  var new = 2
  static let sectionName = "later"
  static let summary = "For one test"
  static let settings: [Setting<LaterSettings>] = [
    Setting("old", \.old, "Was there before."),
    Setting("new", \.new, "Came with a release.", effect: .changesWhenSet(.formula)),
  ]
}
