// How sequences are cut into activation shards. A function of settings, model width and context
// alone, so that all hook points of a model have the same cut and can be made in one pass.

package import Shared

/// The cut of an activation stage.
package struct ShardPlan: Sendable, Equatable {
  package let contextSize: Int
  package let sequenceCount: Int
  package let sequencesPerShard: Int

  /// Cuts as SAELens does: a buffer of `buffer_size_gb` at the model's width, in whole batches.
  ///
  /// A hook point wider than the model makes its shards proportionally larger. Where fewer
  /// sequences are `available` than `training_tokens` need, all of them are taken.
  package init(
    _ settings: CacheSettings, modelWidth: Int, contextSize: Int, available: Int? = nil
  ) {
    self.contextSize = contextSize
    let rowByteCount = settings.dtype.tensorType.rowByteCount(modelWidth)
    let batch = settings.modelBatchSize * contextSize
    let rows = Int(settings.bufferSizeGB * 1e9 / Double(rowByteCount)) / batch * batch
    sequencesPerShard = max(rows, batch) / contextSize
    let needed = (settings.trainingTokens + contextSize - 1) / contextSize
    sequenceCount = min(needed, available ?? needed)
  }

  package var shardCount: Int { (sequenceCount + sequencesPerShard - 1) / sequencesPerShard }
  package var rowCount: Int { sequenceCount * contextSize }

  /// The sequences of a shard.
  package func sequences(_ shard: Int) -> Range<Int> {
    let first = shard * sequencesPerShard
    return first..<min(first + sequencesPerShard, sequenceCount)
  }

  package func rows(_ shard: Int) -> Int { sequences(shard).count * contextSize }
}

extension StorageType {
  /// How numbers of this type stand in a shard.
  package var tensorType: TensorType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .int8: .int8
    }
  }
}
