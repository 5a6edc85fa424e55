import Shared
import Support
import Testing

private func read(_ train: String, _ overrides: [String] = []) throws -> PipelineFile {
  try PipelineFile(
    parsing: Array("{ train: { \(train) } }".utf8), path: "x.json5", overrides: overrides)
}

private func complaint(_ train: String, _ overrides: [String] = []) -> String {
  do {
    _ = try read(train, overrides)
    return ""
  } catch {
    return withoutPlaces((error as? any Failure)?.sentence ?? "\(error)")
  }
}

private let whose = "defaults: \"sae_lens-5\" or \"sae_lens-6\" says which are meant."

@Suite("Configurations of older versions")
struct CarryOverTests {
  @Test("Flat options have the defaults of SAELens 3 to 5, and the program says so")
  func flat() throws {
    let file = try read("d_in: 16, expansion_factor: 4, lr: 1e-3")
    let train = file.pipeline.train
    #expect(train.l1Coefficient == 0.001 && train.adamBeta1 == 0 && train.lr == 0.001)
    #expect(train.bDecInitMethod == .geometricMedian && train.normalizeSaeDecoder)
    #expect(train.decoderProjection == .rowsOnly && !train.decoderHeuristicInit)
    #expect(!train.initEncoderAsDecoderTranspose && !train.scaleSparsityPenaltyByDecoderNorm)
    #expect(
      file.notes.map(\.line) == [
        "train.defaults: options are written as in SAELens 3 to 5, so those left out have its "
          + "defaults: l1_coefficient 0.001 (not 1), scale_sparsity_penalty_by_decoder_norm false "
          + "(not true), normalize_sae_decoder true (not false), b_dec_init_method geometric_median "
          + "(not zeros), decoder_heuristic_init false (not true), "
          + "init_encoder_as_decoder_transpose false (not true), adam_beta1 0 (not 0.9); \(whose)"
      ])
  }

  @Test(
    "Who says which defaults are meant is believed, and nothing is said",
    arguments: [
      ("defaults: 'sae_lens-5',", 0.001), ("defaults: 'sae_lens-6',", 1),
      ("sae_lens_version: '5.10.0',", 0.001), ("sae_lens_version: '3.22.2',", 0.001),
      ("sae_lens_version: '6.54.12',", 1),
      ("sae_lens_version: '5.1.0', defaults: 'sae_lens-6',", 1),
    ])
  func stated(_ text: String, _ expected: Double) throws {
    let file = try read(text + "d_in: 16, expansion_factor: 4")
    #expect(file.pipeline.train.l1Coefficient == expected)
    #expect(file.notes.isEmpty)
    let beside = try PipelineFile(
      parsing: Array("{ defaults: 'sae_lens-5', train: { d_sae: 64 } }".utf8), path: "x.json5")
    #expect(beside.pipeline.train.adamBeta1 == 0 && beside.notes.isEmpty)
    #expect(try read("d_sae: 64", ["train.defaults=sae_lens-6"]).pipeline.train.adamBeta1 == 0.9)
  }

  @Test(
    "Options of SAELens 6 have its defaults",
    arguments: [
      "sae: { d_sae: 64 }", "architecture: 'topk', k: 3, expansion_factor: 4", "lr: 1e-4",
      "architecture: 'batchtopk', d_sae: 640", "architecture: 'jumprelu', l0_coefficient: 2",
      "from_pretrained_path: 'x', d_sae: 64",
    ])
  func newer(_ text: String) throws {
    let file = try read(text)
    #expect(file.pipeline.train.adamBeta1 == 0.9 && file.pipeline.train.bDecInitMethod == .zeros)
    #expect(file.notes.isEmpty)
  }

  @Test("Where options of both kinds stand, the program says which defaults it takes")
  func mixed() throws {
    let file = try read("architecture: 'topk', k: 3, b_dec_init_method: 'mean', adam_beta1: 0.9")
    #expect(!file.pipeline.train.normalizeSaeDecoder)
    #expect(
      file.notes.map(\.line) == [
        "train.defaults: options left out have the defaults of SAELens 6, since k is given: "
          + "rescale_acts_by_decoder_norm true (not false), normalize_sae_decoder false (not true), "
          + "decoder_heuristic_init true (not false), init_encoder_as_decoder_transpose true (not false); \(whose)"
      ])
  }

  @Test("Options of runs alone do not show where a configuration comes from")
  func neutral() throws {
    let file = try read("d_sae: 64, eval_fraction: 0.1, threads: 2, sweep: { lr: [1, 2] }")
    #expect(file.combinations.map(\.pipeline.train.adamBeta1) == [0, 0])
  }

  @Test("The weight of JumpReLU's loss has the name l1_coefficient in SAELens 4 and 5")
  func jumpReLU() throws {
    let file = try read(
      "architecture: 'jumprelu', l1_coefficient: 0.01, l1_warm_up_steps: 50, d_sae: 64")
    let train = file.pipeline.train
    #expect(train.l0Coefficient == 0.01 && train.l0WarmUpSteps == 50)
    #expect(train.jumpreluInitThreshold == 0.001 && train.jumpreluBandwidth == 0.001)
    let expected: [String] = [
      "train.l1_coefficient: is l0_coefficient, the weight of JumpReLU's L0 loss, as in SAELens "
        + "4 and 5.",
      "train.l1_warm_up_steps: is l0_warm_up_steps, the warm-up of JumpReLU's L0 loss, as in "
        + "SAELens 4 and 5.",
    ]
    #expect(Array(file.notes.map(\.line).suffix(2)) == expected)
    #expect(train.jumpreluLogThreshold)
    let swept = try read("architecture: 'jumprelu', d_sae: 64, sweep: { l1_coefficient: [1, 2] }")
    #expect(swept.combinations.map(\.pipeline.train.l0Coefficient) == [1, 2])
    #expect(
      complaint(
        "defaults: 'sae_lens-5', architecture: 'jumprelu', l1_coefficient: 1, l0_coefficient: 2")
        == "x.json5: train.l0_coefficient: is given more than once, as train.l0_coefficient and "
        + "train.l1_coefficient.")
  }

  @Test(
    "Thresholds learn by their logarithms where the version does so",
    arguments: [
      ("sae_lens_version: '6.18.0', sae: { architecture: 'jumprelu' }", true),
      ("sae_lens_version: '6.54.12', sae: { architecture: 'jumprelu' }", false),
      ("sae: { architecture: 'jumprelu' }", false),
      ("sae_lens_version: '4.4.5', architecture: 'jumprelu'", true),
      ("sae_lens_version: '4.4.5', architecture: 'jumprelu', jumprelu_log_threshold: false", false),
      ("sae_lens_version: '6.18.0', sae: { architecture: 'standard' }", false),
    ])
  func thresholdForm(text: String, expected: Bool) throws {
    #expect(try read(text).pipeline.train.jumpreluLogThreshold == expected)
  }

  private static let foreign: [(text: String, expected: String)] = [
    (
      "architecture: 'standard', k: 32",
      "train.k: is no option of architecture standard; it belongs to topk, abstopk, batchtopk, "
        + "matryoshka_batchtopk or groupmax."
    ),
    (
      "sae: { architecture: 'jumprelu', l1_coefficient: 1 }",
      "train.l1_coefficient: is no option of architecture jumprelu; write l0_coefficient."
    ),
    (
      "architecture: 'standard', l0_warm_up_steps: 3",
      "train.l0_warm_up_steps: is no option of architecture standard; write l1_warm_up_steps."
    ),
    (
      "sae: { architecture: 'gated', lp_norm: 0.5 }",
      "train.lp_norm: is no option of architecture gated; it belongs to standard, transcoder or "
        + "skip_transcoder."
    ),
    (
      "architecture: 'topk', k: 4, l1_coefficient: 7",
      "train.l1_coefficient: is no option of architecture topk; it belongs to standard, gated, "
        + "p_anneal, transcoder or skip_transcoder."
    ),
    (
      "architecture: 'standard', sweep: { k: [1, 2] }",
      "train.sweep.k: is no option of architecture standard; it belongs to topk, abstopk, "
        + "batchtopk, matryoshka_batchtopk or groupmax."
    ),
    (
      "architecture: 'gated', activation_fn_kwargs: { k: 3 }",
      "train.activation_fn_kwargs.k: is no option of architecture gated; write architecture: "
        + "\"topk\"."
    ),
    (
      "architecture: 'gated', activation_fn: 'topk'",
      "train.activation_fn: is \"topk\", which is not built with architecture gated."
    ),
    (
      "architecture: 'topk', activation_fn: 'relu'",
      "train.activation_fn: is \"relu\", but architecture topk keeps the largest latents; leave "
        + "it out."
    ),
    (
      "activation_fn: 'topk', activation_fn_kwargs: { k: 3 }",
      "train.activation_fn: is \"topk\", which is not built with architecture standard; write "
        + "architecture: \"topk\" and k, which has no L1 loss."
    ),
    (
      "activation_fn: 'topk-32'",
      "train.activation_fn: must be relu, topk or null, but is \"topk-32\"; write architecture: "
        + "\"topk\" and k: 32."
    ),
    (
      "activation_fn: 'tanh-relu'",
      "train.activation_fn: must be relu, topk or null, but is \"tanh-relu\"; tanh-relu is not "
        + "built, and SAELens 6 opens no SAE of it; write relu."
    ),
    (
      "decoder_heuristic_init: true",
      "train.decoder_heuristic_init: is true, which does not go with normalize_sae_decoder (true "
        + "by default in SAELens 3 to 5); set normalize_sae_decoder to false."
    ),
    (
      "lr_scheduler_name: 'constantwithwarmup'",
      "train.lr_scheduler_name: must be constant, cosineannealing or cosineannealingwarmrestarts, "
        + "but is \"constantwithwarmup\"; write constant, with lr_warm_up_steps."
    ),
    ("batch_size: 4096", "train.batch_size: is unknown; write train_batch_size_tokens."),
    (
      "l1_coefficient: [1, 2]",
      "train.l1_coefficient: must be a number of 0 or more, but is [1,2]; several values are "
        + "train: { sweep: { l1_coefficient: [ … ] } }."
    ),
    (
      "sae_lens_version: 'newest'",
      "train.sae_lens_version: must be a version such as 5.11.0, but is newest."
    ),
  ]

  @Test("What is not done is refused by name, with what to write", arguments: foreign)
  func refusals(_ text: String, _ expected: String) {
    #expect(complaint(text) == "x.json5: \(expected)")
  }

  @Test("A sweep over architectures may have options of any of them")
  func sweptArchitectures() throws {
    let file = try read("sweep: { architecture: ['standard', 'topk'], k: [2] }, l1_coefficient: 3")
    #expect(file.combinations.count == 2)
  }

  @Test("An activation without an L1 loss beside it is an architecture")
  func activation() throws {
    let train = try read(
      "activation_fn: 'topk', activation_fn_kwargs: { k: 3 }, l1_coefficient: 0, d_sae: 64"
    ).pipeline.train
    #expect(train.architecture == .topk && train.k == 3 && train.auxLossCoefficient == 0)
  }

  @Test(
    "The decoder is drawn as the version draws it",
    arguments: [
      ("sae_lens_version: '5.10.0',", DecoderDraw.uniform),
      ("sae_lens_version: '5.10.1',", .normal), ("sae_lens_version: '3.7.0',", .uniform),
      ("", .normal), ("defaults: 'sae_lens-6',", .kaimingUniform),
    ])
  func draw(_ version: String, _ expected: DecoderDraw) throws {
    let text = version + "decoder_heuristic_init: true, normalize_sae_decoder: false, d_sae: 64"
    #expect(try read(text).pipeline.train.decoderInitDraw == expected)
  }

  @Test("Weights by decoder norms are taken where SAELens takes them whatever it is told")
  func weights() throws {
    func weighs(_ text: String) throws -> Bool {
      try read(text + ", d_sae: 64").pipeline.train.scaleSparsityPenaltyByDecoderNorm
    }
    #expect(try weighs("architecture: 'gated', defaults: 'sae_lens-5'"))
    #expect(try weighs("sae_lens_version: '3.7.0', normalize_sae_decoder: false"))
    #expect(try !weighs("sae_lens_version: '4.4.5', normalize_sae_decoder: false"))
    #expect(try !weighs("sae_lens_version: '3.7.0'"))
    let file = try read(
      "architecture: 'gated', defaults: 'sae_lens-5', scale_sparsity_penalty_by_decoder_norm: false"
    )
    #expect(
      file.notes.map(\.line) == [
        "train.scale_sparsity_penalty_by_decoder_norm: is taken as true: SAELens in architecture "
          + "gated weighs by decoder norms whatever it says."
      ])
  }

  @Test("Older names and values are read as the newer")
  func spellings() throws {
    let train = try read(
      "hook_point: 'blocks.{layer}.hook_resid_post', hook_point_layer: 3, "
        + "hook_point_head_index: null, normalize_activations: true"
    ).pipeline.train
    #expect(train.hookName == "blocks.3.hook_resid_post" && train.hookLayer == 3)
    #expect(train.normalizeActivations == .expectedAverageOnlyIn)
    #expect(
      try read("normalize_activations: false").pipeline.train.normalizeActivations == .none)
    #expect(try read("normalize_activations: null").pipeline.train.normalizeActivations == .none)
    let cache = try PipelineFile(
      parsing: Array("{ cache: { hook_point: 'a', dtype: 'torch.float16' } }".utf8), path: "x"
    ).pipeline.cache
    #expect(cache.hookName == "a" && cache.dtype == .float16)
  }

  @Test("Every architecture has its options, and each option an architecture")
  func takers() {
    let owners = TrainSettings.settings.map(\.row).filter { !$0.architectures.isEmpty }
    for architecture in Architecture.allCases {
      #expect(owners.contains { $0.architectures.contains(architecture) })
    }
  }
}
