// When each line of a run's log was written: records of one length in a file beside the run, so that the
// time of a line is found by its number, in this process and in those that continue the run.

import Foundation
import Shared

/// The times of a log's lines.
final class WandbTimes: Sendable {
  private let path: String
  private let writer: Int32
  private let reader: Int32
  /// On the clock of this process: when it began.
  private let began = System.uptime
  /// Seconds that earlier processes were at the run.
  private let earlier: Double

  private static let recordByteCount = 32

  /// Takes up the times of the first `lineCount` lines; those after them are forgotten.
  init(_ path: String, lineCount: Int) throws {
    self.path = path
    var all = System.exists(path) ? try MappedFile.contents(path) : []
    all.removeLast(all.count % WandbTimes.recordByteCount)
    // Lines that were cut off may be at the server: what comes now comes after them.
    let last = WandbTimes.numbers(all.suffix(WandbTimes.recordByteCount))
    var kept = Array(all.prefix(lineCount * WandbTimes.recordByteCount))
    earlier = last?.runtime ?? 0
    let now = Date().timeIntervalSince1970
    while kept.count < lineCount * WandbTimes.recordByteCount {
      kept += WandbTimes.record(last?.stamp ?? now, earlier)
    }
    var file = try AtomicFile.create(path)
    try file.write(kept.span.raw)
    try file.publishReplacing()
    let writer = try System.openForAppending(path)
    do { reader = try System.openForReading(path) } catch {
      System.close(writer)
      throw error
    }
    self.writer = writer
  }

  deinit {
    System.close(writer)
    System.close(reader)
  }

  /// Seconds that this and earlier processes have been at the run.
  var runtime: Double { earlier + System.uptime - began }

  /// Notes that a line is being written.
  func append() {
    let bytes = WandbTimes.record(Date().timeIntervalSince1970, runtime)
    try? System.write(bytes.span.raw, to: writer, path: path)
  }

  /// When a line was written, in seconds since 1970 and of the run.
  subscript(line: Int) -> (stamp: Double, runtime: Double) {
    let bytes = try? System.read(
      reader, byteCount: WandbTimes.recordByteCount, offset: line * WandbTimes.recordByteCount,
      path: path)
    return WandbTimes.numbers(bytes?[...] ?? [])
      ?? (Date().timeIntervalSince1970, runtime)
  }

  private static func record(_ stamp: Double, _ runtime: Double) -> [UInt8] {
    Array((String(format: "%017.6f %013.3f", stamp, runtime) + "\n").utf8)
  }

  private static func numbers(_ bytes: ArraySlice<UInt8>) -> (stamp: Double, runtime: Double)? {
    let words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
    guard words.count == 2, let stamp = Double(words[0]), let runtime = Double(words[1]),
      WandbTime.isPlausible(stamp), WandbTime.isPlausible(runtime)
    else { return nil }
    return (stamp, runtime)
  }
}
