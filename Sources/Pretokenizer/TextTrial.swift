// What the beginning of a text shows of the whole: how many tokens its bytes become, and how fast this machine
// makes them. Comes in: files and the tokenizer. Leaves: the rates of a sample that takes a second at most.

import Shared

/// The rates of a sample of a text.
package struct TextRates: Sendable, Equatable {
  /// Tokens that a byte on the disk becomes.
  package let tokensPerByte: Double
  /// Seconds that one thread takes for a byte on the disk.
  package let secondsPerByte: Double

  package init(tokensPerByte: Double, secondsPerByte: Double) {
    self.tokensPerByte = tokensPerByte
    self.secondsPerByte = secondsPerByte
  }
}

/// Tokenizes the first documents of a text.
struct TextTrial: DocumentSink {
  /// Bytes of a file that are looked at, here and where each costs a transfer.
  private static let (byteLimit, distantByteLimit) = (1 << 20, 1 << 17)
  private static let secondLimit = 1.0

  /// nil where rows of ids need none.
  private var encoder: TokenEncoder?
  private var ids: [UInt32] = []
  private var textByteCount = 0
  private var tokenCount = 0
  private let textByteLimit: Int
  private let start = System.uptime
  /// Seconds of tokenizing alone.
  private var encodingSeconds = 0.0

  /// The sample has been read.
  private struct Enough: Error {}

  private init(_ tokenizer: Tokenizer?, _ file: DataFile) {
    encoder = tokenizer.map { TokenEncoder($0) }
    textByteLimit = file.isLocal ? 4 * TextTrial.byteLimit : TextTrial.distantByteLimit
  }

  /// The rates of the first file that gives documents; nil where none does.
  static func measure(
    _ files: [DataFile], _ rules: ReadingRules, _ tokenizer: Tokenizer?
  ) -> TextRates? {
    for file in files.prefix(8) {
      var trial = TextTrial(tokenizer, file)
      var isWhole = false
      guard let piece = try? piece(of: file, rules) else { continue }
      do {
        try piece.read(rules, .beginning, into: &trial)
        isWhole = true
      } catch {}
      guard trial.tokenCount > 0 else { continue }
      // What a transfer takes does not grow with the few bytes of a sample.
      let seconds = file.isLocal ? System.uptime - trial.start : trial.encodingSeconds
      // Of a piece that was read in part, and of one whose size is that of its rows, the text counts.
      let grown = Double(trial.textByteCount) / PretokenizeBill.growth(file)
      let byteCount = isWhole ? Double(piece.byteCount) : max(1, grown)
      return TextRates(
        tokensPerByte: Double(trial.tokenCount) / byteCount, secondsPerByte: seconds / byteCount)
    }
    return nil
  }

  /// The beginning of a file, as far as a file of its kind can be cut.
  private static func piece(of file: DataFile, _ rules: ReadingRules) throws -> InputBlock.Piece? {
    let piece = try InputBlock.cut([file], rules).first?.pieces.first
    let isCut = file.kind == .jsonLines || file.kind == .text && rules.textDocuments == .line
    let limit = file.isLocal ? byteLimit : distantByteLimit
    guard let piece, isCut, file.compression == .none, piece.range.count > limit else {
      return piece
    }
    return InputBlock.Piece(file: file, range: 0..<limit, byteCount: limit)
  }

  mutating func text(_ bytes: Span<UInt8>) throws {
    ids.removeAll(keepingCapacity: true)
    let begun = System.uptime
    encoder?.encode(bytes, into: &ids)
    encodingSeconds += System.uptime - begun
    try take(ids.count, byteCount: bytes.count)
  }

  mutating func tokens(_ ids: Span<UInt32>) throws {
    try take(ids.count, byteCount: 4 * ids.count)
  }

  private mutating func take(_ tokens: Int, byteCount: Int) throws {
    tokenCount += tokens
    textByteCount += byteCount
    let isEnough = System.uptime - start > TextTrial.secondLimit
    if isEnough || textByteCount > textByteLimit { throw Enough() }
  }

  mutating func invalid(_ problem: any Failure) throws {}

  mutating func replaced(_ count: Int) {}
}
