// Rows that runs of a sweep have prepared. Comes in: plans. Leaves: runs that can start, each from what
// another one has read where both see the same.

import Shared

/// Rows that a run of a sweep has prepared, for others that see the same.
package struct SharedRows {
  private var trainable: [String: TrainableRows] = [:]
  private var prepared: [String: PreparedRows] = [:]

  package init() {}

  /// Prepares a run, from what another one has read where it has.
  package mutating func prepare(_ plan: TrainingPlan) throws -> PreparedRun {
    let settings = plan.pipeline.train
    let (rowKey, streamKey) = (plan.input.rowKey(settings), plan.input.streamKey(settings))
    if let rows = prepared[streamKey] { return try plan.prepared(rows) }
    let rows =
      try trainable[rowKey]
      ?? TrainableRows(settings, plan.source, store: Store(plan.pipeline))
    trainable[rowKey] = rows
    let made = try PreparedRows(rows, settings, plan.source)
    prepared[streamKey] = made
    return try plan.prepared(made)
  }
}
