// What people read while a program runs: lines on stderr, and at most one live line below them
// that is redrawn in place. stdout is for results and is never touched here.

import Foundation
import Synchronization

/// A place for people's text: stderr, or a test's recorder.
package final class Terminal: Sendable {
  /// Whether a live line may be redrawn; false for files and pipes.
  package let isInteractive: Bool
  package let isColored: Bool
  private let columnCount: @Sendable () -> Int
  private let clock: @Sendable () -> Double
  private let sink: @Sendable (String) -> Void
  private let liveLine = Mutex<String?>(nil)
  private let listeners = Mutex<[Int: @Sendable (String) -> Void]>([:])

  package init(
    isInteractive: Bool, isColored: Bool = false,
    columns: @escaping @Sendable () -> Int,
    clock: @escaping @Sendable () -> Double,
    sink: @escaping @Sendable (String) -> Void
  ) {
    self.isInteractive = isInteractive
    self.isColored = isColored
    columnCount = columns
    self.clock = clock
    self.sink = sink
  }

  /// The stderr of this process; colors only on a terminal that did not refuse them (NO_COLOR).
  package static let standardError = Terminal(
    isInteractive: isCapable,
    isColored: isCapable && (environment["NO_COLOR"] ?? "").isEmpty,
    columns: { System.terminalColumns(2) },
    clock: { System.uptime },
    sink: { text in
      let bytes = Array(text.utf8)
      try? System.write(bytes.span.raw, to: 2, path: "stderr")
    })

  private static let environment = ProcessInfo.processInfo.environment

  private static var isCapable: Bool { System.isTerminal(2) && environment["TERM"] != "dumb" }

  package var columns: Int { columnCount() }

  /// Seconds on a clock that only moves forward.
  package var seconds: Double { clock() }

  /// Prints whole lines above the live line.
  package func print(_ text: String) {
    let text = Terminal.harmless(text)
    liveLine.withLock { line in
      guard let line else { return sink(text + "\n") }
      sink("\r\u{1B}[K" + text + "\n" + line)
    }
    tell(text)
  }

  /// Lends what is printed to last to a listener too, which must not print.
  ///
  /// - Returns: what to end the listening by.
  package func addListener(_ listener: @escaping @Sendable (String) -> Void) -> Int {
    listeners.withLock { listeners in
      let number = (listeners.keys.max() ?? 0) + 1
      listeners[number] = listener
      return number
    }
  }

  package func removeListener(_ number: Int) {
    listeners.withLock { _ = $0.removeValue(forKey: number) }
  }

  private func tell(_ text: String) {
    for listener in listeners.withLock({ Array($0.values) }) { listener(text) }
  }

  /// Puts `text` in place of the live line; nothing where a line cannot be redrawn.
  package func draw(_ text: String) {
    guard isInteractive else { return }
    let text = Terminal.harmless(text)
    liveLine.withLock { line in
      guard line != text else { return }
      // One write, and only what is left of the old line is erased: no flicker.
      sink("\r" + text + "\u{1B}[K")
      line = text
    }
  }

  /// Replaces the live line by a lasting one, or drops it where `text` is nil.
  package func settle(_ text: String?) {
    let text = text.map(Terminal.harmless)
    liveLine.withLock { line in
      let erased = line == nil ? "" : "\r\u{1B}[K"
      let lasting = text.map { $0 + "\n" } ?? ""
      if !(erased + lasting).isEmpty { sink(erased + lasting) }
      line = nil
    }
    if let text { tell(text) }
  }

  /// The text in bold where the terminal shows colors.
  package func bold(_ text: String) -> String {
    isColored ? Terminal.boldStart + text + Terminal.boldEnd : text
  }

  private static let boldStart = "\u{1B}[1m"
  private static let boldEnd = "\u{1B}[0m"

  /// The text without characters that would command the terminal, such as a name may hold.
  ///
  /// Each of them stands as a question mark in a diamond; tabs, ends of lines and what `bold` adds stay.
  package static func harmless(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isCommand) else { return text }
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let scalar = rest.first {
      let bold = [boldStart, boldEnd].first { rest.starts(with: $0.unicodeScalars) }
      if let bold {
        result.append(contentsOf: bold.unicodeScalars)
        rest = rest.dropFirst(bold.unicodeScalars.count)
      } else {
        result.append(isCommand(scalar) ? "\u{FFFD}" : scalar)
        rest = rest.dropFirst()
      }
    }
    return String(result)
  }

  /// Controls other than tabs and ends of lines, and those that turn the direction of what follows.
  private static func isCommand(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A: false
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
