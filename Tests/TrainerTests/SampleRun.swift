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
    ], categoriesDigest: "abc",
    latents: [
      ReportedLatent(
        latent: 2, density: 0.25, maximum: 4, category: "color",
        contexts: [
          LatentContext(
            row: .init(sequence: 7, position: 3), value: 4,
            tokens: ["The", " sky\n", hostile, " blue"], activations: [0, 0.5, 1, 4], focus: 3)
        ])
    ], remarks: ["One word of color is skipped."])

  /// An SAE whose language model is not at hand.
  static var withoutLoss: Evaluation {
    Evaluation(
      figures: figures, source: evaluation.source, fires: evaluation.fires,
      categories: evaluation.categories, categoriesDigest: evaluation.categoriesDigest,
      latents: evaluation.latents, remarks: evaluation.remarks)
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

  static var report: Report {
    Report(
      name: "demo & friends", sae: sae, settings: settings, log: log, evaluation: evaluation,
      files: [("cfg.json", 512), ("sae_weights.safetensors", 2_100_000)])
  }
}
