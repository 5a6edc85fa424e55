// Merging as its definition reads: by looking through all rules again for every merge.

import Foundation
import Shared

/// Byte-pair merging by the rules of a tokenizer.json.
package struct NaiveMerging {
  private let ranks: [[String]: Int]
  private let ids: [String: Int]
  private let alphabet: [UInt8: String]

  package init(_ path: String) throws {
    let file = try JSON(parsing: try MappedFile.contents(path))
    ids = (file["model"]?["vocab"]?.object ?? [:]).compactMapValues(\.integer)
    let merges = (file["model"]?["merges"]?.array ?? []).map {
      ($0.array ?? []).compactMap(\.string)
    }
    ranks = Dictionary(
      uniqueKeysWithValues: merges.enumerated().map { ($0.element, $0.offset) })
    alphabet = Dictionary(
      uniqueKeysWithValues: (UInt8(0x21)...0x7E).map { ($0, String(Unicode.Scalar($0))) })
  }

  /// The ids of one piece of printable ASCII.
  package func encode(_ piece: String) -> [UInt32] {
    var parts = piece.utf8.compactMap { alphabet[$0] }
    while let best = parts.indices.dropLast().filter({ ranks[[parts[$0], parts[$0 + 1]]] != nil })
      .min(by: {
        (ranks[[parts[$0], parts[$0 + 1]]] ?? 0, $0) < (ranks[[parts[$1], parts[$1 + 1]]] ?? 0, $1)
      })
    {
      parts.replaceSubrange(best...best + 1, with: [parts[best] + parts[best + 1]])
    }
    return parts.compactMap { ids[$0].map { UInt32($0) } }
  }
}
