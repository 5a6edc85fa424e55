// How numbers are written for people: counts, bytes, durations, figures. One place, so that the
// progress line, the tables and the report agree.

import Foundation

/// Numbers as people read them.
package enum Readable {
  /// A count with one decimal and a decimal prefix: 950, 34.5 k, 1.2 M.
  package static func count(_ value: Double) -> String {
    scaled(value, base: 1000, units: ["", "k", "M", "G", "T", "P"])
  }

  package static func count(_ value: Int) -> String { count(Double(value)) }

  /// A number of bytes in decimal units: 512 B, 64.0 MB.
  package static func bytes(_ value: Int) -> String {
    scaled(Double(value), base: 1000, units: ["B", "kB", "MB", "GB", "TB", "PB"])
  }

  /// Seconds as a length of time: 0.4 s, 41 s, 3 min 05 s, 1 h 02 min, 2 d 03 h.
  package static func duration(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
    if seconds < 9.95 { return fixed(seconds, decimals: 1) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
    let minutes = whole / 60
    if minutes < 24 * 60 { return "\(minutes / 60) h \(twoDigits(minutes % 60)) min" }
    return "\(minutes / 1440) d \(twoDigits(minutes % 1440 / 60)) h"
  }

  /// Seconds as on a clock: 00:41, 12:05, 1:02:03.
  package static func clock(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "--:--" }
    let whole = Int(seconds.rounded())
    let rest = "\(twoDigits(whole / 60 % 60)):\(twoDigits(whole % 60))"
    return whole < 3600 ? rest : "\(whole / 3600):\(rest)"
  }

  /// A measured value with four significant digits: 0.9312, 18.42, 1.230e-05.
  package static func figure(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    if value == 0 { return "0" }
    let magnitude = abs(value)
    if magnitude < 1e-3 || magnitude >= 1e6 { return String(format: "%.3e", value) }
    let decimals = max(0, 3 - Int(log10(magnitude).rounded(.down)))
    return fixed(value, decimals: decimals)
  }

  /// A share in per cent with one decimal: 93.4 %.
  package static func percent(_ share: Double) -> String {
    share.isFinite ? fixed(100 * share, decimals: 1) + " %" : "–"
  }

  /// A value with that many decimals.
  package static func fixed(_ value: Double, decimals: Int) -> String {
    String(format: "%.\(decimals)f", value)
  }

  private static func scaled(_ value: Double, base: Double, units: [String]) -> String {
    guard value.isFinite else { return "?" }
    var scaled = abs(value)
    var index = 0
    // 999.5 of one unit is already 1.0 of the next one.
    while scaled >= (index == 0 ? base : base - 0.5), index < units.count - 1 {
      scaled /= base
      index += 1
    }
    let number = fixed(scaled, decimals: index > 0 && scaled < 99.95 ? 1 : 0)
    return (value < 0 ? "-" : "") + (units[index].isEmpty ? number : number + " " + units[index])
  }

  private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
