// A terminal for tests: it records what is written and its clock stands still until it is moved.

package import Shared
import Synchronization

/// What would have been seen on stderr, write by write.
package final class RecordedTerminal: Sendable {
  private let text = Mutex<[String]>([])
  private let now = Mutex<Double>(100)
  private let isInteractive: Bool
  private let isColored: Bool
  private let columns: Int

  package init(isInteractive: Bool, isColored: Bool = false, columns: Int = 100) {
    self.isInteractive = isInteractive
    self.isColored = isColored
    self.columns = columns
  }

  package var terminal: Terminal {
    Terminal(
      isInteractive: isInteractive, isColored: isColored,
      columns: { [columns] in columns },
      clock: { self.now.withLock { $0 } },
      sink: { piece in self.text.withLock { $0.append(piece) } })
  }

  package var writes: [String] { text.withLock { $0 } }

  package func pass(seconds: Double) { now.withLock { $0 += seconds } }
}
