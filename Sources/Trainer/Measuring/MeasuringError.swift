// Why an SAE cannot be measured, and the sentences for it.

import Shared

/// Why an SAE cannot be measured.
package enum MeasuringError: Failure, Equatable {
  case noSAE(PretrainedSAEError)
  case unknownScale(path: String)
  case noPipeline(folder: String)
  case noHook(folder: String)
  case noTarget(folder: String)
  case otherWidth(folder: String, name: String, has: Int, hook: String, width: Int)
  case otherVocabulary(tokens: String, model: String)
  case contextTooLong(tokens: String, length: Int, model: String, limit: Int)
  case nothingToMeasureOn(hook: String, reasons: [String])
  case allLeftOut(place: String)

  package var sentence: String {
    switch self {
    case .noSAE(let error): MeasuringError.sentence(error.words)
    case .unknownScale(let path):
      "The SAE in \(path) takes activations of the norm √d on average, and nothing there says by "
        + "which factor."
    case .noPipeline(let folder):
      "\(folder) does not say which text the SAE is to be measured on."
    case .noHook(let folder):
      "Neither \(folder) nor the pipeline file says which hook point the SAE reads."
    case .noTarget(let folder):
      "Neither \(folder) nor the pipeline file says what the transcoder stands for."
    case .otherWidth(let folder, let name, let has, let hook, let width):
      "The SAE in \(folder) has \(name) \(has), but \(hook) is \(width) wide."
    case .otherVocabulary(let tokens, let model):
      "The tokens in \(tokens) are not those of the model in \(model): it has fewer."
    case .contextTooLong(let tokens, let length, let model, let limit):
      "The sequences in \(tokens) have \(length) tokens, but the model in \(model) reads \(limit)."
    case .nothingToMeasureOn(let hook, let reasons):
      "There is nothing to measure an SAE of \(hook) on: " + reasons.joined(separator: "; ") + "."
    case .allLeftOut(let place): "Every row of \(place) is left out: there is nothing to measure."
    }
  }

  /// A path at the beginning stays as it is.
  private static func sentence(_ words: String) -> String {
    let isPlain = ["the SAE ", "there is ", "with what "].contains { words.hasPrefix($0) }
    return isPlain ? words.prefix(1).uppercased() + words.dropFirst() : words
  }

  package var hint: String? {
    switch self {
    case .noSAE(let error):
      switch error {
      case .missing, .nothingThere, .notJSON, .factors, .whitened: error.hint
      default: nil
      }
    case .unknownScale: "Give the checkpoint with its activation_scaler.json, or the finished SAE."
    case .noPipeline:
      "Give a pipeline file that names model, text and hook point: --pipeline run.json5."
    case .noHook: "Set train.hook_name in the pipeline file."
    case .noTarget:
      "Set train.architecture to transcoder and train.hook_name_out in the pipeline file."
    case .otherWidth: "Set train.hook_name to the hook point that the SAE was trained on."
    case .otherVocabulary, .contextTooLong: "Set cache.model_name to the model of these tokens."
    case .nothingToMeasureOn:
      "Run saeline-pretokenize with the pipeline file and have its model here, or run saeline-cache."
    case .allLeftOut: "Leave out less with exclude_special_tokens or seqpos_slice."
    }
  }
}
