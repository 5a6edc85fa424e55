import Shared
import Support
import Testing
import Trainer

@Suite("An SAE to start from")
struct PretrainedSAETests {
  /// A finished run with some normalization, and its cache.
  private func finished(
    _ normalization: ActivationNormalization = .none
  ) throws -> (cache: SyntheticCache, folder: String) {
    let cache = try SyntheticCache()
    cache.pipeline.train.normalizeActivations = normalization
    cache.pipeline.evaluate.evalTokens = 300
    let run = try Run(cache.pipeline, mode: .quiet)
    _ = try run.run()
    return (cache, run.folder.path)
  }

  /// What a run that starts from a folder says.
  private func refusal(
    _ cache: SyntheticCache, _ folder: String, _ normalization: ActivationNormalization = .none
  ) -> [String?] {
    cache.pipeline.train.fromPretrainedPath = folder
    cache.pipeline.train.normalizeActivations = normalization
    cache.pipeline.train.stated = ["normalize_activations", "d_sae"]
    do {
      _ = try Run(cache.pipeline, mode: .quiet)
      return []
    } catch let failure as any Failure {
      return [failure.sentence, failure.hint]
    } catch { return ["\(error)"] }
  }

  static let disagreeing: [(has: ActivationNormalization, wanted: ActivationNormalization)] = [
    (.none, .covarianceWhitening), (.none, .layerNorm), (.layerNorm, .none),
    (.layerNorm, .constantNormRescale), (.constantNormRescale, .expectedAverageOnlyIn),
    (.layerNorm, .covarianceWhitening),
  ]

  @Test("Rows in another form than the SAE's are refused", arguments: disagreeing)
  func otherNormalization(
    has: ActivationNormalization, wanted: ActivationNormalization
  ) throws {
    let (cache, folder) = try finished(has)
    #expect(
      refusal(cache, folder, wanted) == [
        "train.from_pretrained_path: the SAE in \(folder) has normalize_activations "
          + "\(has.rawValue), but the run has \(wanted.rawValue).",
        "Set train.normalize_activations to \(has.rawValue).",
      ])
  }

  static let agreeing: [(has: ActivationNormalization, wanted: ActivationNormalization)] = [
    (.none, .expectedAverageOnlyIn), (.expectedAverageOnlyIn, .none), (.layerNorm, .layerNorm),
    // Its whitening is folded into the weights.
    (.covarianceWhitening, .none),
  ]

  @Test("A factor is taken by the weights, and equal forms agree", arguments: agreeing)
  func sameNormalization(
    has: ActivationNormalization, wanted: ActivationNormalization
  ) throws {
    let (cache, folder) = try finished(has)
    #expect(refusal(cache, folder, wanted) == [])
    // One step that changes nothing: the SAE is the one that it started from.
    cache.pipeline.train.lr = 1e-30
    cache.pipeline.train.trainingTokens = 32
    let run = try Run(cache.pipeline, mode: .quiet)
    _ = try run.run()
    let before = try Evaluation.read(run: folder).figures
    let after = try Evaluation.read(run: run.folder.path).figures
    let (error, wanted) = (before[.finalMSE] ?? .nan, after[.finalMSE] ?? .nan)
    #expect(abs(error - wanted) < 1e-4 * error)
    #expect(abs((before[.finalL0] ?? .nan) - (after[.finalL0] ?? .nan)) < 0.05)
  }

  @Test("What is missing, no JSON, of another size or whitened is named")
  func sentences() throws {
    let (cache, folder) = try finished()
    let empty = cache.folder + "/empty"
    try System.createDirectories(empty)
    #expect(
      refusal(cache, empty) == [
        "train.from_pretrained_path: \(empty) holds no SAE.",
        "Give a folder with cfg.json and sae_weights.safetensors (SAELens or this program), cfg.json "
          + "and sae.safetensors (sparsify), config.json and ae.pt (dictionary_learning), or params.npz "
          + "(Gemma Scope).",
      ])
    try AtomicFile.replace(empty + "/cfg.json", with: "{}")
    #expect(
      refusal(cache, empty) == [
        "train.from_pretrained_path: there is no \(empty)/sae_weights.safetensors.",
        "Give a folder with cfg.json and sae_weights.safetensors.",
      ])
    cache.pipeline.train.dSae = 16
    #expect(
      refusal(cache, folder) == [
        "train.from_pretrained_path: the SAE in \(folder) has d_sae 24, but the run has 16.",
        "Set train.d_sae to what the SAE has, and take the same hook point.",
      ])
    cache.pipeline.train.dSae = 24
    try AtomicFile.replace(
      folder + "/activation_scaler.json",
      with: "{\"scaling_factor\": null, \"has_whitening\": true}")
    #expect(
      refusal(cache, folder) == [
        "train.from_pretrained_path: the SAE in \(folder) was trained on whitened activations.",
        "Start from the folder of the finished SAE, whose weights are folded.",
      ])
    try AtomicFile.replace(folder + "/cfg.json", with: "{,}")
    #expect(
      refusal(cache, folder) == [
        "train.from_pretrained_path: \(folder)/cfg.json is not JSON.",
        "Give a folder as SAELens or this program writes one.",
      ])
  }

  /// What a pipeline file that states some options says of an SAE, or what is taken from it.
  private func outcome(_ options: String, cfg: String) throws -> [String?] {
    let temporary = try TemporaryFolder()
    try AtomicFile.replace(temporary.file("cfg.json"), with: cfg)
    try AtomicFile.replace(temporary.file("sae_weights.safetensors"), with: "")
    let text = "{ train: { from_pretrained_path: \"\(temporary.path)\", \(options) } }"
    let settings = try PipelineFile(parsing: Array(text.utf8), path: "p.json5").pipeline.train
    func plain(_ text: String?) -> String? {
      text.map { $0.split(separator: temporary.path).joined(separator: "SAE") }
    }
    do {
      return try PretrainedSAE.open(temporary.path).settled(settings).takenOver ?? []
    } catch let failure as any Failure { return [plain(failure.sentence), plain(failure.hint)] }
  }

  private static let topK = """
    {"architecture": "topk", "k": 4, "d_in": 16, "d_sae": 64, "rescale_acts_by_decoder_norm": true,
     "metadata": {"sae_lens_version": "6.54.12"}}
    """

  @Test("What the file leaves open is the SAE's; what both say alike is nobody's news")
  func takenOver() throws {
    #expect(
      try outcome("lr: 1e-3", cfg: Self.topK) == ["architecture topk", "d_sae 64", "k 4"])
    #expect(
      try outcome("architecture: \"topk\", k: 4, d_sae: 64", cfg: Self.topK) == [])
    let alike = try outcome("activation_fn_kwargs: { k: 4 }, expansion_factor: 4", cfg: Self.topK)
    // The options are written as in SAELens 5, whose default it differs from.
    #expect(alike == ["architecture topk", "rescale_acts_by_decoder_norm true"])
  }

  @Test("An option that the SAE's kind does not have is refused by its name")
  func foreignOption() throws {
    #expect(
      try outcome("defaults: \"sae_lens-6\", l0_coefficient: 3", cfg: Self.topK) == [
        "train.from_pretrained_path: with what the SAE in SAE has, train.l0_coefficient is no option of "
          + "architecture topk.", nil,
      ])
  }

  @Test(
    "A file that states something else is an error that shows both",
    arguments: [
      ("architecture: \"standard\"", "architecture topk", "architecture", "standard"),
      ("k: 100", "k 4", "k", "100"), ("activation_fn_kwargs: { k: 8 }", "k 4", "k", "8"),
      ("apply_b_dec_to_input: false", "apply_b_dec_to_input true", "apply_b_dec_to_input", "false"),
      (
        "rescale_acts_by_decoder_norm: false", "rescale_acts_by_decoder_norm true",
        "rescale_acts_by_decoder_norm", "false"
      ),
    ])
  func contradiction(given: String, has: String, option: String, wanted: String) throws {
    #expect(
      try outcome(given, cfg: Self.topK) == [
        "train.from_pretrained_path: the SAE in SAE has \(has), but train.\(option) is \(wanted).",
        "Leave out train.\(option), and the SAE's is taken; or start from another SAE.",
      ])
  }

  @Test(
    "What this program cannot train is refused by its name",
    arguments: [
      (#"{"activation_fn_str": "tanh-relu"}"#, "activation_fn tanh-relu"),
      (#"{"architecture": "temporal"}"#, "architecture temporal"),
      (#"{"normalize_activations": "other"}"#, "normalize_activations other"),
      (#"{"activation_fn_str": "topk"}"#, "k not stated"),
      (#"{"activation_fn_str": "topk", "activation_fn_kwargs": {"k": "x"}}"#, "k x"),
    ])
  func unknown(cfg: String, words: String) throws {
    #expect(
      try outcome("lr: 1", cfg: cfg) == [
        "train.from_pretrained_path: the SAE in SAE has \(words), which this program cannot train.",
        nil,
      ])
  }

  @Test("What does not fit together with the SAE is found once it is known")
  func doesNotFit() throws {
    #expect(
      try outcome("finetuning_tokens: 10000, finetuning_method: \"scale\"", cfg: Self.topK) == [
        "train.from_pretrained_path: with what the SAE in SAE has, train.finetuning_method is not for "
          + "architecture topk.", nil,
      ])
  }

  @Test(
    "Weights of SAELens 3 to 5 that were not folded are for rows of the norm that the run gives them"
  )
  func unfolded() throws {
    let cfg = #"{"d_in": 16, "normalize_activations": "expected_average_only_in"}"#
    #expect(
      try outcome("lr: 1", cfg: cfg) == ["normalize_activations expected_average_only_in"])
    #expect(
      try outcome("normalize_activations: \"none\"", cfg: cfg) == [
        "train.from_pretrained_path: the SAE in SAE has normalize_activations "
          + "expected_average_only_in, but the run has none.",
        "Set train.normalize_activations to expected_average_only_in.",
      ])
  }

  @Test("A finished batchtopk, a jumprelu in its files, may be trained on as what it was")
  func finishedKinds() throws {
    let cfg = #"{"architecture": "jumprelu", "metadata": {"sae_lens_version": "6.54.12"}}"#
    #expect(try outcome("architecture: \"batchtopk\", k: 3", cfg: cfg) == [])
    #expect(try outcome("lr: 1", cfg: cfg) == ["architecture jumprelu"])
  }
}
