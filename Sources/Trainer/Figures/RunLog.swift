// The figures of a run over time, in `metrics.jsonl`: one JSON object per logged step, with
// SAELens's names. Append-only, each line in one write, so that a killed run leaves whole lines.

package import Shared

/// What is logged, by SAELens's names.
package struct Metric: Hashable, Sendable {
  package let rawValue: String

  private init(_ rawValue: String) { self.rawValue = rawValue }

  package static let mse = Metric("losses/mse_loss")
  package static let l1 = Metric("losses/l1_loss")
  package static let l0Loss = Metric("losses/l0_loss")
  package static let auxiliary = Metric("losses/auxiliary_reconstruction_loss")
  package static let ghost = Metric("losses/ghost_grad_loss")
  package static let preAct = Metric("losses/pre_act_loss")
  package static let overall = Metric("losses/overall_loss")
  package static let explainedVariance = Metric("metrics/explained_variance")
  package static let l0 = Metric("metrics/l0")
  package static let topkThreshold = Metric("metrics/topk_threshold")
  package static let deadLatents = Metric("sparsity/dead_features")
  package static let meanLogSparsity = Metric("metrics/mean_log10_feature_sparsity")
  package static let below1e5 = Metric("sparsity/below_1e-5")
  package static let below1e6 = Metric("sparsity/below_1e-6")
  package static let meanPassesSinceFired = Metric("sparsity/mean_passes_since_fired")
  package static let learningRate = Metric("details/current_learning_rate")
  package static let l1Coefficient = Metric("details/l1_coefficient")
  package static let l0Coefficient = Metric("details/l0_coefficient")
  package static let trainingSamples = Metric("details/n_training_samples")
  package static let tokensPerSecond = Metric("details/tokens_per_second")

  /// The loss of the latents below a width alone (matryoshka_batchtopk).
  package static func inner(width: Int) -> Metric { Metric("losses/inner_mse_loss_\(width)") }

  /// A metric of a log, which another version may have written.
  fileprivate init(logged name: String) { rawValue = name }
}

/// Why a run log cannot be read.
package enum RunLogError: Failure, Equatable {
  case notALogLine(path: String, line: Int)

  package var sentence: String {
    switch self {
    case .notALogLine(let path, let line): "\(path), line \(line): not a line of a run log."
    }
  }

  package var hint: String? {
    switch self {
    case .notALogLine:
      "Remove the file to go on without the figures of the steps before; the SAE is not affected."
    }
  }
}

/// Owns the open `metrics.jsonl` of a run.
package struct RunLog: ~Copyable {
  /// One line.
  package struct Entry: Sendable, Equatable {
    package let step: Int
    package let values: [Metric: Double]

    package init(step: Int, values: [Metric: Double]) {
      self.step = step
      self.values = values
    }

    package subscript(metric: Metric) -> Double? { values[metric] }
  }

  private let descriptor: Int32
  private let path: String

  private init(descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens the log of a run for further lines.
  package static func open(_ path: String) throws(SystemError) -> RunLog {
    RunLog(descriptor: try System.openForAppending(path), path: path)
  }

  deinit { System.close(descriptor) }

  package mutating func append(_ entry: Entry) throws(SystemError) {
    let bytes = Array(entry.line.utf8)
    try System.write(bytes.span.raw, to: descriptor, path: path)
  }

  /// The lines of a log, oldest first; a last line that was cut off by a crash is passed over.
  package static func read(_ path: String) throws -> [Entry] {
    guard System.exists(path) else { return [] }
    let lines = try MappedFile.contents(path).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // What follows the last newline is either nothing or an unfinished line.
    return try lines.dropLast().enumerated().map { index, line in
      guard let json = try? JSON(parsing: Array(line)), let entry = Entry(json) else {
        throw RunLogError.notALogLine(path: path, line: index + 1)
      }
      return entry
    }
  }

  /// Drops the lines after a step: a run that resumes there will write them again.
  package static func truncate(_ path: String, afterStep step: Int) throws {
    guard System.exists(path) else { return }
    let kept = try read(path).filter { $0.step <= step }
    try AtomicFile.replace(path, with: kept.map(\.line).joined())
  }
}

extension RunLog.Entry {
  /// The line with its newline; a value that is not finite is written as null.
  fileprivate var line: String {
    var members: [String: JSON] = ["step": .integer(step)]
    for (metric, value) in values {
      members[metric.rawValue] = value.isFinite ? .number(value) : .null
    }
    return JSON.object(members).canonical + "\n"
  }

  fileprivate init?(_ json: JSON) {
    guard let members = json.object, let step = json["step"]?.integer else { return nil }
    self.step = step
    var values: [Metric: Double] = [:]
    for (name, value) in members {
      if name != "step", let number = value.double { values[Metric(logged: name)] = number }
    }
    self.values = values
  }
}
