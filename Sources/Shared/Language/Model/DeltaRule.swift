// The gated delta rule, which layers may have in the place of attention: each head keeps a state that
// a token decays, corrects towards its value and reads (Yang, Kautz, Hatamizadeh 2024). Comes in from
// a family's description; leaves to the weights and the pass.

/// The sizes and tensors of layers with a gated delta rule.
package struct DeltaRule: Sendable, Equatable {
  /// Heads of queries and keys, and of values, several of which may share one of the former.
  package var keyHeadCount: Int
  package var valueHeadCount: Int
  package var keyHeadWidth: Int
  package var valueHeadWidth: Int
  /// Tokens that a convolution over time takes together.
  package var kernelWidth: Int
  /// What stands before the names of its tensors.
  package var module: String

  /// Columns of queries or of keys.
  var keyWidth: Int { keyHeadCount * keyHeadWidth }
  var valueWidth: Int { valueHeadCount * valueHeadWidth }
  /// Columns that go through the convolution: queries, keys, values.
  var convolvedWidth: Int { 2 * keyWidth + valueWidth }
  /// Columns of all projections into a layer: those, the gate of the output, and a rate of
  /// correction and one of decay per head.
  var inputWidth: Int { convolvedWidth + valueWidth + 2 * valueHeadCount }

  func operationsPerToken(width: Int) -> Double {
    let weights = width * (inputWidth + valueWidth) + convolvedWidth * kernelWidth
    return 2 * Double(weights) + 8 * Double(valueWidth * keyHeadWidth)
  }
}
