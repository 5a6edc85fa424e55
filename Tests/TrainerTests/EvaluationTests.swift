import Foundation
import Shared
import Support
import Testing

import Trainer

@Suite("The final figures")
struct EvaluationTests {
  private func end(_ rows: ArraySlice<[Float]>, _ sums: inout EvaluationSums) {
    let batch = rows.flatMap(\.self)
    sums.endBatch(batch.span)
  }

  @Test("They agree with their formulas, also far from the origin", arguments: [0.0, 100])
  func agreesWithNaiveTwin(offset: Double) {
    let random = Random(seed: 7, stream: "rows")
    let rows = (0..<50).map { row in
      (0..<12).map { Float(random.normal(row * 12 + $0) + offset) }
    }
    let outs = rows.enumerated().map { row, values in
      values.enumerated().map { $1 * 0.9 + Float(random.normal(10_000 + row * 12 + $0)) * 0.1 }
    }
    var sums = EvaluationSums(dIn: 12, latentCount: 4)
    for (index, row) in rows.enumerated() {
      let out = outs[index]
      let latents: [Int32] = index % 2 == 0 ? [0, 2] : [2]
      let values: [Float] = index % 2 == 0 ? [1, 0.5] : [2]
      sums.add(
        row: row.span, reconstruction: out.span, latents: latents.span, values: values.span)
      if index % 20 == 19 || index == 49 { end(rows[(index / 20 * 20)...index], &sums) }
    }
    let figures = sums.figures
    func close(_ figure: Figure, _ twin: Double) -> Bool {
      figures[figure].map { abs($0 - twin) <= 1e-9 * abs(twin) } ?? false
    }
    #expect(figures[.evaluatedRows] == 50)
    #expect(close(.finalMSE, NaiveFigures.meanSquaredError(rows, outs)))
    #expect(close(.finalExplainedVariance, NaiveFigures.explainedVariance(rows, outs)))
    #expect(
      close(
        .finalExplainedVarianceOfRows,
        NaiveFigures.explainedVarianceOfRows(rows, outs, batch: 20)))
    #expect(close(.reconstructionBias, NaiveFigures.reconstructionBias(rows, outs)))
    #expect(close(.cosineSimilarity, NaiveFigures.cosine(rows, outs)))
    #expect(close(.l2Ratio, NaiveFigures.normRatio(rows, outs)))
    #expect(close(.l2NormIn, NaiveFigures.mean(rows.map(NaiveFigures.norm))))
    #expect(close(.l2NormOut, NaiveFigures.mean(outs.map(NaiveFigures.norm))))
    #expect(figures[.finalL0] == 1.5)
    #expect(figures[.finalL1] == 1.75)
    #expect(sums.fires == [25, 0, 50, 0])
    #expect(figures[.latentCount] == 4)
    #expect(figures[.neverActive] == 2)
    #expect(figures[.aliveShare] == 0.5)
    let evaluation = Evaluation(figures: figures, source: .cache, fires: sums.fires)
    #expect(evaluation.densities == [0.5, 0, 1, 0])
  }

  @Test("Rows that do not vary explain all or nothing", arguments: [(Float(3), 1.0), (4, 0)])
  func withoutVariance(reconstruction: Float, explained: Double) {
    var sums = EvaluationSums(dIn: 2, latentCount: 1)
    let row: [Float] = [3, 3]
    let out = [reconstruction, reconstruction]
    for _ in 0..<3 {
      sums.add(
        row: row.span, reconstruction: out.span, latents: [Int32]().span, values: [Float]().span)
    }
    #expect(sums.figures[.finalExplainedVariance] == explained)
  }

  @Test("The only row of a batch explains no variance of its own")
  func onlyRow() {
    var sums = EvaluationSums(dIn: 2, latentCount: 1)
    let row: [Float] = [3, 4]
    sums.add(
      row: row.span, reconstruction: row.span, latents: [Int32]().span, values: [Float]().span)
    sums.endBatch(row.span)
    #expect(sums.figures[.finalExplainedVarianceOfRows] == nil)
    #expect(sums.figures[.reconstructionBias] == 1)
  }

  @Test("No rows give zeros and not a division by zero")
  func empty() {
    let figures = EvaluationSums(dIn: 2, latentCount: 1).figures
    #expect(figures[.finalMSE] == 0)
    #expect(figures[.finalL0] == 0)
  }

  @Test("evaluation.json has SAELens's groups and is read back")
  func roundTrip() throws {
    let evaluation = SampleRun.evaluation
    let json = evaluation.json
    #expect(json["reconstruction_quality"]?["explained_variance"] == JSON.number(0.9412))
    #expect(json["shrinkage"]?["l2_ratio"] == JSON.number(0.987))
    #expect(json["sparsity"]?["l0"] == JSON.number(17.5))
    #expect(json["latents"]?["never_active_in_evaluation"] == JSON.integer(1))
    #expect(json["latents"]?["dead_in_training"] == JSON.integer(3))
    let loss = json["model_performance_preservation"]
    #expect(loss?["ce_loss_score"] == JSON.number((7.9 - 3.25) / (7.9 - 3.21)))
    #expect(loss?["ce_loss_without_sae"] == JSON.number(3.21))
    #expect(loss?["ce_loss_with_sae"] == JSON.number(3.25))
    #expect(loss?["ce_loss_with_ablation"] == JSON.number(7.9))
    let divergence = json["model_behavior_preservation"]
    #expect(divergence?["kl_div_score"] == JSON.number((2.5 - 0.05) / 2.5))
    #expect(divergence?["kl_div_with_sae"] == JSON.number(0.05))
    #expect(divergence?["kl_div_with_ablation"] == JSON.number(2.5))
    #expect(json["token_stats"]?["total_tokens_eval_reconstruction"] == JSON.integer(20_096))
    #expect(json["token_stats"]?["loss_rows_from"] == JSON.string("held_out"))
    #expect(Evaluation(try JSON(parsing: Array(json.pretty.utf8))) == evaluation)
  }

  @Test("Counts of tokens are read by their older names too")
  func olderNames() throws {
    let rows = SampleRun.evaluation.figures[.evaluatedRows]
    var members = try #require(SampleRun.evaluation.json.object)
    var stats = try #require(members["token_stats"]?.object)
    stats["total_tokens_eval_loss"] = stats["total_tokens_eval_reconstruction"]
    stats["total_tokens_eval_reconstruction"] = stats["total_tokens_eval_sparsity_variance"]
    stats["total_tokens_eval_sparsity_variance"] = nil
    members["token_stats"] = .object(stats)
    let read = try #require(Evaluation(.object(members)))
    #expect(read == SampleRun.evaluation)
    #expect(read.figures[.evaluatedRows] == rows && read.figures[.lossTokens] == 20_096)
  }

  @Test("Without the loss its groups are left out")
  func withoutLoss() throws {
    let evaluation = SampleRun.withoutLoss
    let json = evaluation.json
    #expect(json["model_performance_preservation"] == nil)
    #expect(json["model_behavior_preservation"] == nil)
    #expect(json["token_stats"]?.object?.count == 2)
    #expect(Evaluation(try JSON(parsing: Array(json.pretty.utf8))) == evaluation)
  }

  @Test("An ablation that loses nothing has no score")
  func noScore() throws {
    let loss = LossRecovered(
      source: .cache,
      means: [
        .lossTokens: 10, .lossWithoutSAE: 2, .lossWithSAE: 2, .lossWithAblation: 2,
        .divergenceWithSAE: 0, .divergenceWithAblation: 0,
      ])
    #expect(loss.figures[.lossScore] == nil && loss.figures[.divergenceScore] == nil)
    #expect(loss.figures.text(.lossScore) == "–")
    var evaluation = SampleRun.withoutLoss
    evaluation.add(loss)
    #expect(evaluation.json["model_performance_preservation"]?["ce_loss_score"] == .null)
    #expect(evaluation.json["model_behavior_preservation"]?["kl_div_score"] == .null)
    #expect(evaluation.members(.manifest)["ce_loss_score"] == .null)
    #expect(Evaluation(try JSON(parsing: Array(evaluation.json.pretty.utf8))) == evaluation)
  }

  @Test("An evaluation that cannot be read is named")
  func unreadable() throws {
    let folder = NSTemporaryDirectory() + "/evaluation-" + UUID().uuidString
    try System.createDirectories(folder)
    defer { try? System.removeTree(folder) }
    try SampleRun.evaluation.write(run: folder)
    #expect(try Evaluation.read(run: folder) == SampleRun.evaluation)
    let path = folder + "/evaluation.json"
    try AtomicFile.replace(path, with: "{}")
    let error = EvaluationError.unreadable(path: path)
    #expect(throws: error) { try Evaluation.read(run: folder) }
    #expect(error.sentence == "\(path) is not what a finished run leaves.")
    #expect(
      error.hint == "Remove the file and run saeline-train with the same pipeline file again.")
  }
}
