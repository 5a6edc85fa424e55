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

  package var json: JSON {
    .object([
      "folder": .string(folder), "fingerprint": .string(fingerprint),
      "sequences": .integer(sequences), "tokens": .integer(tokens),
      "tokens_per_second": .number(tokensPerSecond), "did_work": .bool(didWork),
    ])
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
