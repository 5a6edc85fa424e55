import Foundation
import Shared
import Support
import Testing

import Trainer

/// The verb evaluate, and what it needs of a folder and a pipeline file.
@Suite("Measuring any SAE")
struct MeasuringTests {
  private static let spliced = ProjectFiles.root + "/Tests/Fixtures/sae/spliced/"

  private func measure(_ folder: String, _ pipeline: Pipeline) throws -> MeasuredFigures {
    try Measuring(folder, pipeline, mode: .quiet).run()
  }

  @Test("An SAE of SAELens is measured on the tokens of a pipeline, in SAELens's layout")
  func tokens() throws {
    let cache = try ModelCache()
    let measured = try measure(Self.spliced + "resid-ignoring", cache.pipeline)
    #expect(measured.source == .heldOut)
    let json = measured.json
    #expect(
      json.object?.keys.sorted() == [
        "eval_cfg", "feature_metrics", "metrics", "sae_cfg", "sae_id", "sae_set", "unique_id",
      ])
    #expect(
      json["metrics"]?.object?.keys.sorted() == [
        "model_behavior_preservation", "model_performance_preservation", "reconstruction_quality",
        "shrinkage", "sparsity", "token_stats",
      ])
    #expect(
      json["feature_metrics"]?.object?.keys.sorted() == FeatureFigure.all.map(\.name).sorted())
    #expect(json["eval_cfg"]?["context_size"] == .integer(16))
    #expect(measured.table.rows.contains { $0[0] == "Loss recovered" })
  }

  @Test("Without the model cached rows are measured, and there is no loss")
  func cached() throws {
    let cache = try ModelCache()
    cache.change { $0.cache.modelName = "/nowhere/gpt2" }
    let measured = try measure(Self.spliced + "resid-ignoring", cache.pipeline)
    #expect(measured.figures[.lossScore] == nil)
    #expect(measured.figures[.finalExplainedVariance] != nil)
    #expect(measured.features[.consistency] == nil && measured.features[.density] != nil)
  }

  @Test("The folder of a run says itself what it is measured on")
  func ofRun() throws {
    let cache = try ModelCache()
    let run = try Run(cache.pipeline, mode: .quiet)
    _ = try run.run()
    let pipeline = try MeasuringRequest.pipeline(of: run.folder.path, file: nil)
    let measured = try measure(run.folder.path, pipeline)
    let twin = try Evaluation.read(run: run.folder.path).figures
    let found = try #require(measured.figures[.finalL0])
    let expected = try #require(twin[.finalL0])
    #expect(abs(found - expected) <= 1e-6 * expected)
  }

  @Test("What is missing is said in a sentence")
  func missing() throws {
    let cache = try ModelCache()
    let sae = Self.spliced + "resid-ignoring"
    func error(_ change: (inout Pipeline) -> Void) -> MeasuringError? {
      var pipeline = cache.pipeline
      change(&pipeline)
      return #expect(throws: MeasuringError.self) { try measure(sae, pipeline) }
    }
    let nowhere = error {
      $0.cache.modelName = "/nowhere/gpt2"
      $0.train.hookName = "blocks.1.hook_resid_post"
    }
    #expect(
      nowhere?.sentence
        == "There is nothing to measure an SAE of blocks.1.hook_resid_post on: the store holds no "
        + "activations of blocks.1.hook_resid_post; the model /nowhere/gpt2 is not on this machine."
    )
    let wide = error { $0.train.hookName = "blocks.0.mlp.hook_post" }
    #expect(
      wide?.sentence == "The SAE in \(sae) has d_in 24, but blocks.0.mlp.hook_post is 96 wide.")
    #expect(throws: MeasuringError.noPipeline(folder: sae)) {
      try MeasuringRequest.pipeline(of: sae, file: nil)
    }
    #expect(throws: MeasuringError.noSAE(.nothingThere(path: "/nowhere"))) {
      _ = try MeasuredSAE.open("/nowhere")
    }
  }

  static let sentences: [(MeasuringError, String, hint: String?)] = [
    (
      .noPipeline(folder: "f"), "f does not say which text the SAE is to be measured on.",
      "Give a pipeline file that names model, text and hook point: --pipeline run.json5."
    ),
    (
      .noHook(folder: "f"),
      "Neither f nor the pipeline file says which hook point the SAE reads.",
      "Set train.hook_name in the pipeline file."
    ),
    (
      .noTarget(folder: "f"),
      "Neither f nor the pipeline file says what the transcoder stands for.",
      "Set train.architecture to transcoder and train.hook_name_out in the pipeline file."
    ),
    (
      .unknownScale(path: "f"),
      "The SAE in f takes activations of the norm √d on average, and nothing there says by which "
        + "factor.", "Give the checkpoint with its activation_scaler.json, or the finished SAE."
    ),
    (
      .otherVocabulary(tokens: "t", model: "m"),
      "The tokens in t are not those of the model in m: it has fewer.",
      "Set cache.model_name to the model of these tokens."
    ),
    (
      .contextTooLong(tokens: "t", length: 9, model: "m", limit: 8),
      "The sequences in t have 9 tokens, but the model in m reads 8.",
      "Set cache.model_name to the model of these tokens."
    ),
    (
      .allLeftOut(place: "f"), "Every row of f is left out: there is nothing to measure.",
      "Leave out less with exclude_special_tokens or seqpos_slice."
    ),
    (
      .noSAE(.whitened(path: "f")), "The SAE in f was trained on whitened activations.",
      "Start from the folder of the finished SAE, whose weights are folded."
    ),
    (
      .noSAE(.notJSON(path: "f")), "f is not JSON.",
      "Give a folder as SAELens or this program writes one."
    ),
  ]

  @Test("Every obstacle has a sentence", arguments: sentences.indices)
  func words(index: Int) {
    let (error, sentence, hint) = Self.sentences[index]
    #expect(error.sentence == sentence)
    #expect(error.hint == hint)
  }
}
