// What a run's folder keeps for W&B, in `wandb/`: the run's id, when it began, the times of its lines, its
// console output, samples of the machine, and artifacts that wait to be sent.

import Foundation
import Shared

/// The folder `wandb` in the folder of a run.
struct WandbRunFolder: Sendable {
  let path: String
  /// The run's id at W&B.
  let identifier: String
  /// Seconds since 1970.
  let started: Double
  /// Whether this folder has been logged to W&B under this id before.
  let isContinued: Bool

  var times: String { path + "/times" }
  var output: String { path + "/output" }
  var events: String { path + "/events.jsonl" }
  var artifacts: String { path + "/artifacts" }

  /// Opens the folder, which is made where there is none.
  static func open(run folder: String, identifier given: String?) throws -> WandbRunFolder {
    let path = folder + "/wandb"
    try System.createDirectories(path + "/artifacts")
    let record = path + "/run.json"
    if System.exists(record), let json = try? JSON(parsing: MappedFile.contents(record)),
      let known = json["id"]?.string, let started = json["started"]?.double,
      known.isPlainName, WandbTime.isPlausible(started), given == nil || given == known
    {
      return WandbRunFolder(path: path, identifier: known, started: started, isContinued: true)
    }
    let identifier = given ?? newIdentifier()
    let now = Date().timeIntervalSince1970
    let json: JSON = ["id": .string(identifier), "started": .number(now)]
    try AtomicFile.replace(record, with: json.pretty)
    return WandbRunFolder(path: path, identifier: identifier, started: now, isContinued: false)
  }

  /// Eight letters and digits, as the official client makes them.
  static func newIdentifier(length: Int = 8) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    return String((0..<length).map { _ in letters.randomElement() ?? "a" })
  }

  /// Adds a line to a file; what cannot be written is left out.
  static func append(_ line: String, to path: String) {
    guard let descriptor = try? System.openForAppending(path) else { return }
    defer { System.close(descriptor) }
    let bytes = Array((line + "\n").utf8)
    try? System.write(bytes.span.raw, to: descriptor, path: path)
  }
}

/// Times as W&B writes them.
enum WandbTime {
  /// Whether so many seconds can be those of a run or since 1970: what a damaged file says may be none.
  static func isPlausible(_ seconds: Double) -> Bool { (0...1e11).contains(seconds) }

  /// As `2026-01-31T12:59:59.123456`, in UTC.
  static func text(_ seconds: Double) -> String {
    let micro = Int((seconds.truncatingRemainder(dividingBy: 1)) * 1e6)
    return parts(seconds, "%Y-%m-%dT%H:%M:%S") + String(format: ".%06d", micro)
  }

  /// As `20260131_125959`, in UTC.
  static func folderText(_ seconds: Double) -> String { parts(seconds, "%Y%m%d_%H%M%S") }

  private static func parts(_ seconds: Double, _ format: String) -> String {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let units: Set<Calendar.Component> = [.year, .month, .day, .hour, .minute, .second]
    let date = calendar.dateComponents(units, from: Date(timeIntervalSince1970: seconds))
    let values: [(String, Int?, Int)] = [
      ("%Y", date.year, 4), ("%m", date.month, 2), ("%d", date.day, 2), ("%H", date.hour, 2),
      ("%M", date.minute, 2), ("%S", date.second, 2),
    ]
    return values.reduce(format) { text, value in
      let digits = String(value.1 ?? 0)
      let padded = String(repeating: "0", count: max(0, value.2 - digits.count)) + digits
      return text.replacingOccurrences(of: value.0, with: padded)
    }
  }
}
