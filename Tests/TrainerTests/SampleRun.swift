// A made-up run for the tests of evaluation and report.

import Foundation
import Shared

import Trainer

enum SampleRun {
  static let hostile = "</q><script>alert(\"x\")</script>"

  static let figures: Figures = [
    .evaluatedRows: 1000, .finalExplainedVariance: 0.9412, .finalMSE: 2.25,
    .cosineSimilarity: 0.97, .l2NormIn: 8, .l2NormOut: 7.5, .l2Ratio: 0.987, .finalL0: 17.5,
    .finalL1: 30.25, .latentCount: 4, .neverActive: 1, .aliveShare: 0.75, .deadInTraining: 3,
    .deadFeatureWindow: 1000,
  ]

  static let loss = LossRecovered(
    source: .heldOut,
    means: [
      .lossTokens: 20_096, .lossWithoutSAE: 3.21, .lossWithSAE: 3.25, .lossWithAblation: 7.9,
      .divergenceWithSAE: 0.05, .divergenceWithAblation: 2.5,
    ])

  static let evaluation = Evaluation(
    figures: figures.merging(loss.figures), source: .heldOut, lossSource: loss.source,
    fires: [10, 0, 250, 3],
    categories: [
      CategoryResult(
        name: "color", words: ["red", "sky-blue"], tokenCount: 12, skippedWords: ["sky-blue"],
        rows: 40,
        best: CategoryScore(latent: 2, precision: 0.9, recall: 0.95)),
      CategoryResult(
        name: "<i>none", words: [], tokenCount: 0, skippedWords: [], rows: 0, best: nil),
    ], categoriesDigest: "abc", remarks: ["One word of color is skipped."])

  /// Four latents, of which one is shown in full on a sequence with a hostile token.
  static let latents = LatentReport(
    columns: LatentColumns(
      fires: [10, 0, 250, 3], means: [1, 0, 2.5, 0.123456], highest: [2, 0, 4, 1],
      norms: [1, 0.5, 1, 1], cosines: [0.9, 0, 0.8, -0.25], tokens: [1, nil, 3, 0],
      categories: [nil, nil, .init(category: 1, f1: 0.9245), .init(category: 1, f1: 0.1)]),
    rows: 1000, keptRows: 900, rowsByL0: [17: 400, 18: 600],
    details: [
      LatentDetail(
        latent: 2, reasons: ["the best latent of the category color"], histogram: [3, 0, 1],
        highest: [
          LatentContext(
            .init(sequence: 7, position: 3), value: 4, in: [0, 1, 2, 3], special: []
          ) { [0, 0.5, 1][$0] }
        ], tokens: DirectionTokens(promoted: [.init(token: 3, weight: 1.5)]),
        neighbors: [.init(latent: 0, cosine: 0.75)])
    ], texts: [0: "The", 1: " sky\n", 2: hostile, 3: " blue"], special: [0],
    categories: ["<i>none", "color"], words: [[], ["red", "sky-blue"]], chunk: 256,
    remarks: ["A remark."])

  /// An SAE whose language model is not at hand.
  static var withoutLoss: Evaluation {
    Evaluation(
      figures: figures, source: evaluation.source, fires: evaluation.fires,
      categories: evaluation.categories, categoriesDigest: evaluation.categoriesDigest,
      remarks: evaluation.remarks)
  }

  static let sae: JSON = .object([
    "architecture": .string("topk"), "d_in": .integer(64), "d_sae": .integer(4), "k": .integer(2),
    "metadata": .object([
      "model_name": .string("tiny"), "hook_name": .string("blocks.1.hook_resid_post"),
    ]),
  ])

  static let settings: JSON = .object([
    "lr": .number(0.0003), "model_name": .string("a<b"), "lr_end": .null,
    "logger": .object(["log_to_wandb": .bool(false)]),
  ])

  static let log = (1...50).map { index in
    RunLog.Entry(
      step: index * 10,
      values: [
        .overall: 10 / Double(index) + 1, .mse: 10 / Double(index) + 0.8, .auxiliary: 0.2,
        .l0: 20, .explainedVariance: 1 - 1 / Double(index + 1), .deadLatents: Double(index / 10),
        .learningRate: 3e-4, .trainingSamples: Double(index * 10 * 4096), .tokensPerSecond: 52_100,
      ])
  }

  static var report: Report { report(log) }

  static func report(_ log: [RunLog.Entry], name: String = "demo & friends") -> Report {
    Report(
      name: name, sae: sae, settings: settings, curves: Report.curves(log),
      evaluation: evaluation,
      files: [("cfg.json", 512), ("sae_weights.safetensors", 2_100_000)],
      timing: Timing(tokens: 90_000, seconds: 2),
      origin: ReportOrigin(tokens: 102_400, entries: [.init("model", "tiny")]),
      latents: latents.json, links: [.init("sweep three", to: "../sweep-three/sweep.html")])
  }
}
