// What keeps something from going to the Hub, beside what goes wrong between this machine and it.

/// Why nothing, or not all, was uploaded.
package enum UploadError: Failure, Equatable {
  case noToken(id: String)
  case offline(id: String, variable: String)
  case readOnly(id: String)
  case notABranch(id: String, revision: String)
  case notAPath(String)
  case ignored(id: String, path: String)
  case takenName(id: String)
  case badAnswer(String, what: String)
  case storage(path: String, message: String)

  package var sentence: String {
    switch self {
    case .noToken(let id): "To upload to \(id) the Hub wants a token, and none is set."
    case .offline(let id, let variable):
      "Nothing can be uploaded to \(id): \(variable) forbids the network."
    case .readOnly(let id):
      "To upload to \(id) takes a token that may write; the one that is set may only read."
    case .notABranch(let id, let revision):
      "\(revision) of \(id) is a commit, and files are uploaded to branches."
    case .notAPath(let path): "“\(path)” cannot be a path in a repository."
    case .ignored(let id, let path): "The .gitignore of \(id) keeps \(path) out."
    case .takenName(let id): "\(id) exists, and the token may not see it."
    case .badAnswer(let place, let what): "\(place) does not answer as the Hub does: \(what)."
    case .storage(let path, let message): "The Hub does not take \(path): \(message)."
    }
  }

  package var hint: String? {
    switch self {
    case .noToken, .readOnly:
      "Make one of the kind Write at https://huggingface.co/settings/tokens, and set HF_TOKEN to it."
    case .offline(_, let variable): "Unset \(variable), or leave out the repository."
    case .notABranch: "Give the name of a branch; one that is not there is made."
    case .notAPath: "Give names separated by slashes, without .. and none at the ends."
    case .ignored: "Change that .gitignore, or name another repository."
    case .takenName: "Give the token the right to write to it, or name another repository."
    case .badAnswer: "Check HF_ENDPOINT, and run the same command again."
    case .storage: "Run the same command again; what has arrived is not sent again."
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .badAnswer, .storage: .failed
    default: .wrongInput
    }
  }
}
