// Several things that a program lacks, in one error. Comes in: what stands against each of its inputs.
// Leaves: all of it in the order given, so that one run is enough to learn it.

/// Inputs that are missing together.
package struct MissingInputs: Failure {
  private let failures: [any Failure]

  /// The error of some problems, of which there is at least one: itself, or all of them together.
  package static func error(_ problems: [(any Error)?]) -> any Error {
    let problems = problems.compactMap(\.self)
    let failures = problems.compactMap { $0 as? any Failure }
    let parts = distinct(failures.flatMap(parts))
    if parts.count > 1, failures.count == problems.count {
      return MissingInputs(failures: parts)
    }
    precondition(!problems.isEmpty, "nothing is missing")
    return (problems[0] as? MissingInput)?.failure ?? problems[0]
  }

  /// The errors that stand together in one, or the one itself.
  package static func parts(_ error: any Failure) -> [any Failure] {
    (error as? MissingInputs)?.failures ?? [error]
  }

  private static func distinct(_ failures: [any Failure]) -> [any Failure] {
    var said: Set<String> = []
    return failures.filter { said.insert($0.sentence).inserted }
  }

  package var sentence: String { failures.map(\.sentence).joined(separator: " ") }

  /// What is to be done about all of them; names that lack files share a sentence.
  package var hint: String? {
    let missing = failures.compactMap { $0 as? MissingInput }
    let options = missing.map(\.name.option)
    // What the Hub was asked for has a remedy of its own.
    if missing.contains(where: \.isSought) { return joined(failures.compactMap(\.hint)) }
    guard let last = options.last, options.count > 1 else {
      return joined(failures.compactMap(\.hint))
    }
    let shared =
      "Give files of this machine or names on the Hugging Face Hub (owner/name) as "
      + "\(options.dropLast().joined(separator: ", ")) and \(last)."
    return joined([shared] + failures.filter { !($0 is MissingInput) }.compactMap(\.hint))
  }

  private func joined(_ hints: [String]) -> String? {
    hints.isEmpty ? nil : hints.joined(separator: " ")
  }
}
