// What the stage reads, found before anything else. Comes in: settings. Leaves: the files of tokenizer
// and text, or everything of it that is missing.

package import Shared

/// The inputs of the stage.
package struct PretokenizeInputs: Sendable {
  /// The file of the tokenizer that the others lie beside; nil where rows of ids have none.
  package let tokenizer: String?
  package let text: DataSet

  package static func find(
    _ settings: PretokenizeSettings, through door: (any HubDoor)? = nil
  ) throws -> PretokenizeInputs {
    try find(
      settings, text: InputResolver.text(settings, through: door),
      tokenizer: InputResolver.tokenizer(settings, through: door))
  }

  /// The inputs among names that have been looked for.
  static func find(
    _ settings: PretokenizeSettings, text: Resolved<DataSet>, tokenizer: Resolved<String?>
  ) throws -> PretokenizeInputs {
    let tokenizer = try needed(tokenizer, settings, text.value)
    guard let file = tokenizer.value, let found = text.value else {
      throw MissingInputs.error([tokenizer.problem, text.problem])
    }
    return PretokenizeInputs(tokenizer: file, text: found)
  }

  /// The tokenizer, which a text of ids does without where none is named or the usual one is not here.
  private static func needed(
    _ found: Resolved<String?>, _ settings: PretokenizeSettings, _ text: DataSet?
  ) throws -> Resolved<String?> {
    let isMissing = if case .missing = found { true } else { false }
    guard settings.tokenizerName == nil || isMissing, let text else { return found }
    let column = try ReadingRules(settings, text).column
    if settings.tokenizerName == nil, column.content == .text {
      return .refused(NoTokenizer(column: column.name))
    }
    let isUsual = settings.tokenizerName == PretokenizeSettings.usualTokenizer
    return isUsual && column.content == .tokens ? .here(nil) : found
  }

  /// The names whose files are not on this machine.
  package static func missing(
    _ settings: PretokenizeSettings, through door: (any HubDoor)? = nil
  ) -> [MissingInput] {
    missing(
      settings, text: InputResolver.text(settings, through: door),
      tokenizer: InputResolver.tokenizer(settings, through: door))
  }

  /// Those among names that have been looked for.
  static func missing(
    _ settings: PretokenizeSettings, text: Resolved<DataSet>, tokenizer: Resolved<String?>
  ) -> [MissingInput] {
    var missing: [MissingInput] = []
    if case .missing(let tokenizer)? = try? needed(tokenizer, settings, text.value) {
      missing.append(tokenizer)
    }
    if case .missing(let text) = text { missing.append(text) }
    return missing
  }
}

/// Text, and no tokenizer for it.
package struct NoTokenizer: Failure, Equatable {
  package let column: String

  package init(column: String) { self.column = column }

  package var sentence: String {
    "pretokenize.tokenizer_name is null, but “\(column)” holds text: only token ids need no tokenizer."
  }
  package var hint: String? {
    "Set pretokenize.tokenizer_name, or pretokenize.column_name to a field with lists of token ids."
  }
}
