// What can go wrong with the Hub, in words for the person who named a repository. No sentence holds a
// token or the query of an address.

/// A failure of the Hub, of the way to it, or of what was asked for.
package enum HubError: Failure {
  case badEndpoint(String)
  case notSeconds(String, String)
  case notAToken(String)
  case unreadableToken(SystemError)
  case notAName(HubRepository.Kind, String)
  case notARevision(String)
  case noRepository(HubRepository, isLoggedIn: Bool)
  case noRevision(HubRepository)
  case gated(HubRepository, page: String, isLoggedIn: Bool)
  case disabled(HubRepository)
  case noFile(HubRepository, String)
  case badToken
  case forbidden(String, String?)
  case unreachable(String, String)
  case cutOff(String, String)
  case untrusted(String, String)
  case refused(String, Int, String?)
  case redirected(String, String)
  case listing(HubRepository, String)
  case wrongContent(String, String)
  case changed(String)
  case offline(HubRepository, String)
  case offlineFile(HubRepository, String, String)

  package var sentence: String {
    switch self {
    case .badEndpoint(let text): "HF_ENDPOINT is “\(text)”, which is no address of the web."
    case .notSeconds(let name, let text): "\(name) is “\(text)”, which is no number of seconds."
    case .notAToken(let place): "\(place) holds something that cannot be a token."
    case .unreadableToken(let error): error.sentence
    case .notAName(let kind, let id):
      "“\(id)” cannot be the name of a \(kind == .dataset ? "data set" : "model") on the Hub."
    case .notARevision(let text): "“\(text)” cannot be a revision on the Hub."
    case .noRepository(let repository, let isLoggedIn):
      "\(repository.words) does not exist on the Hub, or is private\(isLoggedIn ? " to others" : "")."
    case .noRevision(let repository):
      "\(repository.words) has no revision “\(repository.revision)”."
    case .gated(let repository, _, _):
      "\(repository.words) is gated: its owner wants conditions to be accepted first."
    case .disabled(let repository): "\(repository.words) has been disabled by the Hub."
    case .noFile(let repository, let path): "\(repository.words) has no file \(path)."
    case .badToken: "The Hub does not accept the token."
    case .forbidden(let address, let message): "The token does not allow \(address)" + said(message)
    case .unreachable(let place, let reason): "\(place) cannot be reached: \(reason)."
    case .cutOff(let place, let reason):
      "The connection to \(place) broke off each time: \(reason)."
    case .untrusted(let place, let reason): "\(place) cannot be trusted: \(reason)."
    case .refused(let address, let status, let message):
      "\(address) was answered with status \(status)" + said(message)
    case .redirected(let address, let why): "\(address) leads on and on: \(why)."
    case .listing(let repository, let what):
      "The Hub's list of the files of \(repository.id) is refused: \(what)."
    case .wrongContent(let path, let what): "\(path) arrived wrong each time: \(what)."
    case .changed(let path): "\(path) changed on the server while it was read."
    case .offline(let repository, let variable):
      "\(repository.words) is not in the cache at revision “\(repository.revision)”, and \(variable) forbids the network."
    case .offlineFile(let repository, let path, let reason):
      "\(path) of \(repository.id) is not in the cache, and \(reason)."
    }
  }

  /// What a server said besides, as the end of a sentence.
  private func said(_ message: String?) -> String { message.map { ": \($0)." } ?? "." }

  package var hint: String? {
    switch self {
    case .badEndpoint: "Begin it with https:// or http://, or unset it."
    case .notSeconds: "Give a whole number, or unset it."
    case .notAToken: "Copy the token again from https://huggingface.co/settings/tokens."
    case .unreadableToken(let error): error.hint
    case .notAName: "Names are owner/name of letters, digits and single - _ . between them."
    case .notARevision: "Give a branch, a tag or a commit."
    case .noRepository(_, let isLoggedIn):
      isLoggedIn
        ? "Check the name, and that the token may read it."
        : "Check the name; for a private one set HF_TOKEN to a token that may read it."
    case .noRevision: "Give a branch, a tag or a commit that it has."
    case .gated(_, let page, let isLoggedIn):
      "Accept the conditions at \(page)"
        + (isLoggedIn ? " with the account of the token." : ", and set HF_TOKEN.")
    case .disabled: nil
    case .noFile: "Check the path and the revision."
    case .badToken: "Set HF_TOKEN to one of https://huggingface.co/settings/tokens that is valid."
    case .forbidden: "Set HF_TOKEN to a token with that right."
    case .unreachable, .cutOff:
      "Check the network, and HTTPS_PROXY and HF_ENDPOINT where they are set."
    case .untrusted:
      "Set REQUESTS_CA_BUNDLE to the certificates of your network, if it has its own."
    case .refused(_, 429, _): "Wait some minutes; with HF_TOKEN set the Hub allows more."
    case .refused(_, 500..., _): "Try again later."
    case .refused, .redirected, .listing: nil
    case .wrongContent: "Run the same command again; nothing of it was kept."
    case .changed: "Run the same command again."
    case .offline(_, let variable): "Unset \(variable) once to download it."
    case .offlineFile: "Run it once with the network to download it."
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .unreachable, .cutOff, .untrusted, .refused, .redirected, .wrongContent, .changed: .failed
    default: .wrongInput
    }
  }
}
