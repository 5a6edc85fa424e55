// Where rows are read from, in any order: the shards of a cache, in a transcoder beside those of its
// targets. Comes in: paths. Leaves: single rows as Float, each proven to be finite and to lie beside
// the target that belongs to it.

package import Shared

/// Why rows cannot be read.
package enum RowError: Failure, Equatable {
  case notFinite(path: String, row: Int)
  case otherRows(path: String, target: String)
  case replaced(path: String)

  package var sentence: String {
    switch self {
    case .notFinite(let path, let row): "\(path), row \(row): not finite, NaN or infinity."
    case .otherRows(let path, let target): "\(target) does not hold the rows of \(path)."
    case .replaced(let path): "\(path) was replaced by another file during the run."
    }
  }

  package var hint: String? {
    switch self {
    case .notFinite:
      "Cache the activations again in bfloat16 or float32, or look at the model's weights."
    case .otherRows: "Cache both hook points in one run, as cache.hook_names."
    case .replaced:
      "Run saeline-cache with --verify, which makes again what is damaged, then this command."
    }
  }
}

/// The shards of a cache, and those of a transcoder's targets with as many rows each.
package struct PairedShards: Sendable {
  package let shards: [CachedShard]
  package let dIn: Int
  /// Empty where there are none.
  package let targets: [CachedShard]
  /// Width of the targets; 0 where there are none.
  package let dOut: Int
  /// Where shards come from that are not there; nil of a finished cache.
  let supply: ShardSupply?
  /// Of the caches, those that have a manifest.
  private let checks: [ShardCheck]

  package init(
    shards: [CachedShard], dIn: Int, targets: [CachedShard] = [], dOut: Int = 0,
    supply: ShardSupply? = nil, checks: [ShardCheck] = []
  ) {
    self.checks = checks
    self.supply = supply
    self.shards = shards
    self.dIn = dIn
    self.targets = targets
    self.dOut = dOut
  }

  package init(_ source: TrainingSource, targets: TrainingSource? = nil) {
    self.init(
      shards: source.shards, dIn: source.facts.dIn, targets: targets?.shards ?? [],
      dOut: targets?.facts.dIn ?? 0, supply: source.supply,
      checks: [source.shardCheck, targets?.shardCheck].compactMap(\.self))
  }

  /// Throws where a file is not the one that its manifest lists.
  fileprivate func check(_ path: String) throws {
    for check in checks { try check.check(path) }
  }

  package var isPaired: Bool { !targets.isEmpty }

  /// The shard after those in which `count` rows should lie, from shard `start` on, if `share` of all rows count.
  package func end(of count: Int, from start: Int = 0, share: Double) -> Int {
    var (end, left) = (start, Double(count))
    while end < shards.count, left > 0 {
      left -= Double(shards[end].rows) * share
      end += 1
    }
    return end
  }
}

/// An open shard with that of its targets; to be used by one thread at a time.
final class PairedShard {
  let shard: ActivationReader
  private let targets: ActivationReader?

  /// Opens shard `index`, which must be the file that `seen` knows from before.
  init(_ places: PairedShards, _ index: Int, _ seen: inout [String: UInt64]) throws {
    // A shard of a stream may be another file each time, of the same bytes.
    if places.supply != nil { seen = [:] }
    shard = try PairedShard.open(places.shards[index], dIn: places.dIn, places, &seen)
    guard places.isPaired else {
      targets = nil
      return
    }
    let targets = try PairedShard.open(
      places.targets[index], dIn: places.dOut, places, &seen)
    self.targets = targets
    guard try targets.sequences() == shard.sequences(),
      try targets.positions() == shard.positions()
    else { throw RowError.otherRows(path: shard.path, target: targets.path) }
  }

  private static func open(
    _ file: CachedShard, dIn: Int, _ places: PairedShards, _ seen: inout [String: UInt64]
  ) throws -> ActivationReader {
    try places.check(file.path)
    let shard = try ActivationReader.open(file.path)
    guard seen.updateValue(shard.inode, forKey: file.path) ?? shard.inode == shard.inode,
      shard.rows == file.rows, shard.dIn == dIn
    else { throw RowError.replaced(path: file.path) }
    return shard
  }

  /// Sets for how many rows reading pays to read ahead.
  func expect(_ count: Int) {
    shard.expect(count)
    targets?.expect(count)
  }

  /// Reads row `index` `[dIn]`, and its target `[dOut]`.
  func read(
    _ index: Int, into row: inout MutableSpan<Float>, _ target: inout MutableSpan<Float>
  ) throws {
    try PairedShard.read(shard, index, into: &row)
    if let targets { try PairedShard.read(targets, index, into: &target) }
  }

  private static func read(
    _ shard: ActivationReader, _ row: Int, into values: inout MutableSpan<Float>
  ) throws {
    try shard.readRow(row, into: &values)
    // Squares may overflow where the values themselves do not.
    guard Vector.dot(values.span, values.span).isFinite || values.span.isFinite else {
      throw RowError.notFinite(path: shard.path, row: row)
    }
  }
}

extension Span<Float> {
  /// Whether every value is a number.
  var isFinite: Bool {
    for index in indices where !self[index].isFinite { return false }
    return true
  }
}
