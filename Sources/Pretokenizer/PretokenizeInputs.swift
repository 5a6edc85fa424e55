// What the stage reads, found before anything else. Comes in: settings. Leaves: the files of tokenizer
// and text, or everything of it that is missing.

package import Shared

/// The inputs of the stage.
package struct PretokenizeInputs: Sendable {
  /// The file of the tokenizer that the others lie beside.
  package let tokenizer: String
  package let text: DataSet

  package static func find(_ settings: PretokenizeSettings) throws -> PretokenizeInputs {
    let tokenizer = InputResolver.tokenizer(settings)
    let text = InputResolver.text(settings)
    guard let file = tokenizer.value, let found = text.value else {
      throw MissingInputs.error([tokenizer.problem, text.problem])
    }
    return PretokenizeInputs(tokenizer: file, text: found)
  }

  /// The names whose files are not on this machine.
  package static func missing(_ settings: PretokenizeSettings) -> [MissingInput] {
    var missing: [MissingInput] = []
    if case .missing(let tokenizer) = InputResolver.tokenizer(settings) {
      missing.append(tokenizer)
    }
    if case .missing(let text) = InputResolver.text(settings) { missing.append(text) }
    return missing
  }
}
