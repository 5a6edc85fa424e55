// Special tokens that options ask for by their role and that the tokenizer does not have: they insert
// nothing, as with SAELens. Comes in: settings and tokenizer. Leaves: one sentence.

import Shared

/// What the options of packing ask for in vain.
struct MissingTokens {
  /// A sentence for people; nil where nothing is missing.
  let sentence: String?

  init(_ settings: PretokenizeSettings, _ tokenizer: Tokenizer) throws {
    let asked = [
      ("begin_batch_token", settings.beginBatchToken),
      ("begin_sequence_token", settings.beginSequenceToken),
      ("sequence_separator_token", settings.sequenceSeparatorToken),
    ]
    var roles: [String] = []
    var options: [String] = []
    for (option, choice) in asked {
      guard let choice, case .string(let role) = choice.json, try tokenizer.id(of: choice) == nil
      else { continue }
      options.append(option)
      if !roles.contains(role) { roles.append(role) }
    }
    guard !options.isEmpty else {
      sentence = nil
      return
    }
    sentence =
      "The tokenizer \(tokenizer.path) has no \(roles.joined(separator: " and no ")) token: "
      + "\(options.joined(separator: " and ")) \(options.count == 1 ? "inserts" : "insert") nothing."
  }
}
