// What a language model loses when an SAE takes the place of its activations. Comes in: the loss of
// the model as it is, with the SAE and with zeros. Leaves: SAELens's figures for evaluation.json, and
// sentences where there are none.

import Shared

/// The loss of a language model with an SAE in it.
package struct LossRecovered: Sendable, Equatable {
  package let source: EvaluatedRows
  /// Tokens whose predictions were compared.
  package let tokens: Int
  /// Mean cross-entropy of the next token, in nats: of the model as it is, with the reconstructions
  /// in the place of activations, and with zeros there.
  package let withoutSAE: Double
  package let withSAE: Double
  package let withAblation: Double
  /// Mean divergence of the predictions from those of the model as it is.
  package let divergenceWithSAE: Double
  package let divergenceWithAblation: Double

  package init(
    source: EvaluatedRows, tokens: Int, withoutSAE: Double, withSAE: Double, withAblation: Double,
    divergenceWithSAE: Double, divergenceWithAblation: Double
  ) {
    self.source = source
    self.tokens = tokens
    self.withoutSAE = withoutSAE
    self.withSAE = withSAE
    self.withAblation = withAblation
    self.divergenceWithSAE = divergenceWithSAE
    self.divergenceWithAblation = divergenceWithAblation
  }

  /// The share of what ablation loses that the SAE keeps; nil where ablation loses nothing.
  package var score: Double? {
    LossRecovered.share(withAblation - withSAE, of: withAblation - withoutSAE)
  }

  /// The same of the divergence.
  package var divergenceScore: Double? {
    LossRecovered.share(divergenceWithAblation - divergenceWithSAE, of: divergenceWithAblation)
  }

  private static func share(_ part: Double, of whole: Double) -> Double? {
    let share = part / whole
    return share.isFinite ? share : nil
  }

  var isFinite: Bool {
    [withoutSAE, withSAE, withAblation, divergenceWithSAE, divergenceWithAblation]
      .allSatisfy(\.isFinite)
  }

  // MARK: For people

  package var scoreText: String { score.map { Readable.figure($0) } ?? "–" }

  package var lossText: String {
    "CE \(Readable.figure(withoutSAE)) → \(Readable.figure(withSAE)) "
      + "(ablated \(Readable.figure(withAblation)))"
  }

  package var sourceText: String { "\(Readable.count(tokens)) \(source.words)" }
}

// MARK: - JSON

extension LossRecovered {
  /// SAELens's names.
  var lossMembers: [String: JSON] {
    [
      "ce_loss_score": score.map { .number($0) } ?? .null,
      "ce_loss_with_ablation": .number(withAblation), "ce_loss_with_sae": .number(withSAE),
      "ce_loss_without_sae": .number(withoutSAE),
    ]
  }

  /// The same of a loss that may not be known.
  static func members(_ loss: LossRecovered?) -> [String: JSON] {
    let names = ["score", "with_ablation", "with_sae", "without_sae"]
    return loss?.lossMembers
      ?? Dictionary(uniqueKeysWithValues: names.map { ("ce_loss_" + $0, JSON.null) })
  }

  var divergenceMembers: [String: JSON] {
    [
      "kl_div_score": divergenceScore.map { .number($0) } ?? .null,
      "kl_div_with_ablation": .number(divergenceWithAblation),
      "kl_div_with_sae": .number(divergenceWithSAE),
    ]
  }

  var tokenMembers: [String: JSON] {
    [
      "total_tokens_eval_loss": .integer(tokens), "loss_rows_from": .string(source.rawValue),
    ]
  }

  /// Reads the figures of an evaluation.json; nil where it has none.
  init?(_ json: JSON) {
    let loss = json["model_performance_preservation"]
    let divergence = json["model_behavior_preservation"]
    guard let tokens = json["token_stats"]?["total_tokens_eval_loss"]?.integer,
      let source = json["token_stats"]?["loss_rows_from"]?.string.flatMap(EvaluatedRows.init),
      let without = loss?["ce_loss_without_sae"]?.double,
      let with = loss?["ce_loss_with_sae"]?.double,
      let ablated = loss?["ce_loss_with_ablation"]?.double,
      let divergenceWith = divergence?["kl_div_with_sae"]?.double,
      let divergenceAblated = divergence?["kl_div_with_ablation"]?.double
    else { return nil }
    self.init(
      source: source, tokens: tokens, withoutSAE: without, withSAE: with, withAblation: ablated,
      divergenceWithSAE: divergenceWith, divergenceWithAblation: divergenceAblated)
  }
}

// MARK: - Obstacles

/// Why the loss cannot be measured.
package enum LossObstacle: Error, Equatable {
  case imported
  case modelNotHere(name: String)
  case otherModel(name: String)
  case noTokens
  case notReplaceable(hook: String)
  case wrongOrder(hook: String, target: String)
  case unusable(sentence: String)
  case notFinite

  private var words: String {
    switch self {
    case .imported: "nothing says which model and tokens the imported activations are of"
    case .modelNotHere(let name): "the model \(name) is not on this machine"
    case .otherModel(let name): "\(name) is not the model that the activations were taken from"
    case .noTokens: "the store lacks the tokens that the activations were made from"
    case .notReplaceable(let hook): "the model computes nothing from \(hook)"
    case .wrongOrder(let hook, let target): "the model computes \(target) before \(hook)"
    case .unusable(let sentence): "the model cannot be run: \(sentence)"
    case .notFinite: "it is not finite"
    }
  }

  private var sentenceEnd: String { words.hasSuffix(".") ? "" : "." }

  /// What the evaluation says where the figures are missing.
  package var remark: String { "Loss recovered is not known: \(words)\(sentenceEnd)" }

  fileprivate var complaint: String {
    "evaluate.loss_recovered is true, but \(words)\(sentenceEnd)"
  }
}

/// A loss that was asked for and cannot be measured.
package struct LossRecoveredError: Failure, Equatable {
  package let obstacle: LossObstacle

  package init(_ obstacle: LossObstacle) {
    self.obstacle = obstacle
  }

  package var sentence: String { obstacle.complaint }

  package var hint: String? {
    let otherwise = "leave evaluate.loss_recovered out"
    return switch obstacle {
    case .modelNotHere, .otherModel, .unusable:
      "Set cache.model_name to the folder of the model that was cached, or \(otherwise)."
    case .noTokens: "Run saeline-pretokenize with the same pipeline file first, or \(otherwise)."
    case .imported, .notReplaceable, .wrongOrder, .notFinite:
      otherwise.prefix(1).uppercased() + otherwise.dropFirst() + "."
    }
  }
}
