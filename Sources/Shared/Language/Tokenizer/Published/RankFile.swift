// tiktoken's rank files: a token in base 64 and its rank on each line. Comes in: bytes. Leaves: tokens
// by rank and the merges that transformers' TikTokenConverter finds in them.

import Foundation

/// The tokens of a rank file, in the order of their ranks.
struct RankFile {
  struct Token {
    let bytes: [UInt8]
    let rank: UInt32
  }

  let tokens: [Token]

  /// Whether a line such as `IQ== 0` opens the file.
  static func looksLike(_ bytes: [UInt8]) -> Bool {
    let line = bytes.prefix(1 << 12).prefix { $0 != 0x0A }
    return (try? token(line, offset: 0)) != nil
  }

  /// Reads a whole file; `path` is named in errors.
  init(_ bytes: [UInt8], path: String) throws(TokenizerError) {
    var tokens: [Token] = []
    var seen = Set<[UInt8]>()
    var offset = 0
    do throws(ProtobufProblem) {
      for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
        defer { offset += line.count + 1 }
        guard let token = try RankFile.token(line, offset: offset) else { continue }
        guard seen.insert(token.bytes).inserted else {
          throw ProtobufProblem(offset: offset, what: "the token of this line came before")
        }
        tokens.append(token)
      }
      guard !tokens.isEmpty else { throw ProtobufProblem(offset: 0, what: "a file without tokens") }
      tokens.sort { $0.rank < $1.rank }
      for (token, next) in zip(tokens, tokens.dropFirst()) where token.rank == next.rank {
        throw ProtobufProblem(offset: 0, what: "two tokens with the rank \(token.rank)")
      }
    } catch {
      throw .malformed(path: path, offset: error.offset, what: error.what)
    }
    self.tokens = tokens
  }

  /// The token of a line; nil for an empty one.
  private static func token(
    _ line: ArraySlice<UInt8>, offset: Int
  ) throws(ProtobufProblem) -> Token? {
    let line = line.last == 0x0D ? line.dropLast() : line
    if line.isEmpty { return nil }
    let parts = line.split(separator: 0x20)
    guard parts.count == 2, let data = Data(base64Encoded: Data(parts[0])), !data.isEmpty,
      let rank = Int(String(decoding: parts[1], as: UTF8.self)),
      (0..<TokenizerFile.idLimit).contains(rank)
    else {
      throw ProtobufProblem(offset: offset, what: "expected a token in base 64 and its rank")
    }
    return Token(bytes: [UInt8](data), rank: UInt32(rank))
  }

  /// Every way to join two tokens to a third, in the order of the ranks.
  func merges() -> [(left: [UInt8], right: [UInt8])] {
    let vocabulary = Vocabulary(tokens: tokens.map(\.bytes), ids: tokens.map(\.rank))
    var merges: [(left: [UInt8], right: [UInt8])] = []
    for token in tokens where token.bytes.count > 1 {
      var pairs: [(UInt32, UInt32, Int)] = []
      let span = token.bytes.span
      for cut in 1..<token.bytes.count {
        guard let left = vocabulary.id(of: span.extracting(0..<cut)),
          let right = vocabulary.id(of: span.extracting(cut..<token.bytes.count))
        else { continue }
        pairs.append((left, right, cut))
      }
      for (_, _, cut) in pairs.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
        merges.append((Array(token.bytes[..<cut]), Array(token.bytes[cut...])))
      }
    }
    return merges
  }
}
