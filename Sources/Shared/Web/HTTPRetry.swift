// When a request that failed is sent again: after what the server asks for, or else after a time that
// doubles, a little different for every process.

import Foundation

/// How patient a client is.
package struct HTTPPatience: Sendable {
  /// Failures in a row after which it gives up.
  package var failureLimit = 6
  package var firstSeconds = 1.0
  package var longestSeconds = 30.0
  /// The longest that a server may ask for: some count requests over five minutes.
  package var longestAskedSeconds = 330.0

  package init() {}
}

/// Counts the failures of one piece of work.
package struct HTTPRetry: Sendable {
  private let patience: HTTPPatience
  private let random = Random(seed: Int(System.processIdentifier), stream: "retry")
  private var failures = 0

  package init(_ patience: HTTPPatience) { self.patience = patience }

  /// Forgets the failures once something has been won.
  package mutating func succeed() { failures = 0 }

  /// Counts a failure.
  ///
  /// - Returns: the seconds to wait; nil where it was one too many.
  package mutating func fail(asked: Double? = nil) -> Double? {
    failures += 1
    guard failures < patience.failureLimit else { return nil }
    if let asked { return asked > patience.longestAskedSeconds ? nil : asked }
    let longest = patience.firstSeconds * Double(1 << min(failures - 1, 20))
    // Between half and the whole, so that many processes do not come back at once.
    return min(longest, patience.longestSeconds) * (0.5 + random.uniform(failures) / 2)
  }

  /// Whether an answer of that status may be another one a little later.
  package static func isTransient(_ status: Int) -> Bool {
    status == 408 || status == 429 || (500...599).contains(status)
  }

  /// The seconds that an answer asks to wait: `Retry-After`, or the rest of the window in `RateLimit` where
  /// nothing is left of it (`"api";r=0;t=55`).
  package static func asked(_ head: HTTPHead, now: Double) -> Double? {
    if let text = head["retry-after"] {
      if let seconds = Int(text), seconds >= 0 { return Double(seconds) }
      if let date = HTTPDate.seconds(text) { return max(0, date - now) }
    }
    guard let fields = head["ratelimit"]?.split(separator: ";") else { return nil }
    func value(_ name: String) -> Int? {
      fields.lazy.map { $0.filter { $0 != " " } }.first { $0.hasPrefix(name + "=") }
        .flatMap { Int($0.dropFirst(name.count + 1)) }
    }
    guard value("r") == 0, let seconds = value("t"), seconds >= 0 else { return nil }
    return Double(seconds)
  }
}

/// Dates as HTTP writes them (RFC 9110, 5.6.7): `Wed, 21 Oct 2015 07:28:00 GMT`.
package enum HTTPDate {
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Seconds since 1970.
  package static func seconds(_ text: String) -> Double? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), 1...31 ~= day,
      let month = months.firstIndex(of: String(words[2])), let year = Int(words[3]),
      1970...9999 ~= year
    else { return nil }
    let clock = words[4].split(separator: ":").compactMap { Int($0) }
    // A second may be a leap second.
    guard clock.count == 3, 0...23 ~= clock[0], 0...59 ~= clock[1], 0...60 ~= clock[2] else {
      return nil
    }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let date = calendar.date(
      from: DateComponents(
        year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1],
        second: clock[2]))
    return date?.timeIntervalSince1970
  }
}
