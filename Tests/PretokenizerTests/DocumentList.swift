// Documents in memory as a source of packing, for tests: in parts that may be cut anywhere.

import Pretokenizer

struct DocumentList: TokenSource {
  /// Parts of documents of tokens.
  let parts: [[[UInt32]]]
  var begin: UInt32?
  let bytesPerToken = 4

  init(_ documents: [[UInt32]], begin: UInt32? = nil) {
    self.init(parts: [documents], begin: begin)
  }

  init(parts: [[[UInt32]]], begin: UInt32? = nil) {
    self.parts = parts
    self.begin = begin
  }

  var partCount: Int { parts.count }
  func documentCount(_ part: Int) -> Int { parts[part].count }
  func documentsBefore(_ part: Int) -> Int { parts[..<part].reduce(0) { $0 + $1.count } }
  var tokenCount: Int { parts.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } }
  func reader() -> Reader { Reader(list: self) }

  struct Reader: TokenReader {
    let list: DocumentList

    func document(_ part: Int, _ document: Int) -> DocumentEntry {
      let tokens = list.parts[part][document]
      return DocumentEntry(length: UInt32(tokens.count), head: tokens.first ?? 0)
    }

    private func token(_ part: Int, _ index: Int) -> UInt32 {
      var index = index
      for document in list.parts[part] {
        if index < document.count { return document[index] }
        index -= document.count
      }
      return .max
    }

    func isBegin(_ part: Int, _ index: Int) -> Bool { token(part, index) == list.begin }

    func read(_ part: Int, _ index: Int, count: Int, into target: inout [UInt8], at offset: Int) {
      for place in 0..<count {
        let token = token(part, index + place)
        for byte in 0..<4 {
          target[offset + 4 * place + byte] = UInt8(truncatingIfNeeded: token >> UInt32(8 * byte))
        }
      }
    }
  }
}

/// Sequences in the order that is asked for, each as its tokens.
func rows<Source: TokenSource>(
  _ packing: Packing<Source>, _ wanted: [Int], bytesPerToken: Int = 4
) throws -> [[UInt32]] {
  let places = wanted.enumerated().map { DealtSequence(sequence: $1, row: $0) }.sorted()
  let bytes = try packing.rows(places)
  let tokens = stride(from: 0, to: bytes.count, by: bytesPerToken).map { start in
    (0..<bytesPerToken).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
  }
  let size = packing.rules.contextSize
  return stride(from: 0, to: tokens.count, by: size).map { Array(tokens[$0..<$0 + size]) }
}

/// All sequences, in the order of the text.
func rows<Source: TokenSource>(
  _ packing: Packing<Source>, bytesPerToken: Int = 4
) throws -> [[UInt32]] {
  try rows(packing, Array(0..<packing.sequenceCount), bytesPerToken: bytesPerToken)
}
