// In how many sequences each latent is active. Comes in: the active latents of rows, sequence by sequence.
// Leaves: counts, and with the counts of rows SAELens's `consistent_activation_heuristic`.

import Shared

/// Counts of tokens and sequences; rows of a sequence come one after another.
package struct SequenceCounts: Sendable {
  /// The tokens on which each latent is active.
  private var tokens: [Int]
  /// The sequences in which it is.
  private var sequences: [Int]
  /// The last of them; −1 before the first.
  private var latest: [Int]

  package init(latentCount: Int) {
    tokens = Array(repeating: 0, count: latentCount)
    sequences = tokens
    latest = Array(repeating: -1, count: latentCount)
  }

  /// Bytes that the counts of so many latents take.
  static func byteCount(latentCount: Int) -> Int { 3 * 8 * latentCount }

  package mutating func add(sequence: Int, latents: Span<Int32>) {
    for index in latents.indices {
      let latent = Int(latents[index])
      tokens[latent] += 1
      guard latest[latent] != sequence else { continue }
      latest[latent] = sequence
      sequences[latent] += 1
    }
  }

  /// Tokens per sequence in which a latent is active; not a number where it never is.
  package var consistency: [Double] { zip(tokens, sequences).map { Double($0) / Double($1) } }
}
