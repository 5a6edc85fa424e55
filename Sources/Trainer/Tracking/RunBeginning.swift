// What a run sets out to do, for those who watch its folder: `run.json`, from the start of training until the
// manifest says more. Comes in: the plan's sizes. Leaves: a small file.

package import Shared

/// The sizes of a run in training.
package struct RunBeginning: Sendable, Equatable {
  package static let fileName = RunReading.fileName

  package let steps: Int
  /// Rows of a step.
  package let batchRows: Int
  /// The fingerprints of the caches that it reads.
  private let inputs: [String]

  package init(steps: Int, batchRows: Int, inputs: [String] = []) {
    self.steps = steps
    self.batchRows = batchRows
    self.inputs = inputs
  }

  /// Nil where there is no such file, or one of another version.
  package static func read(_ folder: String) -> RunBeginning? {
    guard let bytes = try? MappedFile.contents(folder + "/" + fileName),
      let json = try? JSON(parsing: bytes), let steps = json["steps"]?.integer,
      let batchRows = json["train_batch_size_tokens"]?.integer, steps >= 0, batchRows > 0,
      !steps.multipliedReportingOverflow(by: batchRows).overflow
    else { return nil }
    return RunBeginning(
      steps: steps, batchRows: batchRows, inputs: RunReading.inputs(of: folder) ?? [])
  }

  package func write(_ folder: String) throws(SystemError) {
    var members: [String: JSON] = [
      "steps": .integer(steps), "train_batch_size_tokens": .integer(batchRows),
    ]
    if !inputs.isEmpty { members[RunReading.key] = .array(inputs.map { .string($0) }) }
    try AtomicFile.replace(
      folder + "/" + RunBeginning.fileName, with: JSON.object(members).pretty)
  }

  package static func remove(_ folder: String) throws(SystemError) {
    try System.remove(folder + "/" + fileName)
  }
}
