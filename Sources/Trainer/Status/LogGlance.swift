// A run's log at a glance, however long it is and while it is being written. Comes in: metrics.jsonl. Leaves:
// the newest values, and some values of one figure from the beginning to the end.

import Shared

/// What a glance at a log shows; lines that are not whole are passed over.
struct LogGlance {
  /// Steps that had been taken at the newest line; nil without one.
  private(set) var step: Int?
  private(set) var figures = Figures()
  /// The course of the explained variance; of the loss where that is not logged.
  private(set) var course: [Double] = []
  private(set) var courseFigure = Figure.explainedVariance
  /// When the file was last written, in seconds since 1970 by the clock of its disk.
  private(set) var modified: Double?

  private static let wanted: [Figure] = [
    .explainedVariance, .l0, .deadLatents, .overall, .trainingSamples, .tokensPerSecond,
  ]
  /// Bytes that are read of the end, and of a file that is read whole.
  private static let tailByteCount = 1 << 18
  /// Bytes that are read at each of the other places.
  private static let pieceByteCount = 1 << 15
  private static let courseCount = 24

  static func read(_ path: String) -> LogGlance {
    var glance = LogGlance()
    guard let descriptor = try? System.openForReading(path) else { return glance }
    defer { System.close(descriptor) }
    guard let status = try? System.status(of: descriptor, path: path) else { return glance }
    glance.modified = Double(status.modifiedNanoseconds) * 1e-9
    func lines(from offset: Int, byteCount: Int) -> [Line] {
      let bytes = try? System.read(descriptor, byteCount: byteCount, offset: offset, path: path)
      let pieces = (bytes ?? []).split(separator: 0x0A, omittingEmptySubsequences: false)
      // What is before the first newline is whole only at the beginning; what follows the last never is.
      return pieces.dropLast().dropFirst(offset > 0 ? 1 : 0).compactMap(Line.init)
    }
    let start = max(0, status.byteCount - tailByteCount)
    let tail = lines(from: start, byteCount: status.byteCount - start)
    glance.take(tail)
    var course = tail
    if start > 0 {
      course = (0..<courseCount - 1).flatMap { index in
        lines(from: start * index / (courseCount - 1), byteCount: pieceByteCount)
          .first { $0.values[glance.courseFigure] != nil }.map { [$0] } ?? []
      }
      if let last = tail.last(where: { $0.values[glance.courseFigure] != nil }) {
        course.append(last)
      }
    }
    let values = course.compactMap { $0.values[glance.courseFigure] }
    glance.course = LogGlance.thinned(values, to: courseCount)
    return glance
  }

  private mutating func take(_ lines: [Line]) {
    for line in lines {
      step = max(step ?? 0, line.step + 1)
      figures.merge(line.values)
    }
    if figures[.explainedVariance] == nil { courseFigure = .overall }
  }

  /// The means of equal runs of neighbors.
  private static func thinned(_ values: [Double], to count: Int) -> [Double] {
    guard values.count > count else { return values }
    return (0..<count).map { index in
      let run = values[values.count * index / count..<values.count * (index + 1) / count]
      return run.reduce(0, +) / Double(run.count)
    }
  }

  private struct Line {
    let step: Int
    let values: Figures

    init?(_ bytes: ArraySlice<UInt8>) {
      guard let json = try? JSON(parsing: Array(bytes)), let step = json["step"]?.integer,
        step < .max
      else {
        return nil
      }
      self.step = step
      var values = Figures()
      for figure in LogGlance.wanted { values[figure] = json[figure.name]?.double }
      self.values = values
    }
  }
}
