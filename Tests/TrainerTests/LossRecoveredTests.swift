import Shared
import Support
import Testing
import Trainer

/// What a run says about the loss with its SAE in the model.
@Suite("Loss recovered")
struct LossRecoveredTests {
  private func evaluate(_ cache: ModelCache) throws -> (Run, Evaluation) {
    let run = try Run(cache.pipeline, mode: .quiet)
    #expect(try run.run() == .trained)
    return (run, try Evaluation.read(run: run.folder.path))
  }

  @Test("A run over a cache whose model is here measures it on the held-out sequences")
  func measured() throws {
    let cache = try ModelCache()
    let (run, evaluation) = try evaluate(cache)
    let figures = evaluation.figures
    #expect(evaluation.remarks == [])
    let heldOut = (0..<UInt32(40)).filter { HeldOut(fraction: 0.3).contains(sequence: $0) }
    #expect(evaluation.lossSource == .heldOut)
    #expect(figures[.lossTokens] == Double(heldOut.count * 16))
    let sequences = heldOut.map { Array(cache.tokens[Int($0) * 16..<Int($0) * 16 + 16]) }
    let model = try NaiveGPT2(ModelFixtures.folder("gpt2"))
    let clean = NaiveFigures.mean(
      sequences.flatMap { NaiveLoss.crossEntropy(model.logits($0) { _, _ in }, $0) })
    #expect(abs(try #require(figures[.lossWithoutSAE]) - clean) < 2e-5 * clean)
    let result = try run.result(didWork: true)
    #expect(result["ce_loss_score"]?.double == figures[.lossScore])
    #expect(result["ce_loss_with_sae"]?.double == figures[.lossWithSAE])
    #expect(result["ce_loss_without_sae"]?.double == figures[.lossWithoutSAE])
    #expect(result["ce_loss_with_ablation"]?.double == figures[.lossWithAblation])
    let details = try #require(try run.folder.manifest()).details
    #expect(details["ce_loss_score"]?.double == figures[.lossScore])
    let page = String(
      decoding: try MappedFile.contents(run.folder.path + "/report.html"), as: UTF8.self)
    #expect(page.contains("\"title\":\"Loss recovered\""))
    #expect(page.contains("\"\(figures.meaningful.text(.lossScore))\""))
  }

  @Test("loss_tokens counts whole sequences; where nothing is held out all count, and it is said")
  func sequences() throws {
    let cache = try ModelCache()
    cache.change {
      $0.train.evalFraction = 0
      $0.evaluate.lossTokens = 33
    }
    let evaluation = try evaluate(cache).1
    #expect(evaluation.lossSource == .cache)
    #expect(evaluation.figures[.lossTokens] == 48)
    #expect(evaluation.words(.tokens) == "48 rows of the cache (nothing was held out)")
  }

  @Test("A transcoder, a head and processed weights have their places too")
  func places() throws {
    let transcoder = try ModelCache(
      hooks: ["blocks.0.ln2.hook_normalized", "blocks.0.hook_mlp_out"]
    ) {
      $0.train.architecture = .transcoder
      $0.train.hookNameOut = "blocks.0.hook_mlp_out"
      $0.train.applyBDecToInput = false
    }
    #expect(try evaluate(transcoder).1.figures[.lossScore] != nil)
    let head = try ModelCache(hooks: ["blocks.1.attn.hook_z"]) {
      $0.cache.hookHeadIndex = 1
      $0.cache.foldValueBiases = true
      $0.cache.centerWritingWeights = true
    }
    #expect(try evaluate(head).1.figures[.lossScore] != nil)
  }

  @Test("Without the model there is one remark, and no error")
  func noModel() throws {
    let cache = try ModelCache()
    cache.change { $0.cache.modelName = "/nowhere/gpt2" }
    let (run, evaluation) = try evaluate(cache)
    #expect(evaluation.words(.tokens) == nil)
    #expect(
      evaluation.remarks == [
        "Loss recovered is not known: the model /nowhere/gpt2 is not on this machine."
      ])
    let result = try run.result(didWork: true)
    #expect(result["ce_loss_score"] == .null)
    #expect(result["ce_loss_without_sae"] == .null)
  }

  @Test("Who does not want it gets neither figures nor a remark")
  func unwanted() throws {
    let cache = try ModelCache()
    cache.change { $0.evaluate.lossRecovered = false }
    let evaluation = try evaluate(cache).1
    #expect(evaluation.words(.tokens) == nil)
    #expect(evaluation.remarks == [])
  }

  @Test("Who asks for it is refused before training where it cannot be had")
  func asked() throws {
    let cache = try ModelCache()
    cache.change {
      $0.cache.modelName = "/nowhere/gpt2"
      $0.evaluate.lossRecovered = true
    }
    let run = try Run(cache.pipeline, mode: .quiet)
    #expect(throws: LossRecoveredError(.modelNotHere(name: "/nowhere/gpt2"))) { try run.run() }
    #expect(try System.list(run.folder.path) == [])
    let estimate = try RunEstimate.make(
      cache.pipeline, speeds: RunSpeeds(fixed: TrainerBillTests.run))
    #expect(
      estimate.stage.missing == [LossRecoveredError(.modelNotHere(name: "/nowhere/gpt2")).sentence])
    cache.change { $0.cache.modelName = ModelFixtures.folder("gpt2") }
    #expect(try evaluate(cache).1.words(.tokens) != nil)
  }

  private func obstacle(_ cache: ModelCache, _ source: TrainingSource? = nil) throws
    -> LossObstacle?
  {
    let source = try source ?? cache.pipeline.cachedSource()
    do throws(LossObstacle) {
      _ = try SplicePlan.make(
        cache.pipeline, model: InputResolver.model(cache.pipeline.cache), source: source,
        targets: nil)
      return nil
    } catch {
      return error
    }
  }

  @Test("Another model, imported activations and missing tokens stand against it")
  func obstacles() throws {
    let cache = try ModelCache()
    let source = try cache.pipeline.cachedSource()
    #expect(try obstacle(cache) == nil)
    func changed(tokens: String?, _ identities: [String: String]) -> TrainingSource {
      TrainingSource(
        folder: source.folder, fingerprint: source.fingerprint, facts: source.facts,
        shards: source.shards, tokens: tokens, identities: identities, sequenceCount: 40)
    }
    var other = source.identities
    other["model.safetensors"] = "sha256:0"
    #expect(
      try obstacle(cache, changed(tokens: source.tokens, other))
        == .otherModel(name: cache.pipeline.cache.modelName))
    #expect(try obstacle(cache, changed(tokens: nil, [:])) == .imported)
    // What stands against a model is said, unless it merely is not here.
    var pipeline = cache.pipeline
    pipeline.cache.modelRevision = "v1"
    let revision = RevisionOfFolder(folder: pipeline.cache.modelName, revision: "v1")
    #expect(throws: LossObstacle.unfetched(sentence: revision.sentence, hint: revision.hint)) {
      _ = try SplicePlan.make(
        pipeline, model: InputResolver.model(pipeline.cache), source: source, targets: nil)
    }
    try System.removeTree(cache.tokenFolder)
    #expect(try obstacle(cache) == .noTokens)
  }

  static let sentences: [(LossObstacle, String, hint: String)] = [
    (
      .imported, "nothing says which model and tokens the imported activations are of.",
      "Leave evaluate.loss_recovered out."
    ),
    (
      .modelNotHere(name: "gpt2"), "the model gpt2 is not on this machine.",
      "Set cache.model_name to the model that was cached, or leave "
        + "evaluate.loss_recovered out."
    ),
    (
      .unfetched(sentence: "It is gated.", hint: "Set HF_TOKEN."),
      "the model cannot be had: It is gated.",
      "Set HF_TOKEN. Or leave evaluate.loss_recovered out."
    ),
    (
      .unfetched(sentence: "It is disabled.", hint: nil),
      "the model cannot be had: It is disabled.", "Leave evaluate.loss_recovered out."
    ),
    (
      .otherModel(name: "gpt2"), "gpt2 is not the model that the activations were taken from.",
      "Set cache.model_name to the model that was cached, or leave "
        + "evaluate.loss_recovered out."
    ),
    (
      .noTokens, "the store lacks the tokens that the activations were made from.",
      "Run saeline-pretokenize with the same pipeline file first, or leave "
        + "evaluate.loss_recovered out."
    ),
    (
      .notReplaceable(hook: "blocks.0.ln1.hook_scale"),
      "the model computes nothing from blocks.0.ln1.hook_scale.",
      "Leave evaluate.loss_recovered out."
    ),
    (
      .wrongOrder(hook: "a", target: "b"), "the model computes b before a.",
      "Leave evaluate.loss_recovered out."
    ),
    (
      .unusable(sentence: "x holds no config.json."),
      "the model cannot be run: x holds no config.json.",
      "Set cache.model_name to the model that was cached, or leave "
        + "evaluate.loss_recovered out."
    ),
    (.notFinite, "it is not finite.", "Leave evaluate.loss_recovered out."),
  ]

  @Test("Every obstacle has a remark and an error", arguments: sentences.indices)
  func words(index: Int) {
    let (obstacle, words, hint) = Self.sentences[index]
    #expect(obstacle.remark == "Loss recovered is not known: " + words)
    let error = LossRecoveredError(obstacle)
    #expect(error.sentence == "evaluate.loss_recovered is true, but " + words)
    #expect(error.hint == hint)
  }
}
