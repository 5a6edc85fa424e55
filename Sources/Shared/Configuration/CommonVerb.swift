// The verbs that every program has. Most print texts about the program itself and need no pipeline file.

package enum CommonVerb: String, CaseIterable, Sendable {
  case help
  case completion
  case manual
  case sbatch
  case stage
  case list = "ls"
  case info
  case verify
  case collect = "gc"
  case copy

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
    case .list:
      Verb(
        rawValue, "List what a store holds; also: info, verify, gc, copy.",
        operands: ["[STORE|FILE]"], input: .flags)
    case .info:
      Verb(
        rawValue, "Tell what a folder of a store is, what it comes from and what depends on it.",
        operands: ["FOLDER"], input: .flags, isShown: false)
    case .verify:
      Verb(
        rawValue, "Compare all files of folders or of a store with their hashes.",
        operands: ["[FOLDER…]"], input: .flags, isShown: false)
    case .collect:
      Verb(
        rawValue, "Tell what in a store nothing needs any more; with --delete, delete it.",
        operands: ["[STORE|FILE…]"], flags: StoreFlag.ofCollect, input: .flags, isShown: false)
    case .copy:
      Verb(
        rawValue, "Copy a folder into another store, checked; goes on where it was stopped.",
        operands: ["FOLDER", "STORE"], flags: [StoreFlag.lineage], input: .flags, isShown: false)
    }
  }
}

/// The flags of the verbs that look after a store.
package enum StoreFlag {
  package static let delete = VerbFlag("--delete", "Delete it; without, it is only listed.")
  package static let checkpoints = VerbFlag(
    "--checkpoints", "Also the checkpoints that n_checkpoints asked for, of finished runs.")
  package static let unused = VerbFlag(
    "--unused", "Also tokens and activations that neither a run nor a FILE needs.")
  package static let days = VerbFlag(
    "--days", value: "N", "Leave what was in use within so many days; 7 if not given.")
  package static let lineage = VerbFlag(
    "--lineage", "Also what it was made from, as far as the store has it.")

  static let ofCollect = [delete, checkpoints, unused, days]
}

/// A shell that completions are written for.
package enum Shell: String, CaseIterable, Sendable {
  case bash
  case zsh
  case fish

  package static var names: [String] { allCases.map(\.rawValue) }
}
