// How sequences are cut into activation shards. A function of settings, model width and context
// alone, so that all hook points of a model have the same cut and can be made in one pass.

package import Shared

/// The cut of an activation stage.
package struct ShardPlan: Sendable, Equatable {
  package let contextSize: Int
  /// The positions of a sequence that are kept.
  package let positions: [Int]
  package let sequenceCount: Int
  package let sequencesPerShard: Int

  /// Cuts as SAELens does: a buffer of `buffer_size_gb` at the model's width, in whole batches.
  ///
  /// A hook point wider than the model makes its shards proportionally larger. Where fewer
  /// sequences are `available` than `training_tokens` need, all of them are taken. Tokens that are
  /// left out count as if they were kept. However large buffer and batch are, a shard's tokens and
  /// rows can be numbered.
  package init(
    _ settings: CacheSettings, modelWidth: Int, contextSize: Int, available: Int? = nil
  ) {
    self.contextSize = contextSize
    positions = settings.seqposSlice.positions(contextSize: contextSize)
    let kept = max(1, positions.count)
    let limit = max(1, ActivationShardBuilder.rowLimit / contextSize)
    let batch = min(settings.modelBatchSize, limit)
    let rowByteCount = settings.dtype.tensorType.rowByteCount(modelWidth)
    let rows = settings.bufferSizeGB * 1e9 / Double(rowByteCount)
    let fitting = Int(min(rows, Double(limit * kept))) / (batch * kept) * batch
    sequencesPerShard = max(fitting, batch)
    let needed = (settings.trainingTokens + kept - 1) / kept
    sequenceCount = min(needed, available ?? needed)
  }

  package var shardCount: Int { (sequenceCount + sequencesPerShard - 1) / sequencesPerShard }
  /// Rows of all shards, those of tokens that are left out among them.
  package var rowCount: Int { sequenceCount * positions.count }

  /// The sequences of a shard.
  package func sequences(_ shard: Int) -> Range<Int> {
    let first = shard * sequencesPerShard
    return first..<min(first + sequencesPerShard, sequenceCount)
  }

  package func rows(_ shard: Int) -> Int { sequences(shard).count * positions.count }
}
