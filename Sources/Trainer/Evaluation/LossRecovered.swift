// What a language model loses when an SAE takes the place of its activations. Comes in: the loss of
// the model as it is, with the SAE and with zeros. Leaves: these figures and the shares that the SAE
// keeps, and sentences where there are none.

package import Shared

/// The loss of a language model with an SAE in it.
package struct LossRecovered: Sendable, Equatable {
  package let source: EvaluatedRows
  package let figures: Figures

  /// Adds to the measured means the shares of what ablation loses that the SAE keeps; there is none
  /// where ablation loses nothing.
  package init(source: EvaluatedRows, means: Figures) {
    func share(_ kept: Figure, of lost: Figure, from clean: Double?) -> Double? {
      guard let kept = means[kept], let lost = means[lost], let clean else { return nil }
      let share = (lost - kept) / (lost - clean)
      return share.isFinite ? share : nil
    }
    var figures = means
    figures[.lossScore] = share(
      .lossWithSAE, of: .lossWithAblation, from: means[.lossWithoutSAE])
    figures[.divergenceScore] = share(.divergenceWithSAE, of: .divergenceWithAblation, from: 0)
    self.source = source
    self.figures = figures
  }

  var isFinite: Bool { figures.allSatisfy(\.value.isFinite) }
}

/// Why the loss cannot be measured.
package enum LossObstacle: Error, Equatable {
  case imported
  case modelNotHere(name: String)
  case unfetched(sentence: String, hint: String?)
  case otherModel(name: String)
  case noTokens
  case notReplaceable(hook: String)
  case wrongOrder(hook: String, target: String)
  case unusable(sentence: String)
  /// What is here and failed to be read.
  case unread(SystemError)
  case notFinite

  /// Why a model that was looked for is not there.
  static func missing(_ model: Resolved<String>, name: String) -> LossObstacle {
    let problem = model.problem
    if let cause = problem as? SystemError, !cause.isAbsence { return .unread(cause) }
    let failure = (problem as? MissingInput)?.failure ?? problem as? any Failure
    guard let failure, !(failure is MissingModel), !(failure is NotFetched) else {
      return .modelNotHere(name: name)
    }
    return .unfetched(sentence: failure.sentence, hint: failure.hint)
  }

  /// What stands against it, as a clause without a full stop.
  package var words: String {
    switch self {
    case .imported: "nothing says which model and tokens the imported activations are of"
    case .modelNotHere(let name): "the model \(name) is not on this machine"
    case .unfetched(let sentence, _): "the model cannot be had: \(sentence)"
    case .otherModel(let name): "\(name) is not the model that the activations were taken from"
    case .noTokens: "the store lacks the tokens that the activations were made from"
    case .notReplaceable(let hook): "the model computes nothing from \(hook)"
    case .wrongOrder(let hook, let target): "the model computes \(target) before \(hook)"
    case .unusable(let sentence): "the model cannot be run: \(sentence)"
    case .unread(let cause): "something cannot be read: \(cause.sentence)"
    case .notFinite: "it is not finite"
    }
  }

  private var sentenceEnd: String { words.hasSuffix(".") ? "" : "." }

  /// What the evaluation says where the figures are missing.
  package var remark: String { "\(LossObstacle.remarkStart) \(words)\(sentenceEnd)" }

  static let remarkStart = "Loss recovered is not known:"

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
      "Set cache.model_name to the model that was cached, or \(otherwise)."
    case .unfetched(_, let hint?): "\(hint) Or \(otherwise)."
    case .noTokens: "Run saeline-pretokenize with the same pipeline file first, or \(otherwise)."
    case .unread(let cause): cause.hint
    case .imported, .unfetched, .notReplaceable, .wrongOrder, .notFinite:
      otherwise.prefix(1).uppercased() + otherwise.dropFirst() + "."
    }
  }
}
