import Shared
import Support
import Testing

private func read(_ text: String, _ overrides: [String] = []) throws -> PipelineFile {
  try PipelineFile(parsing: Array(text.utf8), path: "x.json5", overrides: overrides)
}

private let topK = "architecture: 'topk',"

private func labels(_ sweep: String, train: String = "") throws -> [String] {
  try read("{ train: { \(train) sweep: \(sweep) } }").combinations.map(\.label)
}

/// The lines of complaint that a file leads to.
private func complaints(_ text: String) -> [Substring] {
  do {
    _ = try read(text)
    return []
  } catch {
    return withoutPlaces((error as? any Failure)?.sentence ?? "").split(separator: "\n")
  }
}

private func complaints(sweep: String, train: String = "") -> [Substring] {
  complaints("{ train: { \(train) sweep: \(sweep) } }")
}

@Suite("Combinations of a sweep")
struct SweepTests {
  @Test("Options go in order of name, values as given, and the last option varies fastest")
  func order() throws {
    let sweep = "{ l1_coefficient: [5, 1e0], expansion_factor: [8, 16], architecture: ['Gated'] }"
    #expect(
      try labels(sweep) == [
        "architecture=gated, expansion_factor=8, l1_coefficient=5",
        "architecture=gated, expansion_factor=8, l1_coefficient=1",
        "architecture=gated, expansion_factor=16, l1_coefficient=5",
        "architecture=gated, expansion_factor=16, l1_coefficient=1",
      ])
  }

  @Test("A combination is the pipeline with its values and without a sweep")
  func pipelines() throws {
    let file = try read("{ name: 'a', train: { \(topK) lr: 1e-3, k: 9, sweep: { k: [3, 4] } } }")
    let alone = try read("{ name: 'a', train: { \(topK) lr: 1e-3, k: 4 } }")
    #expect(file.combinations[1].pipeline == alone.pipeline)
    #expect(file.combinations[1].choices.map(\.name) == ["k"])
    #expect(file.combinations[1].choices.map(\.value) == [.number(4)])
    #expect(file.pipeline.train.k == 9)
    #expect(file.notes.map(\.line) == ["train.k: gives way to the values of train.sweep."])
    #expect(alone.combinations == [])
    #expect(try read("{ train: { sweep: {} } }").combinations == [])
  }

  @Test("Older and nested names are read as the newest, and values as settings are")
  func names() throws {
    #expect(
      try labels("{ decoder_heuristic_init_norm: [null, 1] }").first == "decoder_init_norm=null")
    #expect(try labels("{ sae: { k: [2] }, lr: [1] }", train: topK) == ["k=2, lr=1"])
    #expect(try labels("{ activation_fn_kwargs: { k: [2, 3] } }", train: topK) == ["k=2", "k=3"])
    #expect(
      try labels(
        "{ matryoshka_widths: [[8, 16], [32]] }", train: "architecture: 'matryoshka_batchtopk',"
      ).first == "matryoshka_widths=[8,16]")
    let file = try read("{ train: { sweep: { lr_scheduler_name: ['consineannealing'] } } }")
    #expect(file.combinations.map(\.label) == ["lr_scheduler_name=cosineannealing"])
    #expect(
      file.notes.map(\.line) == [
        #"train.sweep.lr_scheduler_name: "consineannealing" is read as "cosineannealing"."#
      ])
    let given = try read(
      "{}", ["train.sweep={lr: [1, 2]}", "train.sweep.k=[1]", "train.architecture=topk"])
    #expect(given.combinations.map(\.label) == ["k=1"])
  }

  @Test("Hook points may be swept where the cache stores them")
  func hooks() throws {
    func text(_ names: String) -> String {
      """
      { cache: { hook_name: "blocks.0.hook_mlp_out", hook_names: [\(names)] },
        train: { sweep: { hook_name: ["blocks.0.hook_mlp_out", "blocks.1.hook_mlp_out"] } } }
      """
    }
    let file = try read(text("'blocks.1.hook_mlp_out'"))
    #expect(file.combinations.map(\.pipeline.train.hookName).last == "blocks.1.hook_mlp_out")
    #expect(
      complaints(text("")) == [
        "x.json5: train.sweep: with hook_name=blocks.1.hook_mlp_out: train.hook_name is "
          + "\"blocks.1.hook_mlp_out\", but the cache section stores blocks.0.hook_mlp_out."
      ])
  }

  private static let refused: [(sweep: String, expected: String)] = [
    ("{ l1_coeficient: [1] }", ".l1_coeficient: is unknown; did you mean l1_coefficient?"),
    ("{ banana: [1] }", ".banana: is unknown."),
    ("{ sae: { kk: [1] } }", ".sae.kk: is unknown; did you mean k?"),
    ("{ sea: { k: [1] } }", ".sea.k: is unknown; sea is no group of options."),
    ("{ sweep: [1] }", ".sweep: cannot be swept."),
    ("{ sweep_mode: ['separate'] }", ".sweep_mode: cannot be swept."),
    ("{ threads: [1, 2] }", ".threads: cannot be swept."),
    ("{ resume: [true] }", ".resume: cannot be swept."),
    ("{ context_size: [64] }", ".context_size: cannot be swept."),
    ("{ logger: { log_frequency: [1] } }", ".logger.log_frequency: cannot be swept."),
    ("{ dtype: ['float32'] }", ".dtype: cannot be swept."),
    ("{ activation_fn_kwargs: [1] }", ".activation_fn_kwargs: cannot be swept; sweep k."),
    (
      "{ column_name: ['text'] }",
      ".column_name: belongs to pretokenize; only options of train can be swept."
    ),
    (
      "{ name: ['a'] }",
      ".name: belongs to the top of the file; only options of train can be swept."
    ),
    ("{ lr: [1, 'x'] }", #".lr: takes a number above 0, but lists "x"."#),
    ("{ lr: [0] }", ".lr: takes a number above 0, but lists 0."),
    (
      "{ jumprelu_sparsity_loss_mode: ['tahn'] }",
      #".jumprelu_sparsity_loss_mode: takes step, tanh or quadratic, but lists "tahn"; "#
        + "did you mean tanh?"
    ),
    ("{ lr: [1, 2, 1.0] }", ".lr: lists 1 twice."),
    (
      "{ decoder_heuristic_init_norm: [1], decoder_init_norm: [2] }",
      ".decoder_init_norm: is given more than once, as train.sweep.decoder_heuristic_init_norm "
        + "and train.sweep.decoder_init_norm."
    ),
    (
      "{ lr: 5 }",
      #": must be a set of lists of values by option name, but is {"lr":5}."#
    ),
    ("{ lr: [] }", #": must be a set of lists of values by option name, but is {"lr":[]}."#),
  ]

  @Test("What cannot be swept is refused by name", arguments: refused)
  func refusals(_ example: (sweep: String, expected: String)) {
    #expect(complaints(sweep: example.sweep) == ["x.json5: train.sweep\(example.expected)"])
  }

  @Test("All that is wrong is said at once")
  func several() {
    #expect(
      complaints(sweep: "{ threads: [1], lr: [-1], kk: [1] }", train: "adam_beta1: 2,") == [
        "x.json5 has 4 problems:",
        "  train.adam_beta1: must be a number of 0 or more and below 1, but is 2.",
        "  train.sweep.threads: cannot be swept.",
        "  train.sweep.lr: takes a number above 0, but lists -1.",
        "  train.sweep.kk: is unknown; did you mean k?",
      ])
  }

  @Test("A contradiction names the combination that has it")
  func contradictions() {
    #expect(
      complaints(
        sweep: "{ k: [8, 12], d_sae: [10, 20], lr: [1, 2] }", train: "architecture: 'topk',") == [
          "x.json5: train.sweep: with d_sae=10, k=12 and lr=1 (and 1 more): "
            + "k is 12, but there are only 10 latents."
        ])
    #expect(
      complaints(sweep: "{ expansion_factor: [8] }", train: "d_sae: 8,") == [
        "x.json5: train.d_sae: is 8 while expansion_factor is 8; only one of them may be given."
      ])
    #expect(
      complaints(sweep: "{ k: [1, 2] }", train: topK + "lr_warm_up_steps: 1000,") == [
        "x.json5: train.lr_decay_steps: is 0 and lr_warm_up_steps is 1000, "
          + "but the run has 488 steps."
      ])
  }

  @Test("What only the sweep provides is not missed in the file itself")
  func completed() throws {
    let train = "architecture: 'jumprelu', jumprelu_sparsity_loss_mode: 'quadratic',"
    #expect(
      try labels("{ target_l0: [10, 20] }", train: train) == ["target_l0=10", "target_l0=20"])
  }

  @Test("Many bad combinations are counted, not listed")
  func manyBad() {
    let values = (1...30).map(String.init).joined(separator: ", ")
    let lines = complaints(
      sweep: "{ k: [\(values)] }", train: "architecture: 'topk', d_sae: 15,")
    #expect(lines.count == 12)
    #expect(lines[1] == "  train.sweep: with k=16: k is 16, but there are only 15 latents.")
    #expect(lines[11] == "  train.sweep: has 5 more problems of this kind.")
  }

  @Test("More than a thousand combinations are refused, however many")
  func limit() throws {
    func list(_ count: Int) -> String {
      "[" + (1...count).map(String.init).joined(separator: ", ") + "]"
    }
    #expect(try labels("{ k: \(list(50)), seed: \(list(20)) }", train: topK).count == 1000)
    #expect(
      complaints(sweep: "{ k: \(list(50)), seed: \(list(21)) }") == [
        "x.json5: train.sweep: makes 1050 combinations; at most 1000 are run."
      ])
    let options = [
      "k", "seed", "lr", "l1_coefficient", "n_restart_cycles", "lp_norm", "noise_scale",
      "expansion_factor", "training_tokens", "lr_end", "aux_loss_coefficient",
    ]
    let huge = options.map { "\($0): \(list(100))" }.joined(separator: ", ")
    #expect(
      complaints(sweep: "{ \(huge) }") == [
        "x.json5: train.sweep: makes 1e+22 combinations; at most 1000 are run."
      ])
  }

  @Test("The shared mode goes with a sweep, and says nothing without one")
  func mode() throws {
    #expect(complaints(sweep: "{ k: [1] }", train: topK + "sweep_mode: 'shared',") == [])
    #expect(complaints("{ train: { sweep_mode: 'shared' } }") == [])
  }
}
