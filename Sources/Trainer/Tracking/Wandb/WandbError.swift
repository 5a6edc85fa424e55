// What keeps a run from being logged to W&B, said before training starts: as data here, in words once.

package import Shared

/// Why logging to W&B cannot begin.
package enum WandbError: Failure, Equatable {
  case badAddress(String)
  case badMode(String)
  case badResume(String)
  case badName(option: String, String)
  case notAKey(String)
  case noKey(host: String, netrc: String)
  /// The server does not know the key, which came from `place`.
  case refused(address: String, place: String, status: Int)

  package var sentence: String {
    switch self {
    case .badAddress(let text):
      "WANDB_BASE_URL is \"\(text)\", which is no address of http or https."
    case .badMode(let text):
      "WANDB_MODE is \"\(text)\", but it may be online, offline or disabled."
    case .badResume(let text):
      "WANDB_RESUME is \"\(text)\", but it may be allow, must, never or auto."
    case .badName(let option, let text):
      "\(option) is \"\(text)\", which W&B does not take as a name."
    case .notAKey(let place): "What \(place) holds is no API key of W&B."
    case .noKey(let host, let netrc):
      "There is no API key for \(host): WANDB_API_KEY is not set, and \(netrc) has none."
    case .refused(let address, let place, let status):
      "\(address) does not accept the API key from \(place) (status \(status))."
    }
  }

  package var hint: String? {
    switch self {
    case .badAddress: "Give it as https://wandb.example.org, or unset it for https://api.wandb.ai."
    case .badMode, .badResume: nil
    case .badName:
      "Names of projects and ids of runs have none of / \\ # ? % : and at most 128 characters."
    case .notAKey, .noKey, .refused:
      "Set WANDB_API_KEY, or WANDB_MODE=offline to log to a folder, or logger.log_to_wandb to false."
    }
  }

  package var exitCode: ExitCode { .wrongInput }
}
