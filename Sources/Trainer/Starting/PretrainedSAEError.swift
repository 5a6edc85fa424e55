// Why an SAE cannot be started from, and the sentences for it.

import Shared

/// Why an SAE cannot be started from.
package enum PretrainedSAEError: Failure, Equatable {
  case nothingThere(path: String)
  case missing(path: String)
  case notJSON(path: String)
  case otherSize(path: String, name: String, has: Int, wanted: Int)
  case whitened(path: String)
  case otherNormalization(path: String, has: String, wanted: String)
  case contradiction(path: String, option: String, has: String, wanted: String)
  case unknown(path: String, option: String, value: String)
  case doesNotFit(path: String, complaints: [String])
  case notFinite(path: String)
  case factors(path: String, tensor: String)

  private static let option = "train.from_pretrained_path: "

  package var sentence: String { PretrainedSAEError.option + words }

  /// What is wrong, whoever asked for the SAE.
  var words: String {
    switch self {
    case .nothingThere(let path): "\(path) holds no SAE."
    case .missing(let path): "there is no \(path)."
    case .notJSON(let path): "\(path) is not JSON."
    case .otherSize(let path, let name, let has, let wanted):
      "the SAE in \(path) has \(name) \(has), but the run has \(wanted)."
    case .whitened(let path): "the SAE in \(path) was trained on whitened activations."
    case .otherNormalization(let path, let has, let wanted):
      "the SAE in \(path) has normalize_activations \(has), but the run has \(wanted)."
    case .contradiction(let path, let option, let has, let wanted):
      "the SAE in \(path) has \(option) \(has), but train.\(option) is \(wanted)."
    case .unknown(let path, let option, let value):
      "the SAE in \(path) has \(option) \(value), which this program cannot train."
    case .doesNotFit(let path, let complaints):
      "with what the SAE in \(path) has, " + complaints.joined(separator: " ")
    case .notFinite(let path): "\(path) holds weights that are not finite."
    case .factors(let path, let tensor):
      "\(path) holds factors of latents (\(tensor)), but its cfg.json says that there are none."
    }
  }

  package var hint: String? {
    switch self {
    case .missing: "Give a folder with cfg.json and sae_weights.safetensors."
    case .nothingThere:
      "Give a folder with cfg.json and sae_weights.safetensors (SAELens or this program), cfg.json and "
        + "sae.safetensors (sparsify), config.json and ae.pt (dictionary_learning), or params.npz "
        + "(Gemma Scope)."
    case .otherSize(_, let name, _, _):
      name == "d_sae"
        ? "Set train.d_sae to what the SAE has, and take the same hook point."
        : "Take the hook point that the SAE was trained on."
    case .notJSON: "Give a folder as SAELens or this program writes one."
    case .otherNormalization(_, let has, _): "Set train.normalize_activations to \(has)."
    case .whitened: "Start from the folder of the finished SAE, whose weights are folded."
    case .contradiction(_, let option, _, _):
      "Leave out train.\(option), and the SAE's is taken; or start from another SAE."
    case .unknown, .doesNotFit: nil
    case .notFinite: "Take a checkpoint from before the run diverged."
    case .factors: "Set finetuning_scaling_factor to true in cfg.json, if they belong to the SAE."
    }
  }
}
