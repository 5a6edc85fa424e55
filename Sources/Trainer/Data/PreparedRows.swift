// What must be read of a cache before the first step of a run: which rows its filter leaves, and the
// numbers that are taken from them. Comes in: the settings and the shards. Leaves: the stream of rows
// that training sees, in a form that runs of a sweep may share.
//
// Without a filter nothing is read here but what whitening needs: the manifest has the statistics of
// all rows. Held-out sequences alone are no reason to read them again, as they are drawn at random.

package import Shared

/// The rows of a cache that are trained on.
package struct TrainableRows: Sendable {
  package let filter: RowFilter
  /// How many there are in every shard.
  package let sizes: [Int]

  /// Counts them; with a filter that reads what the shards say of each row.
  package init(_ settings: TrainSettings, _ source: TrainingSource, store: Store) throws {
    let filter = try RowFilter.make(settings, source, store: store)
    try self.init(source, filter: filter, counts: filter.counts(source, store: store))
  }

  /// `counts` are the trained rows of every shard, where they are known.
  package init(_ source: TrainingSource, filter: RowFilter, counts: [Int]? = nil) throws {
    self.filter = filter
    sizes =
      if filter.isEmpty {
        source.shards.map(\.rows)
      } else if let counts {
        counts
      } else {
        try source.read(Array(source.shards.indices)) { try filter.rows(of: $0).count }
      }
    guard sizes.contains(where: { $0 > 0 }) else {
      throw TrainingSourceError.nothingToTrainOn(folder: source.folder)
    }
  }
}

/// The stream of rows that a run trains on.
package struct PreparedRows: Sendable {
  /// Rows that statistics are taken over, at most: those that come first in training.
  private static let sampledRows = 1 << 18

  package let filter: RowFilter
  package let order: RowOrder
  package let normalization: Normalization

  /// Takes what `normalize_activations` needs from the trainable rows of a cache.
  package init(_ trainable: TrainableRows, _ settings: TrainSettings, _ source: TrainingSource)
    throws
  {
    filter = trainable.filter
    order = RowOrder(seed: settings.seed, sizes: trainable.sizes)
    if let supply = source.supply {
      supply.expect(RowCursor(order: order).upcoming(supply.lookAhead, before: .max))
    }
    let sample = RowSample(
      LoaderPlan(PairedShards(source), order: order, filter: filter), rows: Self.sampledRows)
    normalization =
      switch settings.normalizeActivations {
      case .covarianceWhitening: Normalization(whitening: try sample.whitening())
      case .expectedAverageOnlyIn where !filter.leavesNothingOut:
        Normalization(
          settings.normalizeActivations, dIn: source.facts.dIn, meanNorm: try sample.meanNorm())
      default:
        try Normalization(
          settings.normalizeActivations, dIn: source.facts.dIn,
          meanNorm: settings.normalizeActivations == .expectedAverageOnlyIn
            ? source.statistics().meanNorm : source.facts.meanNorm)
      }
  }

  /// The order, filter and scale of the rows of `places`.
  package func loaderPlan(_ places: PairedShards) -> LoaderPlan {
    LoaderPlan(places, order: order, filter: filter, normalization: normalization)
  }

  /// The mean of what is reconstructed, as it is cached `[dOut]`.
  package func mean(_ source: TrainingSource, targets: TrainingSource?) throws -> [Double] {
    guard !filter.leavesNothingOut else { return try (targets ?? source).statistics().mean }
    return try RowSample(
      LoaderPlan(PairedShards(source, targets: targets), order: order, filter: filter),
      rows: Self.sampledRows
    ).mean()
  }
}

/// The first rows of a stream.
private struct RowSample {
  private let plan: LoaderPlan
  private let count: Int
  private let batchRows: Int

  init(_ plan: LoaderPlan, rows limit: Int) {
    self.plan = plan
    count = min(plan.order.rowsPerEpoch, limit)
    batchRows = min(count, 4096)
  }

  private var loader: Loader { Loader(plan, batchRows: batchRows, firstStep: 0, rows: count) }

  func meanNorm() throws -> Double {
    let width = plan.places.dIn
    var sum = 0.0
    try loader.forEachBatch(rows: count) { rows, _ in
      for start in stride(from: 0, to: rows.count, by: width) {
        sum += Vector.squaredNorm(rows.extracting(start..<start + width)).squareRoot()
      }
    }
    return sum / Double(count)
  }

  /// Of the targets where there are some.
  func mean() throws -> [Double] {
    let width = plan.places.isPaired ? plan.places.dOut : plan.places.dIn
    var sums = [Double](repeating: 0, count: width)
    try loader.forEachBatch(rows: count) { rows, targets in
      let values = plan.places.isPaired ? targets : rows
      for index in values.indices { sums[index % width] += Double(values[index]) }
    }
    return sums.map { $0 / Double(count) }
  }

  /// Of whole batches.
  func whitening() throws -> Whitening {
    var sums = CovarianceSums(width: plan.places.dIn)
    try loader.forEachBatch(rows: count / batchRows * batchRows) { rows, _ in sums.add(rows) }
    return Whitening(mean: sums.mean, covariance: sums.covariance)
  }
}
