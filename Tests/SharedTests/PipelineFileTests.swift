import Foundation
import Shared
import Support
import Testing

private func read(
  _ text: String, _ overrides: [String] = [], running: String? = nil
) throws -> PipelineFile {
  try PipelineFile(
    parsing: Array(text.utf8), path: "x.json5", overrides: overrides, running: running)
}

/// The words of the error that a text leads to; empty where there is none.
private func complaint(
  _ text: String, _ overrides: [String] = [], running: String? = nil
) -> String {
  do {
    _ = try read(text, overrides, running: running)
    return ""
  } catch {
    return Program.report(error).text
  }
}

/// The words of that error without the place that it names, which it must.
private func words(_ text: String) -> String {
  let text = complaint(text)
  #expect(namesPlace(text))
  return withoutPlaces(text)
}

@Suite struct PipelineFileTests {
  @Test func anEmptyObjectIsThePipelineOfDefaults() throws {
    #expect(try read("{}") == read("// nothing\n{ train: {}, }"))
    #expect(try read("{}").pipeline == Pipeline())
    #expect(try read("{}").notes.isEmpty)
  }

  @Test func everyKindOfValueIsRead() throws {
    let text = """
      { // a comment
        name: 'demo', "store": "/team/store",
        pretokenize: { data_files: ["a.jsonl", "b.txt"], begin_batch_token: 0x10,
          begin_sequence_token: "sep", sequence_separator_token: null, shuffle: false },
        cache: { context_size: 128.0, dtype: "BFloat16", buffer_size_gb: 1 },
        train: { lr: 1e-4, training_tokens: 1e6, lr_end: null, decoder_init_norm: null },
      }
      """
    let pipeline = try read(text).pipeline
    #expect(pipeline.name == "demo")
    #expect(pipeline.store == "/team/store")
    #expect(pipeline.pretokenize.dataFiles == ["a.jsonl", "b.txt"])
    #expect(pipeline.pretokenize.beginBatchToken == .id(16))
    #expect(pipeline.pretokenize.beginSequenceToken == .sep)
    #expect(pipeline.pretokenize.sequenceSeparatorToken == nil)
    #expect(pipeline.pretokenize.shuffle == false)
    #expect(pipeline.cache.contextSize == 128)
    #expect(pipeline.cache.dtype == .bfloat16)
    #expect(pipeline.cache.bufferSizeGB == 1)
    #expect(pipeline.train.lr == 1e-4)
    #expect(pipeline.train.trainingTokens == 1_000_000)
    #expect(pipeline.train.decoderInitNorm == nil)
  }

  @Test func olderNamesAreReadAsTheNewer() throws {
    let text = """
      { cache: { store_batch_size_prompts: 8 }, logger: { wandb_log_frequency: 30 },
        train: { decoder_heuristic_init_norm: 0.5 } }
      """
    let pipeline = try read(text).pipeline
    #expect(pipeline.cache.modelBatchSize == 8)
    #expect(pipeline.logger.logFrequency == 30)
    #expect(pipeline.train.decoderInitNorm == 0.5)
  }

  @Test func overridesReplaceWhateverSpellingTheFileUses() throws {
    let text =
      "{ name: 'a', cache: { store_batch_size_prompts: 8 }, "
      + "train: { architecture: 'topk', sae: { k: 3 } } }"
    let pipeline = try read(
      text,
      [
        "cache.model_batch_size=4", "train.k=5", "train.lr=1e-5", "train.lr=2e-5", "name=b.c",
        "store=/tmp/a=b", "cache.hook_names=[\"a\", 'b']", "pretokenize.begin_batch_token=null",
        "logger.log_frequency = 3", "pretokenize.dataset_path=data/x.jsonl",
      ].map { $0.replacingOccurrences(of: " = ", with: "=") }
    ).pipeline
    #expect(pipeline.cache.modelBatchSize == 4)
    #expect(pipeline.train.k == 5)
    #expect(pipeline.train.lr == 2e-5)
    #expect(pipeline.name == "b.c")
    #expect(pipeline.store == "/tmp/a=b")
    #expect(pipeline.cache.hookNames == ["a", "b"])
    #expect(pipeline.pretokenize.beginBatchToken == nil)
    #expect(pipeline.logger.logFrequency == 3)
    #expect(pipeline.pretokenize.datasetPath == "data/x.jsonl")
  }

  @Test func theTutorialOfVersion6IsReadAsItStands() throws {
    let file = try read(try ProjectFiles.text("Tests/Fixtures/config/tutorial-v6.json5"))
    #expect(file.pipeline.train.dSae == 16_384)
    #expect(file.pipeline.train.applyBDecToInput == false)
    #expect(file.pipeline.train.normalizeActivations == .expectedAverageOnlyIn)
    #expect(file.pipeline.train.l1Coefficient == 5)
    #expect(file.pipeline.logger.logFrequency == 30)
    #expect(
      file.notes.map(\.key) == [
        "train.checkpoint_path", "train.device", "train.dtype",
        "train.is_dataset_tokenized", "train.n_batches_in_buffer", "train.store_batch_size_prompts",
        "train.streaming",
      ])
  }

  @Test func theGuideOfVersion3IsReadAsItStands() throws {
    let file = try read(try ProjectFiles.text("Tests/Fixtures/config/guide-v3.json5"))
    #expect(file.pipeline.train.expansionFactor == 16)
    #expect(file.pipeline.train.hookName == "blocks.0.hook_mlp_out")
    #expect(file.pipeline.train.lrSchedulerName == .cosineAnnealing)
    #expect(file.pipeline.logger.logFrequency == 30)
    #expect(
      file.notes.filter { $0.key == "train.lr_scheduler_name" }.map(\.line) == [
        #"train.lr_scheduler_name: "consineannealing" is read as "cosineannealing"."#
      ])
    #expect(Set(file.notes.map(\.key)).count == file.notes.count)
  }

  @Test func everyInertOptionIsNotedOnce() throws {
    for table in Pipeline.tables {
      for inert in table.inertSettings {
        let value = inert.values?.first ?? .string("anything")
        let file = try read("{\(table.name): {\(inert.name): \(value.canonical)}}")
        #expect(
          file.notes.map(\.line) == ["\(table.name).\(inert.name): has no effect. \(inert.why)"])
        #expect(file.pipeline == Pipeline())
      }
    }
  }

  private static let unknown: [(text: String, expected: String)] = [
    ("{ trian: {} }", "trian: is unknown; did you mean train?"),
    ("{ banana: 1 }", banana),
    ("{ train: 5 }", "train: must be a section { … }, but is 5."),
    ("{ lr: 1 }", "lr: is unknown here; did you mean train.lr?"),
    (
      "{ context_size: 1 }",
      "context_size: is unknown here; did you mean pretokenize.context_size, cache.context_size "
        + "or train.context_size?"
    ),
    (
      "{ train: { lr_scheduler: 'constant' } }",
      "train.lr_scheduler: is unknown; did you mean lr_scheduler_name?"
    ),
    (
      "{ train: { column_name: 'text' } }",
      "train.column_name: is unknown here; it belongs to pretokenize."
    ),
    (
      "{ train: { store: 'x' } }",
      "train.store: is unknown here; it belongs to the top of the file."
    ),
    ("{ cache: { banana: 1 } }", "cache.banana: is unknown."),
    ("{ train: { sae: 5 } }", "train.sae: must be a group { … }, but is 5."),
    ("{ train: { sae: { kk: 5 } } }", "train.sae.kk: is unknown; did you mean k?"),
  ]

  @Test(arguments: unknown)
  func aKeyThatNobodyKnowsIsGuessed(_ text: String, _ expected: String) {
    #expect(words(text) == "error: x.json5: \(expected)\n")
  }

  private static let value: [(text: String, expected: String)] = [
    (
      "{ train: { lr: 'fast' } }", #"train.lr: must be a number above 0, but is "fast"."#
    ),
    ("{ train: { lr: Infinity } }", "train.lr: must be a number above 0, but is not finite."),
    ("{ train: { lr: -1 } }", "train.lr: must be a number above 0, but is -1."),
    (
      "{ train: { expansion_factor: 1.5 } }",
      "train.expansion_factor: must be a whole number of 1 or more, or null, but is 1.5."
    ),
    (
      "{ train: { expansion_factor: 1e300 } }",
      "train.expansion_factor: must be a whole number of 1 or more, or null, but is 1e+300."
    ),
    ("{ train: { architecture: 'topk', k: 1.5 } }", "train.k: is 1.5; topk takes whole numbers."),
    (
      "{ train: { adam_beta1: 1 } }",
      "train.adam_beta1: must be a number of 0 or more and below 1, but is 1."
    ),
    (
      "{ train: { d_sae: 0 } }",
      "train.d_sae: must be a whole number of 1 or more, or null, but is 0."
    ),
    (
      "{ train: { architecture: 'topkk' } }",
      "train.architecture: must be standard, gated, topk, abstopk, batchtopk, "
        + "matryoshka_batchtopk, jumprelu, matching_pursuit, p_anneal, groupmax, transcoder, "
        + #"skip_transcoder, jumprelu_transcoder or jumprelu_skip_transcoder, but is "topkk"; did you mean topk?"#
    ),
    (
      "{ pretokenize: { shuffle: 1 } }", "pretokenize.shuffle: must be true or false, but is 1."
    ),
    (
      "{ pretokenize: { seed: -1 } }",
      "pretokenize.seed: must be a whole number of 0 or more, or null, but is -1."
    ),
    (
      "{ pretokenize: { context_size: 1 } }",
      "pretokenize.context_size: must be a whole number of 2 or more, but is 1."
    ),
    (
      "{ pretokenize: { begin_batch_token: 'boss' } }",
      "pretokenize.begin_batch_token: must be bos, eos, sep, a token id or null, but is \"boss\"; "
        + "did you mean bos?"
    ),
    ("{ pretokenize: { split: 7 } }", "pretokenize.split: must be text, but is 7."),
    (
      "{ cache: { hook_names: ['a', 1] } }",
      #"cache.hook_names: must be a list of texts, but is ["a",1]."#
    ),
  ]

  @Test(arguments: value)
  func aWrongValueIsQuotedBesideWhatMayBeGiven(_ text: String, _ expected: String) {
    #expect(words(text) == "error: x.json5: \(expected)\n")
  }

  private static let unsupported: [(text: String, expected: String)] = [
    (
      "{ train: { model_kwargs: { a: 1 } } }",
      #"train.model_kwargs: {"a":1} is not supported. The forward pass has no options."#
    ),
    (
      "{ train: { sae: { dtype: 'int4' } } }",
      #"train.sae.dtype: "int4" is not supported. Training computes in float32."#
    ),
  ]

  @Test(arguments: unsupported)
  func anOptionThatAsksForWhatIsNotThereIsRefused(_ text: String, _ expected: String) {
    #expect(words(text) == "error: x.json5: \(expected)\n")
  }

  private static let twice: [(text: String, expected: String)] = [
    (
      "{ cache: { store_batch_size_prompts: 1, model_batch_size: 1 } }",
      "cache.model_batch_size: is given more than once, as cache.model_batch_size and "
        + "cache.store_batch_size_prompts."
    ),
    (
      "{ train: { architecture: 'topk', k: 5, sae: { k: 5 } } }",
      "train.k: is given more than once, as train.k and train.sae.k."
    ),
    (
      "{ logger: { log_frequency: 5 }, train: { wandb_log_frequency: 5 } }",
      "logger.log_frequency: is given more than once, as logger.log_frequency and "
        + "train.wandb_log_frequency."
    ),
    (
      "{ train: { architecture: 'topk', k: 5,\n k: 6 } }",
      "train.k: is given twice, first in line 1."
    ),
  ]

  @Test(arguments: twice)
  func aSettingThatIsGivenTwiceIsNamed(_ text: String, _ expected: String) {
    #expect(words(text) == "error: x.json5: \(expected)\n")
  }

  private static let together: [(text: String, expected: String)] = [
    ("{ name: '../x' }", nameRule),
    ("{ name: '' }", nameRule),
    ("{ name: '.x' }", nameRule),
    ("{ name: 'ä' }", nameRule),
    ("{ store: '' }", "store: must not be empty."),
    (
      "{ train: { d_sae: 64, expansion_factor: 4 } }",
      "train.d_sae: is 64 while expansion_factor is 4; only one of them may be given."
    ),
    (
      "{ train: { architecture: 'topk', k: 65, d_sae: 64 } }",
      "train.k: is 65, but there are only 64 latents."
    ),
    (
      "{ train: { architecture: 'topk', k: 65, d_in: 16 } }",
      "train.k: is 65, but there are only 64 latents."
    ),
    (
      "{ train: { training_tokens: 4095 } }",
      "train.training_tokens: is 4095, less than one batch of 4096."
    ),
    (
      "{ train: { training_tokens: 40960, lr_decay_steps: 6, lr_warm_up_steps: 5 } }",
      "train.lr_decay_steps: is 6 and lr_warm_up_steps is 5, but the run has 10 steps."
    ),
    (
      "{ train: { training_tokens: 40960, lr_decay_steps: 6, n_restart_cycles: 5, "
        + "lr_scheduler_name: 'CosineAnnealingWarmRestarts' } }",
      "train.n_restart_cycles: is 5, but the schedule has 4 steps."
    ),
    (
      "{ train: { lr_end: 0, lr_decay_steps: 6, lr_scheduler_name: 'cosineannealing' } }",
      "train.lr_end: is 0, which leaves nothing to decay over lr_decay_steps."
    ),
    (
      "{ train: { hook_name: 'blocks.3.hook_resid_pre', hook_layer: 2 } }",
      #"train.hook_layer: is 2, but hook_name "blocks.3.hook_resid_pre" lies in layer 3."#
    ),
    (
      "{ cache: { hook_name: 'blocks.3.hook_resid_pre', hook_layer: 2 } }",
      #"cache.hook_layer: is 2, but hook_name "blocks.3.hook_resid_pre" lies in layer 3."#
    ),
    (
      "{ cache: { context_size: 256 } }",
      "cache.context_size: is 256, but pretokenize.context_size is 128."
    ),
    (
      "{ train: { context_size: 256 } }",
      "train.context_size: is 256, but pretokenize.context_size is 128."
    ),
    (
      "{ cache: { d_in: 16 }, train: { d_in: 32 } }", "train.d_in: is 32, but cache.d_in is 16."
    ),
    (
      "{ cache: { model_name: 'a' }, train: { model_name: 'b' } }",
      #"train.model_name: is "b", but cache.model_name is "a"."#
    ),
    (
      "{ cache: { hook_names: ['a'] }, train: { hook_name: 'b' } }",
      #"train.hook_name: is "b", but the cache section stores a."#
    ),
  ]

  @Test(arguments: together)
  func settingsThatDoNotFitTogetherAreNamed(_ text: String, _ expected: String) {
    #expect(words(text) == "error: x.json5: \(expected)\n")
  }

  private static let banana =
    "banana: is unknown; sections are pretokenize, cache, train, logger, evaluate, launch, name and store."
  private static let nameRule =
    "name: must be letters, digits, '.', '_' and '-', not starting with '.'."

  @Test func constantScheduleIgnoresLrEnd() {
    #expect(complaint("{ train: { lr_end: 0, lr_decay_steps: 6 } }") == "")
  }

  @Test func allProblemsAreReportedTogether() {
    let text = """
      { nam: 'x', pretokenize: { contxt_size: 5, shuffle: 'no' },
        cache: { dtype: 'int4', hook_name: 'blocks.1.x', hook_layer: 0 },
        train: { lr: 0, autocast: true, dtype: 'int4', d_sae: 1, expansion_factor: 1 } }
      """
    #expect(
      complaint(text, ["train.topk=3"]) == """
        error: x.json5 with --set has 7 problems:
          line 1, column 3: nam: is unknown; did you mean name?
          line 1, column 28: pretokenize.contxt_size: is unknown; did you mean context_size?
          line 1, column 53: pretokenize.shuffle: must be true or false, but is "no".
          line 2, column 19: cache.dtype: must be float32, float16, bfloat16 or int8, but is "int4"; did you mean int8?
          line 3, column 16: train.lr: must be a number above 0, but is 0.
          line 3, column 42: train.dtype: "int4" is not supported. Training computes in float32.
          train.topk: is unknown; did you mean topk_threshold_lr?

        """)
  }

  @Test(arguments: [
    ("", "line 1, column 1", "a value was expected, but the file ends"),
    ("{\n name: ,\n}", "line 2, column 8", "a value was expected, but ',' was found"),
    ("{\n name 'x' }", "line 2, column 7", "':' after \"name\" was expected, but ''' was found"),
    (
      "{\n name: 'x'\n store: 'y' }", "line 2, column 11",
      "',' or '}' was expected, but 's' was found"
    ),
    ("{\n train: {\n\n", "line 2, column 9", "a '{' is not closed"),
    (
      "{ // a comment\n cache: { training_tokens: 16*1024 } }", "line 2, column 28",
      "16*1024 is no value of JSON5; write 16384"
    ),
    (
      "{ \(String(repeating: "a", count: 2000)): 1 }", "line 1, column 3",
      "a key has 2000 bytes; keys have at most 1000"
    ),
  ])
  func aSyntaxErrorNamesItsPlace(_ text: String, _ place: String, _ what: String) {
    #expect(
      complaint(text)
        == "error: x.json5, \(place): \(what).\n"
        + "hint: Pipeline files are JSON5: JSON with comments and trailing commas.\n")
  }

  @Test func aFileThatIsNoObjectIsRefused() {
    #expect(
      complaint("[1]")
        == "error: x.json5, line 1, column 1: a pipeline file must be an object: "
        + "{ pretokenize: { … }, … }.\n"
        + "hint: Pipeline files are JSON5: JSON with comments and trailing commas.\n")
  }

  private static let placed: [(text: String, expected: String)] = [
    ("{\n train: {\n  lrr: 1 } }", "line 3, column 3: train.lrr: is unknown; did you mean lr?"),
    (
      "{\n train: {\n  lr: -1 } }",
      "line 3, column 7: train.lr: must be a number above 0, but is -1."
    ),
    (
      "{ train: { sae: {\n  d_in: 'x' } } }",
      "line 2, column 9: train.d_in: must be a whole number of 1 or more, or null, but is \"x\"."
    ),
    (
      "{ train: {\n training_tokens: 1 } }",
      "line 2, column 2: train.training_tokens: is 1, less than one batch of 4096."
    ),
    (
      "{ train: {\n sweep: {\n lr: [-1] } } }",
      "line 3, column 2: train.sweep.lr: takes a number above 0, but lists -1."
    ),
    (
      "{ cache: { model_from_pretrained_kwargs: {\n checkpoint_index: 3 } } }",
      "line 2, column 2: cache.model_from_pretrained_kwargs.checkpoint_index: 3 is not supported; "
        + "give its revision, such as step1000 of Pythia."
    ),
    (
      "{ train: { lr: 1e-4,\n lr: 2e-4 } }",
      "line 2, column 2: train.lr: is given twice, first in line 1."
    ),
  ]

  @Test(arguments: placed)
  func everyErrorNamesItsPlace(_ text: String, _ expected: String) {
    #expect(complaint(text) == "error: x.json5, \(expected)\n")
  }

  @Test func whatAFlagSaysHasNoPlace() {
    #expect(
      complaint("{ train: { lr: 1 } }", ["train.lr=-1"])
        == "error: x.json5 with --set: train.lr: must be a number above 0, but is -1.\n")
  }

  @Test func aFileOfUnknownKeysIsAnsweredAtOnceAndInBrief() {
    let keys = (0..<9000).map { "key\($0): 1" }.joined(separator: ",\n")
    let lines = complaint("{\(keys)}").split(separator: "\n")
    #expect(lines.count == 22)
    #expect(lines.first == "error: x.json5 has 9000 problems:")
    #expect(lines.last == "  and 8980 more")
    let many = (0..<200_000).map { "a\($0): 1" }.joined(separator: ",")
    #expect(complaint("{\(many)}").contains("there are more than 10000 keys"))
  }

  @Test func aLongValueIsQuotedInBrief() {
    let long = String(repeating: "a", count: 10_000_000)
    #expect(
      complaint("{ train: { lr_scheduler_name: '\(long)' } }")
        == "error: x.json5, line 1, column 31: train.lr_scheduler_name: must be constant, "
        + "cosineannealing or cosineannealingwarmrestarts, but is \"\(long.prefix(59))….\n")
  }

  @Test func aFileWithoutEndIsRefused() {
    #expect(throws: PipelineError.tooLarge(path: "/dev/zero", limit: 16 << 20)) {
      try PipelineFile.read("/dev/zero")
    }
  }

  @Test func aMissingFileIsNamed() {
    #expect(throws: PipelineError.self) { try PipelineFile.read("no/such.json5") }
    do { _ = try PipelineFile.read("no/such.json5") } catch {
      #expect(
        Program.report(error).text
          == "error: no/such.json5 does not exist.\nhint: Check the path.\n")
      #expect(Program.report(error).code == .wrongInput)
    }
  }

  @Test(arguments: ["train.lr", "=5", "train..lr=5", ".lr=5", "cache.hook_names=[a"])
  func aMalformedOverrideIsQuoted(_ text: String) {
    #expect(
      complaint("{}", [text])
        == "error: --set \(text) is not of the form section.key=value.\n"
        + "hint: For example: --set train.lr=1e-4 or --set 'cache.hook_names=[\"a\", \"b\"]'.\n")
  }

  @Test(arguments: [
    (
      "pretokenize",
      "x.json5, line 1, column 1: pretokenize.dataset_path: is missing; it says where the text is."
    ),
    (
      "cache",
      """
      x.json5 has 2 problems:
        line 1, column 1: cache.model_name: is missing; it says which model to run.
        line 1, column 1: cache.hook_name: is missing; it says where activations are taken.
      """
    ),
  ])
  func aStageNamesWhatItLacks(_ stage: String, _ expected: String) {
    #expect(complaint("{}", running: stage) == "error: \(expected)\n")
    #expect(complaint("{}", running: "train") == "")
  }

  @Test(arguments: try ProjectFiles.names(in: "pipelines").filter { $0.hasSuffix(".json5") })
  func everyPipelineOfTheProjectIsRead(_ name: String) throws {
    for stage in ["pretokenize", "cache", "train"] {
      let path = ProjectFiles.root + "/pipelines/" + name
      let file = try PipelineFile.read(path, running: stage)
      #expect(file.notes.isEmpty)
      #expect(name == file.pipeline.name + ".json5")
    }
  }

  @Test func randomTextNeverBringsTheReaderDown() {
    var random = SystemRandomNumberGenerator()
    let letters = Array("{}[]:,'\"/*\n\\ kltrain.lr0e-5".utf8)
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0..<24, using: &random)).map { _ in
        letters[Int.random(in: 0..<letters.count, using: &random)]
      }
      _ = try? PipelineFile(parsing: text, path: "x.json5")
    }
  }
}
