// What TensorBoard shows of a run: an event file in the run's folder, made of the lines of its log. Comes
// in: the log as it is when the run starts or continues, then each further line. Leaves: one file.

import Shared
import Synchronization

/// Writes the event file of a run.
///
/// A process that continues a run makes the file anew, under a later name, from the lines that were kept:
/// no step is in it twice.
package final class TensorBoardFollower: RunObserver {
  package static let folderName = "tensorboard"

  private struct State: ~Copyable {
    var file: EventFile?
    var isBroken = false
    /// The names that have been described in the file.
    var described: Set<String> = []
  }

  private let run: ObservedRun
  private let host: String
  private let clock: @Sendable () -> Double
  private let state = Mutex(State())

  /// - Parameters:
  ///   - run: what is followed.
  ///   - host: the machine's name, which stands in that of the file.
  ///   - clock: seconds since 1970.
  package init(
    _ run: ObservedRun, host: String = System.hostName,
    clock: @escaping @Sendable () -> Double = { System.now }
  ) {
    self.run = run
    self.host = host
    self.clock = clock
  }

  package var folder: String { run.folder + "/" + TensorBoardFollower.folderName }

  package func began(step: Int) {
    state.withLock { state in
      attempt(&state) { state throws(SystemError) in try makeAnew(&state) }
    }
  }

  package func logged(step: Int, line: String) {
    guard let entry = RunLog.Entry(line.utf8) else { return }
    state.withLock { state in
      if state.isBroken { return }
      let event = event(entry, time: clock(), &state.described)
      attempt(&state) { state throws(SystemError) in try state.file?.append([event]) }
    }
  }

  package func saved(checkpoint: String, step: Int) {}

  /// A file that broke off while the disk was full may be whole at the end.
  package func completed() {
    state.withLock { state in
      if state.isBroken { try? makeAnew(&state) }
      state.file = nil
    }
  }

  package func stopped(_ failure: any Error) {}

  /// The first failure ends the file, with a warning.
  private func attempt(
    _ state: inout State, _ work: (inout State) throws(SystemError) -> Void
  ) {
    do { try work(&state) } catch {
      state.isBroken = true
      run.note("warning: \(error.sentence) The run goes on without its file for TensorBoard.")
    }
  }

  private func event(
    _ entry: RunLog.Entry, time: Double, _ described: inout Set<String>
  ) -> [UInt8] {
    TensorBoardEvent.values(entry, time: time) { name in
      described.insert(name).inserted ? TensorBoardFollower.description(name) : nil
    }.bytes
  }

  /// What TensorBoard says beside a chart; empty where nothing is known of the name.
  static func description(_ name: String) -> String {
    let figure = Figure.named(name)
    let note = figure.note.text([:])
    if note.isEmpty { return figure.title == name ? "" : figure.title }
    return figure.title + ": " + note
  }
}

// MARK: - From the log

extension TensorBoardFollower {
  /// Events that are written in one go.
  private static let portion = 1000

  /// Writes a file of the lines that the log has, and removes those that were there before.
  private func makeAnew(_ state: inout State) throws(SystemError) {
    try System.createDirectories(folder)
    let names = try System.list(folder).filter { $0.hasPrefix(EventFile.prefix) }
    var known: [Int: Double] = [:]
    for name in names {
      let bytes = (try? MappedFile.contents(folder + "/" + name)) ?? []
      for (step, time) in EventFile.times(in: bytes) {
        known[step] = min(known[step] ?? time, time)
      }
    }
    let lines = logLines()
    let times = TensorBoardFollower.times(of: lines, known: known, now: clock())
    let start = max(Int(clock()), (names.compactMap(TensorBoardFollower.start).max() ?? 0) + 1)
    let file = try EventFile.create(
      "\(folder)/\(EventFile.prefix)\(start).\(StageKey.plain(host)).\(System.processIdentifier)")
    let first = times.first ?? clock()
    var head = [TensorBoardEvent.version(time: first).bytes]
    // Whoever has read an earlier file of the run forgets it.
    if !names.isEmpty { head.append(TensorBoardEvent.start(time: first).bytes) }
    try file.append(head)
    state.described = []
    for start in stride(from: 0, to: lines.count, by: TensorBoardFollower.portion) {
      let end = min(lines.count, start + TensorBoardFollower.portion)
      try file.append(
        (start..<end).map { event(lines[$0], time: times[$0], &state.described) })
    }
    for name in names { try System.remove(folder + "/" + name) }
    state.file = consume file
    state.isBroken = false
  }

  /// When the process that wrote a file started it, in seconds since 1970.
  private static func start(_ name: String) -> Int? {
    Int(name.dropFirst(EventFile.prefix.count).prefix { $0 != "." })
  }

  private func logLines() -> [RunLog.Entry] {
    let bytes = (try? MappedFile.contents(run.folder + "/metrics.jsonl")) ?? []
    return bytes.split(separator: UInt8(ascii: "\n")).compactMap { RunLog.Entry($0) }
  }

  /// The time of each line: as an earlier file has it, else counted back from the next line by the speed
  /// that was logged.
  static func times(
    of lines: [RunLog.Entry], known: [Int: Double], now: Double
  ) -> [Double] {
    var times = [Double](repeating: now, count: lines.count)
    var next: (time: Double, samples: Double?, speed: Double?) = (now, nil, nil)
    for (index, line) in lines.enumerated().reversed() {
      let samples = line[.trainingSamples]
      if let time = known[line.step] {
        next.time = time
      } else if let samples, let later = next.samples, let speed = next.speed, speed > 0 {
        next.time -= max(0, later - samples) / speed
      }
      times[index] = next.time
      if let samples { next = (next.time, samples, line[.tokensPerSecond]) }
    }
    return times
  }
}
