// What the section `train` says of how rows were packed, compared before rows are packed. Comes in: a
// pipeline and what its text holds. Leaves: nothing, or an error with all that differs.

import Shared

/// Options of the section `train` that say otherwise than those of the section `pretokenize`.
package struct PackingContradictions: Failure, Equatable {
  private let complaints: [String]

  package var sentence: String { complaints.joined(separator: " ") }
  package var hint: String? {
    "Leave the option of the section train out, or let both say one thing."
  }

  /// Refuses what training would refuse; rows of ids are taken as they are, so nothing is known of them.
  static func check(
    _ pipeline: Pipeline, _ content: ColumnContent
  ) throws(PackingContradictions) {
    guard content == .text else { return }
    let (settings, train) = (pipeline.pretokenize, pipeline.train)
    var found: [String] = []
    func compare(_ name: String, _ given: JSON?, _ owner: String, _ actual: JSON, agrees: Bool) {
      guard let given, !agrees else { return }
      found.append(
        "train.\(name) is \(given.canonical), but pretokenize.\(owner) is \(actual.canonical).")
    }
    // Of rows that begin with another token than bos nothing is said.
    if let given = train.prependBos, [.bos, nil].contains(settings.beginBatchToken) {
      compare(
        "prepend_bos", given.json, "begin_batch_token", settings.beginBatchToken.json,
        agrees: given == (settings.beginBatchToken == .bos))
    }
    compare(
      "disable_concat_sequences", train.disableConcatSequences?.json, "disable_concat_sequences",
      settings.disableConcatSequences.json,
      agrees: train.disableConcatSequences == settings.disableConcatSequences)
    if case .stated(let given) = train.sequenceSeparatorToken, !settings.disableConcatSequences {
      compare(
        "sequence_separator_token", given.json, "sequence_separator_token",
        settings.sequenceSeparatorToken.json, agrees: given == settings.sequenceSeparatorToken)
    }
    if !found.isEmpty { throw PackingContradictions(complaints: found) }
  }
}
