// What every error of the programs must be able to say: what is wrong and where, and what to do
// about it. Domains declare closed enums of facts and conform; the words are made there, once.

/// How a program ends; documented in the README.
package enum ExitCode: Int32, Sendable {
  case done = 0
  case failed = 1
  case wrongInput = 2
  case interrupted = 130
}

/// An error that a person can act on.
package protocol Failure: Error, CustomStringConvertible {
  /// One sentence: what is wrong, and in which file, key or byte.
  var sentence: String { get }
  /// What to do about it, where there is something to do.
  var hint: String? { get }
  /// The code a program ends with when nothing catches this error.
  var exitCode: ExitCode { get }
}

extension Failure {
  package var hint: String? { nil }
  package var exitCode: ExitCode { .wrongInput }
  package var description: String { sentence }
}

/// A run that was asked to stop and left resumable state behind.
package struct Interrupted: Failure {
  package let sentence: String
  package let hint: String?
  package var exitCode: ExitCode { .interrupted }

  package init(_ sentence: String, hint: String?) {
    self.sentence = sentence
    self.hint = hint
  }

  /// Stops work on shards where somebody asks the program to stop.
  package static func checkBetweenShards() throws(Interrupted) {
    guard System.isInterrupted else { return }
    throw Interrupted(
      "Interrupted; finished shards are kept.", hint: "Run the same command again to continue.")
  }
}
