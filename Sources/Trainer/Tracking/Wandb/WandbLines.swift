// Lines of files that grow: as they come, or in portions as W&B streams them, without those that the server
// has already.

import Shared

/// Reads the whole lines of a file that grows.
struct LineTail: Sendable {
  private let path: String
  private var offset = 0
  private var pending: [UInt8] = []
  private var position = 0

  /// Bytes that are read at once.
  private static let byteCount = 1 << 18
  /// The longest line that is taken.
  private static let longestByteCount = 64 << 20

  init(_ path: String) { self.path = path }

  /// The next line without its newline; nil where no whole one is there.
  mutating func next() throws -> [UInt8]? {
    while true {
      if let end = pending[position...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(pending[position..<end])
        position = end + 1
        return line
      }
      guard try fill() else { return nil }
    }
  }

  private mutating func fill() throws -> Bool {
    guard System.exists(path) else { return false }
    let descriptor = try System.openForReading(path)
    defer { System.close(descriptor) }
    pending.removeFirst(position)
    position = 0
    guard pending.count < LineTail.longestByteCount else { return false }
    let bytes = try System.read(
      descriptor, byteCount: LineTail.byteCount, offset: offset, path: path)
    offset += bytes.count
    pending += bytes
    return !bytes.isEmpty
  }
}

/// The lines of a file, some of which the server has.
struct SkippingTail {
  private var lines: LineTail
  private var offset = 0
  private var skipped = 0

  init(_ path: String) { lines = LineTail(path) }

  /// Goes on at an offset of the server's; `skips` where its lines are those of this file.
  mutating func begin(at offset: Int, skips: Bool) {
    self.offset = offset
    skipped = skips ? offset : 0
  }

  /// The next lines as they are streamed; nil where there are none.
  mutating func chunk(byteCount limit: Int) throws -> JSON? {
    var (content, byteCount) = ([JSON](), 0)
    while byteCount < limit, let line = try lines.next() {
      if skipped > 0 {
        skipped -= 1
        continue
      }
      content.append(.string(String(decoding: line, as: UTF8.self)))
      byteCount += line.count
    }
    guard !content.isEmpty else { return nil }
    defer { offset += content.count }
    return ["offset": .integer(offset), "content": .array(content)]
  }
}
