// An event file: records, each framed by its length and the masked CRC-32C of the length and of the
// content, as TensorFlow's TFRecord has them. Comes in: contents. Leaves: a file that only ever grows.

import Shared

/// Owns an open event file.
struct EventFile: ~Copyable {
  /// What TensorBoard looks for in a name.
  static let prefix = "events.out.tfevents."

  let path: String
  private let descriptor: Int32

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  static func create(_ path: String) throws(SystemError) -> EventFile {
    EventFile(path: path, descriptor: try System.createExclusively(path))
  }

  deinit { System.close(descriptor) }

  /// Writes records in one go, so that a killed run leaves whole ones.
  func append(_ contents: [[UInt8]]) throws(SystemError) {
    let bytes = contents.flatMap(EventFile.record)
    try System.write(bytes.span.raw, to: descriptor, path: path)
  }

  static func record(_ content: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(content.count), bytes: 8)
    return length + littleEndian(UInt64(CRC32C(length).masked), bytes: 4) + content
      + littleEndian(UInt64(CRC32C(content).masked), bytes: 4)
  }

  private static func littleEndian(_ value: UInt64, bytes count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

extension EventFile {
  /// The step and the time of every event with values; nothing behind a record that is not whole.
  static func times(in bytes: [UInt8]) -> [(step: Int, time: Double)] {
    var times: [(step: Int, time: Double)] = []
    var rest = bytes[...]
    while rest.count >= 16 {
      let length = whole(rest.prefix(8))
      guard length <= UInt64(rest.count - 16) else { break }
      let record = rest.prefix(16 + Int(length))
      let content = Array(record.dropFirst(12).dropLast(4))
      guard whole(record.suffix(4)) == UInt64(CRC32C(content).masked) else { break }
      // The time comes first in an event, and its step next, where it is not 0.
      if content.count > 9, content[0] == 0x09 {
        let time = Double(bitPattern: whole(content[1..<9]))
        if let step = step(content[9...]), time.isFinite { times.append((step, time)) }
      }
      rest = rest.dropFirst(record.count)
    }
    return times
  }

  /// The step of an event with a summary, of what follows its time.
  private static func step(_ fields: ArraySlice<UInt8>) -> Int? {
    var rest = fields
    var step: UInt64 = 0
    if rest.first == 0x10 {
      rest = rest.dropFirst()
      var shift: UInt64 = 0
      while let byte = rest.popFirst() {
        guard shift < 63 else { return nil }
        step |= UInt64(byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 { break }
      }
    }
    return rest.first == 0x2A ? Int(exactly: step) : nil
  }

  private static func whole(_ bytes: some BidirectionalCollection<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
