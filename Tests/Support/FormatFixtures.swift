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
