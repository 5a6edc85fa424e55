// The verbs that every program has. Most print texts about the program itself and need no pipeline file.

package enum CommonVerb: String, CaseIterable, Sendable {
  case help
  case completion
  case manual
  case sbatch
  case stage

  package static var described: [Verb] { allCases.map(\.verb) }

  private var verb: Verb {
    switch self {
    case .help:
      Verb(
        rawValue, "Explain a section, an option, a flag or a verb.", operands: ["[TOPIC]"],
        input: .flags)
    case .completion:
      Verb(
        rawValue, "Print completions for \(Spelling.alternatives(Shell.names)).",
        operands: ["SHELL"], input: .flags)
    case .manual:
      Verb(rawValue, "Print the page for man.", input: .flags, isShown: false)
    case .sbatch:
      Verb(rawValue, "Print the script of the stage's jobs for Slurm.", isShown: false)
    case .stage:
      Verb(rawValue, "Print how far the stage is, and who works on it.", isShown: false)
    }
  }
}

/// A shell that completions are written for.
package enum Shell: String, CaseIterable, Sendable {
  case bash
  case zsh
  case fish

  package static var names: [String] { allCases.map(\.rawValue) }
}
