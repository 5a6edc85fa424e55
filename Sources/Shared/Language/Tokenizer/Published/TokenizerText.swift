// The text of a tokenizer.json that is made of other files. Comes in: tokens, merges, scores. Leaves:
// bytes in which no two spellings of a character are taken for one.

/// Writes the vocabulary part of a tokenizer.json.
struct TokenizerText {
  private(set) var bytes: [UInt8] = []

  /// A file with a BPE model; the ids of the tokens are given, merges are pairs of tokens.
  static func bytePairs(
    _ tokens: [(text: [UInt8], id: UInt32)], merges: [(left: [UInt8], right: [UInt8])]
  ) -> [UInt8] {
    var text = TokenizerText()
    text.write(#"{"model":{"type":"BPE","vocab":"#)
    text.writeVocabulary(tokens)
    text.write(#","merges":["#)
    for (index, merge) in merges.enumerated() {
      text.write(index == 0 ? "[" : ",[")
      text.write(quoted: merge.left)
      text.write(",")
      text.write(quoted: merge.right)
      text.write("]")
    }
    text.write("]}}")
    return text.bytes
  }

  /// A file with a WordPiece model; a word's id is its place.
  static func wordPieces(_ tokens: [(text: [UInt8], id: UInt32)]) -> [UInt8] {
    var text = TokenizerText()
    text.write(#"{"model":{"type":"WordPiece","vocab":"#)
    text.writeVocabulary(tokens)
    text.write("}}")
    return text.bytes
  }

  /// A file with a Unigram model; a token's id is its place.
  static func unigram(_ pieces: [(text: [UInt8], score: Double)]) -> [UInt8] {
    var text = TokenizerText()
    text.write(#"{"model":{"type":"Unigram","vocab":["#)
    for (index, piece) in pieces.enumerated() {
      text.write(index == 0 ? "[" : ",[")
      text.write(quoted: piece.text)
      text.write("," + SerdeNumber.text(of: piece.score) + "]")
    }
    text.write("]}}")
    return text.bytes
  }

  private mutating func writeVocabulary(_ tokens: [(text: [UInt8], id: UInt32)]) {
    write("{")
    for (index, token) in tokens.enumerated() {
      if index > 0 { write(",") }
      write(quoted: token.text)
      write(":\(token.id)")
    }
    write("}")
  }

  private mutating func write(_ text: String) { bytes += Array(text.utf8) }

  private mutating func write(quoted token: [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in token {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        write("\\u00" + (digits.count < 2 ? "0" : "") + digits)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
