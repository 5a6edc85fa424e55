// What the Hugging Face Hub allows as the name of a repository. Comes in: a text. Leaves: whether it can be one.

/// Rules for names of repositories, as huggingface_hub's `validate_repo_id` has them.
package enum RepositoryRules {
  private static let longestName = 96

  /// Whether a text can be `owner/name`, or the name alone of the oldest repositories.
  package static func isName(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count <= 2 && name.utf8.count <= longestName && !name.hasSuffix(".git")
      && parts.allSatisfy(isPart)
  }

  /// Whether a text can be an owner or a name without one.
  package static func isPart(_ part: some StringProtocol) -> Bool {
    guard let first = part.first, let last = part.last else { return false }
    return !"-.".contains(first) && !"-.".contains(last) && part.utf8.count <= longestName
      && !part.contains("--") && !part.contains("..") && part.utf8.allSatisfy(isAllowed)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
  }
}
