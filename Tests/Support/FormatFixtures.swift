// Files in the formats of the store, made by hand for tests that must not trust the writers.

import Foundation
import Shared

/// Safetensors files out of their parts.
package enum SafetensorsParts {
  /// A file with a header as given and a payload of zeros.
  package static func file(_ header: String, payload: Int = 0) -> [UInt8] {
    let text = Array(header.utf8)
    return length(text.count) + text + [UInt8](repeating: 0, count: payload)
  }

  /// A number as eight little-endian bytes.
  package static func length(_ value: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// The fixtures that others wrote.
  package static func fixture(_ name: String, file: String = #filePath) -> String {
    URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/formats/\(name)").path
  }
}

/// Bytes damaged at random.
package struct Mutator {
  private let random: Random
  private var index = 0

  package init(seed: Int, stream: String) {
    random = Random(seed: seed, stream: stream)
  }

  /// A number below `bound`.
  package mutating func below(_ bound: Int) -> Int {
    index += 1
    return random.integer(index, below: bound)
  }

  /// The bytes with one to four places flipped, overwritten, cut out, repeated or cut off.
  package mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...below(4) where !bytes.isEmpty {
      let place = below(bytes.count)
      let end = min(bytes.count, place + 1 + below(8))
      switch below(6) {
      case 0: bytes[place] ^= 1 << UInt8(below(8))
      case 1: bytes[place] = UInt8(below(256))
      case 2: bytes.removeSubrange(place..<end)
      case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 4: bytes[place] = Array("\"{}[],:0123456789-e\\u".utf8)[below(21)]
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }
}
