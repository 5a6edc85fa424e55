// Checkpoints of a run: folders `checkpoints/step-NNNNNNNN` that appear whole or not at all. Comes
// in: the state after a step. Leaves: the same state, bit for bit, in a later process. Each folder
// also opens in SAELens.

package import Shared

/// The steps after which `n_checkpoints` asks for a checkpoint.
package struct CheckpointSchedule: Sendable, Equatable {
  let batchRows: Int
  let trainingTokens: Int
  /// Tokens between two thresholds; 0 where none is asked for.
  let stride: Int

  /// SAELens v6: thresholds at every ⌈total / (n + 1)⌉ tokens below the total.
  package init(count: Int, trainingTokens: Int, batchRows: Int) {
    self.batchRows = batchRows
    self.trainingTokens = trainingTokens
    stride = count > 0 ? (trainingTokens + count) / (count + 1) : 0
  }

  /// Whether the step with this number is the first after which more tokens are consumed than a
  /// threshold says.
  package func isDue(afterStep step: Int) -> Bool {
    guard stride > 0 else { return false }
    let threshold = ((step + 1) * batchRows - 1) / stride * stride
    return threshold > 0 && threshold < trainingTokens && threshold >= step * batchRows
  }
}

/// What is wrong with a checkpoint.
package enum CheckpointError: Failure, Equatable {
  case missingFile(path: String)
  case damagedFile(path: String)
  case foreign(path: String)
  case notFinite(path: String)
  case notWritten(step: Int, folder: String, cause: SystemError)
  case notRead(folder: String, cause: SystemError)

  package var sentence: String {
    switch self {
    case .notRead(_, let cause): cause.sentence
    case .missingFile(let path): "\(path) is missing."
    case .damagedFile(let path): "\(path) is damaged: its SHA-256 is not the recorded one."
    case .foreign(let path): "\(path) belongs to a run with other settings."
    case .notFinite(let path): "\(path) holds numbers that are not finite."
    case .notWritten(let step, let folder, let cause):
      "\(cause.cause): the checkpoint of step \(step) in \(folder) could not be written."
    }
  }

  package var hint: String? {
    switch self {
    case .missingFile, .damagedFile, .foreign, .notFinite: nil
    case .notWritten(_, _, let cause):
      cause.remedy + " and run the same command again; it continues from the checkpoint before."
    case .notRead(let folder, _):
      "Run the same command again; if it says the same, remove \(folder) to continue from the "
        + "checkpoint before."
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .missingFile, .damagedFile, .foreign, .notFinite: .wrongInput
    case .notWritten(_, _, let cause), .notRead(_, let cause): cause.exitCode
    }
  }
}

/// The checkpoints of one run.
package struct Checkpoints: Sendable {
  /// The folder that holds them.
  package let folder: String
  package let fingerprint: String
  /// How many of those that `n_checkpoints` did not ask for are kept.
  package let keep: Int
  package let schedule: CheckpointSchedule
  private let lease: Lease?

  /// The checkpoints of a plan's run in the folder `folder`, which are changed only while the lease is held.
  package init(
    _ plan: TrainingPlan, folder: String, fingerprint: String, keeping lease: Lease? = nil
  ) {
    let settings = plan.pipeline.train
    self.init(
      run: folder, fingerprint: fingerprint, keep: settings.keepCheckpoints,
      schedule: CheckpointSchedule(
        count: settings.nCheckpoints, trainingTokens: settings.trainingTokens,
        batchRows: plan.batchRows), keeping: lease)
  }

  package init(
    run: String, fingerprint: String, keep: Int, schedule: CheckpointSchedule,
    keeping lease: Lease? = nil
  ) {
    self.lease = lease
    folder = run + "/checkpoints"
    self.fingerprint = fingerprint
    self.keep = max(1, keep)
    self.schedule = schedule
  }

  /// Writes the state, and beside it the SAE as SAELens stores one in training.
  ///
  /// Checkpoints of later steps go: the run that left them is not the one that goes on.
  /// - Returns: the path of the checkpoint.
  @discardableResult package func save(
    _ state: borrowing TrainingState, sae: SAEFiles
  ) throws -> String {
    do { return try write(state, sae) } catch let error as SystemError {
      // Whoever has the run by now clears away what others left half written.
      try lease?.requireHeld()
      throw CheckpointError.notWritten(step: state.step, folder: folder, cause: error)
    }
  }

  private func write(_ state: borrowing TrainingState, _ sae: SAEFiles) throws -> String {
    let path = folder + "/" + name(step: state.step)
    try lease?.requireHeld()
    try removeLeftovers()
    let published = try AtomicFolder.create(path)
    try writeState(state, to: published.temporary + "/" + stateFile)
    try sae.writeCheckpoint(state, to: published.temporary)
    try writeDigests(of: published.temporary)
    try lease?.requireHeld()
    try published.publishReplacing()
    for step in try steps() where step > state.step { try remove(step: step) }
    try removeOld()
    return path
  }

  /// Fills `state` from the newest checkpoint that is whole; what is wrong with newer ones goes to
  /// `warn`.
  ///
  /// - Returns: the path of that checkpoint; nil where there is none, and `state` is then unusable.
  /// - Throws: what keeps one from reading, which says nothing about the checkpoint.
  package func restoreNewest(
    into state: inout TrainingState, warn: (String) -> Void
  ) throws -> String? {
    try removeLeftovers()
    for step in try steps().reversed() {
      let path = folder + "/" + name(step: step)
      do {
        try checkDigests(of: path)
        try readState(path + "/" + stateFile, into: &state)
        return path
      } catch let error as SystemError where error.isBreakdown {
        throw CheckpointError.notRead(folder: path, cause: error)
      } catch let failure as any Failure {
        warn("skipping the checkpoint of step \(step): \(failure.sentence)")
      }
    }
    return nil
  }

  /// Removes what only served to continue the run.
  package func removeUnscheduled() throws {
    try removeLeftovers()
    for step in try steps() where !schedule.isDue(afterStep: step - 1) { try remove(step: step) }
    if try steps().isEmpty { try System.removeTree(folder) }
  }

  /// The numbers of steps done at each checkpoint, ascending.
  package func steps() throws -> [Int] {
    guard try System.find(folder)?.isDirectory == true else { return [] }
    return try System.list(folder).compactMap { name in
      guard name.hasPrefix("step-"), name.count == 13 else { return nil }
      return Int(name.dropFirst(5))
    }
  }

  private func name(step: Int) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }

  private func removeOld() throws {
    let unscheduled = try steps().filter { !schedule.isDue(afterStep: $0 - 1) }
    for step in unscheduled.dropLast(keep) { try remove(step: step) }
  }

  /// Removes a checkpoint, which may be that of another process where the run is no longer this one's.
  private func remove(step: Int) throws {
    try lease?.requireHeld()
    try System.removeTree(folder + "/" + name(step: step))
  }

  /// Removes the folders of writers that were killed; the caller holds the run's lease, or nobody does.
  private func removeLeftovers() throws {
    guard try System.find(folder)?.isDirectory == true else { return }
    for name in try System.list(folder) where name.hasSuffix(".tmp") {
      try System.removeTree(folder + "/" + name)
    }
  }
}

private let stateFile = "state.safetensors"
private let digestFile = "checkpoint.json"

// MARK: - Digests

extension Checkpoints {
  /// Records the SHA-256 of every file of a checkpoint.
  private func writeDigests(of path: String) throws {
    var digests: [String: JSON] = [:]
    for name in try System.list(path) {
      digests[name] = .string(try Digest.ofFile(path + "/" + name))
    }
    let record = JSON.object(["sha256": .object(digests)])
    try AtomicFile.replace(path + "/" + digestFile, with: record.pretty)
  }

  private func checkDigests(of path: String) throws {
    let record = path + "/" + digestFile
    guard let bytes = try MappedFile.contents(ifThere: record) else {
      throw CheckpointError.missingFile(path: record)
    }
    guard let digests = (try? JSON(parsing: bytes))?["sha256"]?.object else {
      throw CheckpointError.damagedFile(path: record)
    }
    for (name, digest) in digests {
      guard name.isPlainName else { throw CheckpointError.damagedFile(path: record) }
      let file = path + "/" + name
      guard try System.isThere(file) else { throw CheckpointError.missingFile(path: file) }
      guard try Digest.ofFile(file) == digest.string else {
        throw CheckpointError.damagedFile(path: file)
      }
    }
    guard digests[stateFile] != nil else {
      throw CheckpointError.missingFile(path: path + "/" + stateFile)
    }
  }
}

// MARK: - State

extension Checkpoints {
  private func writeState(_ state: borrowing TrainingState, to path: String) throws {
    var file = try TensorFile.create(
      path, tensors: stateTensors(state),
      metadata: [
        "fingerprint": fingerprint, "step": String(state.step),
        "consumed": String(state.step * schedule.batchRows),
        "active_samples": String(state.activeSamples),
      ].merging(state.carried.mapValues(Checkpoints.text)) { first, _ in first })
    try file.write(state.parameters)
    try file.write(state.firstMoment)
    try file.write(state.secondMoment)
    try file.write(state.passesSinceFired.span.raw)
    try file.write(state.activeCounts.span.raw)
    try file.finish()
  }

  private func stateTensors(_ state: borrowing TrainingState) -> [TensorFile.Tensor] {
    let shape = state.parameters.shape
    var tensors: [TensorFile.Tensor] = []
    for group in ["parameters", "first_moment", "second_moment"] {
      for kind in shape.kinds {
        let name = group + "." + kind.rawValue
        if let size = shape.size(kind) { tensors.append(.init(name, .float32, size.stored)) }
      }
    }
    tensors.append(.init("passes_since_fired", .uint32, [shape.dSae]))
    tensors.append(.init("active_counts", .uint32, [shape.dSae]))
    return tensors
  }
}

extension Checkpoints {
  private func readState(_ path: String, into state: inout TrainingState) throws {
    let file = try SafetensorsFile.open(path)
    guard file.header.metadata["fingerprint"] == fingerprint else {
      throw CheckpointError.foreign(path: path)
    }
    try file.read("parameters", into: &state.parameters)
    try file.read("first_moment", into: &state.firstMoment)
    try file.read("second_moment", into: &state.secondMoment)
    try file.read("passes_since_fired", into: &state.passesSinceFired)
    try file.read("active_counts", into: &state.activeCounts)
    state.step = try number("step", of: file, path)
    state.activeSamples = try number("active_samples", of: file, path)
    for name in state.carried.keys {
      guard let numbers = file.header.metadata[name].flatMap(Checkpoints.numbers) else {
        throw CheckpointError.damagedFile(path: path)
      }
      state.carried[name] = numbers
    }
    guard state.isFinite else { throw CheckpointError.notFinite(path: path) }
  }

  /// Numbers as their bits, so that they come back as they were.
  private static func text(_ numbers: [Double]) -> String {
    numbers.map { String($0.bitPattern) }.joined(separator: " ")
  }

  private static func numbers(_ text: String) -> [Double]? {
    let words = text.split(separator: " ")
    let numbers = words.compactMap { UInt64($0) }.map { Double(bitPattern: $0) }
    return numbers.count == words.count ? numbers : nil
  }

  private func number(
    _ key: String, of file: borrowing SafetensorsFile, _ path: String
  ) throws(CheckpointError) -> Int {
    guard let value = file.header.metadata[key].flatMap({ Int($0) }) else {
      throw .damagedFile(path: path)
    }
    return value
  }
}

// MARK: - Tensors

extension TensorFile {
  fileprivate mutating func write(_ parameters: borrowing Parameters) throws(SystemError) {
    let values = ParameterReader(parameters)
    for kind in parameters.shape.kinds { try write(values[kind].raw) }
  }
}

extension SafetensorsFile {
  fileprivate func read(_ group: String, into parameters: inout Parameters) throws {
    for kind in parameters.shape.kinds {
      guard let size = parameters.shape.size(kind) else { continue }
      let entry = try require(group + "." + kind.rawValue, [.float32], shape: size.stored)
      parameters.change(kind) { matrix in
        var target = matrix.mutableSpan
        readFloats(entry, into: &target)
      }
    }
  }

  fileprivate func read(_ name: String, into counts: inout AlignedBuffer<Int32>) throws {
    let values = integers(try require(name, [.uint32], shape: [counts.count]))
    for index in values.indices { counts[index] = Int32(bitPattern: values[index]) }
  }
}
