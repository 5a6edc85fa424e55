// The figures of a run over time, in `metrics.jsonl`: one JSON object per logged step. Comes in: what
// was measured at a step. Leaves: lines, each in one write, so that a killed run leaves whole ones.

package import Shared

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

  /// - Returns: the line without its newline.
  @discardableResult
  package mutating func append(_ entry: Entry) throws(SystemError) -> String {
    let line = entry.line
    let bytes = Array((line + "\n").utf8)
    try System.write(bytes.span.raw, to: descriptor, path: path)
    return line
  }

  /// Brings to the disk what was appended, before a checkpoint says that it need not come again.
  package func synchronize() throws(SystemError) {
    try System.synchronize(descriptor, path: path)
  }

  /// The lines of a log, oldest first; a last line that was cut off by a crash is passed over.
  package static func read(_ path: String) throws -> [Entry] {
    guard try System.isThere(path) else { return [] }
    let lines = try MappedFile.contents(path).split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // What follows the last newline is either nothing or an unfinished line.
    return try lines.dropLast().enumerated().map { index, line in
      guard let entry = Entry(line) else {
        throw RunLogError.notALogLine(path: path, line: index + 1)
      }
      return entry
    }
  }

  /// Drops the lines after a step: a run that resumes there will write them again.
  package static func truncate(_ path: String, afterStep step: Int) throws {
    guard try System.isThere(path) else { return }
    let kept = try read(path).filter { $0.step <= step }
    try AtomicFile.replace(path, with: kept.map { $0.line + "\n" }.joined())
  }
}
