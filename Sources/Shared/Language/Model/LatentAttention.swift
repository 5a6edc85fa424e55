// Multi-head latent attention: keys and values of all heads are made of one narrow vector of a token,
// and a part of each key, the one that is rotated, is the same for all heads (DeepSeek-V2, 2024). Comes
// in from a family's description; leaves to the weights, the pass and the hooks.

/// The sizes and tensors of latent attention.
package struct LatentAttention: Sendable, Equatable {
  /// The width of the vector that queries are made of; nil where they are made of the whole row.
  package var queryRank: Int?
  /// The width of the vector that keys and values are made of.
  package var rank: Int
  /// The elements of a head's query and key that stay as they are, those after them that are rotated,
  /// and those of a value.
  package var plainWidth: Int
  package var rotatedWidth: Int
  package var valueWidth: Int
  /// Whether the projections into narrow vectors have biases.
  package var hasBiases = false

  package var query = "self_attn.q_proj"
  package var queryInto = "self_attn.q_a_proj"
  package var queryNorm = "self_attn.q_a_layernorm"
  package var queryFrom = "self_attn.q_b_proj"
  package var keyValueInto = "self_attn.kv_a_proj_with_mqa"
  package var keyValueNorm = "self_attn.kv_a_layernorm"
  package var keyValueFrom = "self_attn.kv_b_proj"

  /// That of the two norms, whatever the model's is.
  static let normEpsilon: Float = 1e-6

  package var headWidth: Int { plainWidth + rotatedWidth }
  /// Columns of the narrow vector and the rotated part of keys side by side.
  var compressedWidth: Int { rank + rotatedWidth }
  /// Columns of a head's plain part of a key and its value side by side.
  var expandedWidth: Int { plainWidth + valueWidth }

  /// The weights from a row of some width to queries, keys and values.
  func weights(width: Int, heads: Int) -> Int {
    let queries = heads * headWidth
    let toQueries = queryRank.map { $0 * (width + queries) } ?? width * queries
    return toQueries + width * compressedWidth + rank * heads * expandedWidth
  }
}
