// Bytes and texts damaged at random, the same ones in every run. Comes in: what is well formed, and a seed. Leaves:
// what readers must take or refuse.

import Foundation
package import Shared

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

  /// The bytes with one to four of some tokens put in, once or many times, in the place of a few bytes or of none;
  /// or with lines cut out, repeated and moved.
  package mutating func weave(_ bytes: [UInt8], _ tokens: [String]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...below(4) {
      let place = below(bytes.count + 1)
      guard below(4) > 0 else {
        moveLine(&bytes)
        continue
      }
      let token = Array(tokens[below(tokens.count)].utf8)
      let count = below(8) > 0 ? 1 : 1 + below(below(8) > 0 ? 8 : 500)
      let end = min(bytes.count, place + (below(2) == 0 ? 0 : below(12)))
      bytes.replaceSubrange(place..<end, with: (0..<count).flatMap { _ in token })
    }
    return bytes
  }

  /// Cuts a line out, and puts it somewhere else or nowhere.
  private mutating func moveLine(_ bytes: inout [UInt8]) {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
    let line = lines[below(lines.count)]
    if below(2) == 0, let place = lines.firstIndex(of: line) { lines.remove(at: place) }
    if below(2) == 0 { lines.insert(line, at: below(lines.count + 1)) }
    bytes = Array(lines.joined(separator: [0x0A]))
  }

  /// How often something is damaged: SAELINE_FUZZ where it is set, for a long run.
  package static func turns(_ few: Int) -> Int {
    ProcessInfo.processInfo.environment["SAELINE_FUZZ"].flatMap { Int($0) } ?? few
  }
}

/// What of a failure is fit to be shown: a sentence of bounded length without control characters.
package func isShowable(_ failure: any Failure) -> Bool {
  let text = failure.sentence + (failure.hint ?? "")
  return !failure.sentence.isEmpty && text.utf8.count < 16_384
    && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }
}
