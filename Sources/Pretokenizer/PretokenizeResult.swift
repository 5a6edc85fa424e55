// What comes of a run of the stage, and why none may come of it.

package import Shared

/// What came of a run.
package struct PretokenizeResult: Sendable, Equatable {
  package let folder: String
  package let fingerprint: String
  package let sequences: Int
  package let tokens: Int
  package let tokensPerSecond: Double
  package let didWork: Bool
  /// The repository that has the rows too, where one is set.
  package let page: String?

  package var json: JSON {
    var members: [String: JSON] = [
      "folder": .string(folder), "fingerprint": .string(fingerprint),
      "sequences": .integer(sequences), "tokens": .integer(tokens),
      "tokens_per_second": .number(tokensPerSecond), "did_work": .bool(didWork),
    ]
    members["uploaded_to"] = page.map { .string($0) }
    return .object(members)
  }
}

/// Text that fills no sequence.
package struct TooLittleText: Failure, Equatable {
  package let tokens: Int
  package let contextSize: Int
  package var sentence: String {
    "The text has \(tokens) tokens, which fill no sequence of \(contextSize)."
  }
  package var hint: String? {
    "Give more text, a smaller context_size, or set disable_concat_sequences to false."
  }
}
