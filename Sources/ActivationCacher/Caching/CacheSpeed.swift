// How fast this machine makes activations: passes of the model, and what is done with their rows. Comes in: a
// model and the hook points. Leaves: seconds per token and bytes per second, all measured.

import Shared

/// The speed of this machine at a cache.
package struct CacheSpeed: Sendable, Equatable {
  /// Of the model's passes.
  package let secondsPerToken: Double
  /// Bytes of shards per second that are put in order, added up, hashed and written.
  package let shardBytesPerSecond: Double

  package init(secondsPerToken: Double, shardBytesPerSecond: Double) {
    self.secondsPerToken = secondsPerToken
    self.shardBytesPerSecond = shardBytesPerSecond
  }

  /// Measures a model that is here; a second or two.
  static func measure(
    _ settings: CacheSettings, folder: String, model: ModelDescription, hookPoints: [HookPoint],
    plan: ShardPlan
  ) throws -> CacheSpeed {
    let batch = ShardMaker.batch(plan, settings, model, hookPoints)
    let width = hookPoints.first?.width(in: model, contextSize: plan.contextSize) ?? 1
    return CacheSpeed(
      secondsPerToken: try PassTrial.secondsPerToken(
        folder, hookPoints, processing: settings.weightProcessing, factors: settings.factors,
        contextSize: plan.contextSize, batch: batch),
      shardBytesPerSecond: shardSpeed(width, settings.dtype.tensorType, plan.contextSize))
  }

  /// Puts drawn rows into a shard, adds them up and hashes as many bytes as it has; nothing is written.
  private static func shardSpeed(_ width: Int, _ type: TensorType, _ context: Int) -> Double {
    let rows = max(256, min(16_384, (8 << 20) / (4 * width)))
    let random = Random(seed: 1, stream: "trial")
    let values = (0..<rows * width).map { Float($0 % 1021) - 510 }
    let places = random.permutation(rows)
    let numbers = (0..<UInt32(rows)).map { $0 % UInt32(context) }
    let start = System.uptime
    var builder = ActivationShardBuilder(
      rows: rows, dIn: width, type: type, vocabularySize: context, contextSize: context)
    builder.put(
      values.span, stride: width, at: places.span, tokens: numbers.span, sequences: numbers.span,
      positions: numbers.span)
    _ = builder.statistics()
    let byteCount = rows * type.rowByteCount(width)
    var digest = Digest()
    for first in stride(from: 0, to: byteCount, by: 4 * values.count) {
      digest.update(values.span.raw.extracting(0..<min(4 * values.count, byteCount - first)))
    }
    _ = digest.finish()
    return Double(byteCount) / max(System.uptime - start, 1e-9)
  }
}
