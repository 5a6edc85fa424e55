// What is said where people stop a program while a trained SAE is looked at.

import Shared

extension Interrupted {
  /// Ends the work where somebody asked for it; `what` is done with the trained SAE: "the loss was measured".
  static func check(while what: String) throws {
    guard System.isInterrupted else { return }
    throw Interrupted(
      "Stopped while \(what).",
      hint: "Run the same command again; training will not be repeated.")
  }
}
