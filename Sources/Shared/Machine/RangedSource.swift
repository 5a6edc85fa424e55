// Bytes whose every read costs a request, read in few large ranges. Comes in: small reads, and what will
// be read. Leaves: the same bytes, out of windows that grow while reading goes on and that are fetched
// ahead where it was stated what comes next.

import Synchronization

/// Some bytes of a file.
struct ByteWindow: Sendable {
  let start: Int
  let bytes: [UInt8]
  var end: Int { start + bytes.count }
  var range: Range<Int> { start..<end }
}

/// Fewer bytes than a source said that it has.
package struct ShortSource: Failure, Equatable {
  package let path: String
  package let byte: Int

  package init(path: String, byte: Int) {
    self.path = path
    self.byte = byte
  }

  package var sentence: String { "\(path) ended at byte \(byte), before its stated end." }
  package var hint: String? { "Run the same command again." }
  package var exitCode: ExitCode { .failed }
}

/// Reads a distant source through windows; one thread reads it at a time.
package final class RangedSource: ByteSource {
  private let source: any ByteSource
  private let ends: FileEnds
  private let state = Mutex(State())

  package let path: String
  package var byteCount: Int { source.byteCount }

  /// Bytes of a request for what is known to be read.
  package static let rangeByteCount = 8 << 20
  /// Bytes of the first request for what is not; each one that goes on is four times as large.
  static let firstByteCount = 16 << 10
  /// Files up to this size are read at once, and as much at the end of others, where Parquet's footer is.
  static let tailByteCount = 64 << 10

  /// So much of the beginning of a file is kept for readers that open it again.
  private static let beginningByteCount = 512 << 10

  private struct State {
    /// What was fetched last, the newest last.
    var windows: [ByteWindow] = []
    var expected: [Range<Int>] = []
    var ahead: FetchAhead?
  }

  /// Reads `source`, which is called `path`; `ends` keeps beginnings and ends of files that are opened again.
  init(_ source: any ByteSource, path: String, ends: FileEnds) {
    self.source = source
    self.path = path
    self.ends = ends
  }

  package func expect(_ ranges: [Range<Int>]) {
    let whole = 0..<byteCount
    state.withLock { $0.expected = RangedSource.joined(ranges.map { $0.clamped(to: whole) }) }
  }

  package func read(at offset: Int, count: Int) throws -> [UInt8] {
    guard offset >= 0, count > 0, offset < byteCount else { return [] }
    let end = offset + min(count, byteCount - offset)
    return try state.withLock { state in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(end - offset)
      var position = offset
      while position < end {
        let window = try window(at: position, wanted: end - position, &state)
        let stop = min(end, window.end)
        bytes += window.bytes[position - window.start..<stop - window.start]
        position = stop
      }
      return bytes
    }
  }

  /// A window that holds the byte at `position`, fetched where there is none.
  private func window(
    at position: Int, wanted: Int, _ state: inout State
  ) throws -> ByteWindow {
    if let window = state.windows.last(where: { $0.range.contains(position) }) { return window }
    let known = ends.windows(path)
    if let window = known.first(where: { $0.range.contains(position) }) { return window }
    let held = state.windows + known
    let isExpected = state.expected.contains { $0.contains(position) }
    var range = range(at: position, wanted: wanted, state)
    // What is held behind it is not fetched again.
    if let next = held.map(\.start).filter(range.contains).filter({ $0 > position }).min() {
      range = range.lowerBound..<next
    }
    let window = try fetch(range, &state)
    // One window before it is kept, for readers that go back and forth.
    state.windows = state.windows.suffix(isExpected ? 0 : 1) + [window]
    if isExpected { startAhead(of: window.end, &state) }
    let isEnd =
      range.lowerBound == 0 || range.upperBound == byteCount
      || known.contains { window in
        window.start == range.upperBound
          || window.end == range.lowerBound && range.upperBound <= RangedSource.beginningByteCount
      }
    if !isExpected, isEnd { ends.keep(window, of: path) }
    return window
  }

  /// What a request for the byte at `position` asks for.
  private func range(at position: Int, wanted: Int, _ state: State) -> Range<Int> {
    if byteCount <= RangedSource.tailByteCount { return 0..<byteCount }
    // However much a reader wants at once, such as a large page, it comes in parts: a window of all of it
    // would be there beside what the reader is given.
    if let expected = state.expected.first(where: { $0.contains(position) }) {
      return position..<position + RangedSource.part(of: expected.upperBound - position)
    }
    let tail = byteCount - RangedSource.tailByteCount
    if position >= tail { return tail..<byteCount }
    // Behind what is expected a reader wants little: the end of a line.
    let before = state.windows.last { window in
      state.expected.isEmpty && window.end <= position
        && position - window.end <= window.bytes.count
    }
    let size = before.map { min(RangedSource.rangeByteCount, 4 * $0.bytes.count) }
    return
      position..<min(
        byteCount, position + max(size ?? 0, wanted, RangedSource.firstByteCount))
  }

  /// The size of the next request of about equal ones for so many bytes.
  static func part(of byteCount: Int) -> Int {
    let most = rangeByteCount + rangeByteCount / 32
    let count = max(1, (byteCount + most - 1) / most)
    return (byteCount + count - 1) / count
  }

  /// Ranges with those joined that touch or nearly do, so that one request takes both.
  static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
    ranges.filter { !$0.isEmpty }.reduce(into: []) { joined, range in
      if let last = joined.last, range.lowerBound >= last.lowerBound,
        range.lowerBound - last.upperBound <= tailByteCount
      {
        joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        joined.append(range)
      }
    }
  }

  private func fetch(_ range: Range<Int>, _ state: inout State) throws -> ByteWindow {
    let ahead = state.ahead
    state.ahead = nil
    if let ahead, ahead.range.lowerBound == range.lowerBound {
      let window = ByteWindow(start: range.lowerBound, bytes: try ahead.bytes())
      return try checked(window, ahead.range)
    }
    let bytes = try source.read(at: range.lowerBound, count: range.count)
    return try checked(ByteWindow(start: range.lowerBound, bytes: bytes), range)
  }

  private func checked(_ window: ByteWindow, _ range: Range<Int>) throws -> ByteWindow {
    guard window.bytes.count == range.count else {
      throw ShortSource(path: path, byte: window.end)
    }
    return window
  }

  /// Starts to fetch what is expected behind `position`.
  private func startAhead(of position: Int, _ state: inout State) {
    guard let next = state.expected.first(where: { $0.upperBound > position }) else { return }
    let start = max(position, next.lowerBound)
    let size = RangedSource.part(of: next.upperBound - start)
    state.ahead = FetchAhead(source, start..<start + size)
  }
}

/// A range that is fetched while something else is done.
private final class FetchAhead: Sendable {
  let range: Range<Int>
  private let source: any ByteSource
  private let result = Mutex<Result<[UInt8], any Error>?>(nil)
  private let isDone = Bell()

  init(_ source: any ByteSource, _ range: Range<Int>) {
    (self.source, self.range) = (source, range)
    do { try WorkerThread.start { self.fetch() }.detach() } catch { fetch() }
  }

  private func fetch() {
    let found = Result { try source.read(at: range.lowerBound, count: range.count) }
    result.withLock { $0 = found }
    isDone.ring()
  }

  /// Waits for the bytes.
  func bytes() throws -> [UInt8] {
    while !isDone.wait(seconds: 60) {}
    return try result.withLock { $0 }?.get() ?? []
  }
}

/// Beginnings and ends of the files that were opened last, in bounded memory.
final class FileEnds: Sendable {
  private let kept = Mutex<[(path: String, window: ByteWindow)]>([])
  private static let windowLimit = 4 << 20
  private static let totalLimit = 32 << 20
  private static let countLimit = 256

  func windows(_ path: String) -> [ByteWindow] {
    kept.withLock { kept in kept.filter { $0.path == path }.map(\.window) }
  }

  func keep(_ window: ByteWindow, of path: String) {
    guard window.bytes.count <= FileEnds.windowLimit else { return }
    kept.withLock { kept in
      kept.append((path, window))
      var total = kept.reduce(0) { $0 + $1.window.bytes.count }
      while total > FileEnds.totalLimit || kept.count > FileEnds.countLimit {
        total -= kept.removeFirst().window.bytes.count
      }
    }
  }
}

/// A tree whose files are read in few large ranges.
package struct RangedTree: FileTree {
  private let tree: any FileTree
  /// What stands before a path for people.
  private let address: String
  private let ends = FileEnds()

  package init(_ tree: any FileTree, address: String) {
    self.tree = tree
    self.address = address
  }

  package func entry(_ path: String) -> FileTreeEntry? { tree.entry(path) }
  package func list(_ folder: String) throws -> [String] { try tree.list(folder) }
  package func identity(_ path: String) -> String? { tree.identity(path) }
  package func folderIdentity(_ path: String) -> String? { tree.folderIdentity(path) }

  package func open(_ path: String) throws -> any ByteSource {
    RangedSource(try tree.open(path), path: address + "/" + path, ends: ends)
  }
}
