// What the stage will cost, before it starts. Comes in: files, settings and what a sample of the text shows.
// Leaves: the bill, and a refusal where the disk is too small.

package import Shared

/// The expected size of a token stage.
package struct PretokenizeBill: Sendable, Equatable {
  /// Bytes of the input files; nil where they are not here.
  package let textByteCount: Int?
  package let fileCount: Int
  /// Bytes of those that are not on this machine.
  package let distantByteCount: Int
  package let tokenCount: Int
  package let contextSize: Int
  package let bytesPerToken: Int
  /// The time by what it goes to; empty where the text is not here.
  package let parts: [StageBill.Part]

  /// UTF-8 bytes per token of English under vocabularies of about 50,000 tokens, rounded down.
  private static let textBytesPerToken = 4.0

  /// How many times as large as the file its text is, rounded up: English under gzip or zstd.
  static func growth(_ file: DataFile) -> Double {
    file.compression != .none ? 4 : file.kind == .parquet ? 3 : 1
  }

  /// Estimates from the size of the files, and where there is a sample from its rates.
  ///
  /// `rules` are needed where a slice states a number of rows, some of which are read.
  package init(
    _ text: DataSet, _ rules: ReadingRules? = nil, contextSize: Int, vocabularySize: Int,
    rates: TextRates? = nil, digestBytesPerSecond: Double = 1e9, threads: Int = 1
  ) {
    let byteCount = text.files.reduce(0) { $0 + $1.byteCount }
    textByteCount = byteCount
    fileCount = text.files.count
    distantByteCount = text.files.reduce(0) { $0 + ($1.isLocal ? 0 : $1.byteCount) }
    var (readByteCount, plainByteCount) = (0.0, 0.0)
    for part in text.parts {
      let whole = text.files[part.files].reduce(0) {
        $0 + Double($1.byteCount) * PretokenizeBill.growth($1)
      }
      let most = rules.flatMap { text.mostBytes(of: part, $0) }.map { Double($0) } ?? .infinity
      let plain = min(whole * (part.slice?.share ?? 1), most)
      plainByteCount += plain
      readByteCount +=
        Double(text.files[part.files].reduce(0) { $0 + $1.byteCount }) * plain / max(1, whole)
    }
    let tokens =
      rates.map { $0.tokensPerByte * readByteCount }
      ?? plainByteCount / PretokenizeBill.textBytesPerToken
    tokenCount = Int(tokens.rounded(.up))
    self.contextSize = contextSize
    bytesPerToken = TensorType.unsigned(below: vocabularySize).byteCount
    guard let rates else {
      parts = []
      return
    }
    // Every byte whose hash nobody states is hashed once; blocks are worked on by all threads, of which
    // one alone has a small text.
    let hashedByteCount = text.files.reduce(0) { $0 + ($1.identity == nil ? $1.byteCount : 0) }
    let blocks = max(1, Int(readByteCount) / InputBlock.targetByteCount)
    parts = [
      .init("identity", seconds: Double(hashedByteCount) / digestBytesPerSecond),
      .init(
        "tokenize", seconds: readByteCount * rates.secondsPerByte / Double(min(threads, blocks))
      ),
    ]
  }

  /// Estimates for a text that is not here, of which the cacher needs so many tokens.
  package init(tokenCount: Int, contextSize: Int) {
    textByteCount = nil
    fileCount = 0
    distantByteCount = 0
    self.tokenCount = tokenCount
    self.contextSize = contextSize
    bytesPerToken = TensorType.unsigned(below: 1 << 16).byteCount
    parts = []
  }

  /// What the finished stage takes before compression.
  package var shardByteCount: Int { tokenCount * bytesPerToken }
  /// What the disk must hold while it runs: unpacked tokens beside shards.
  package var diskByteCount: Int { 2 * shardByteCount }

  /// The bill in the shape of all programs.
  package func bill(isFinished: Bool = false) -> StageBill {
    var lines: [StageBill.Line] = []
    if let textByteCount {
      lines.append(
        .init(
          "text",
          "\(Readable.bytes(textByteCount)) in \(fileCount) file\(fileCount == 1 ? "" : "s")",
          key: "text_bytes", .integer(textByteCount)))
    }
    if distantByteCount > 0 {
      lines.append(
        .init(
          "from the Hub", Readable.bytes(distantByteCount), key: "text_bytes_from_hub",
          .integer(distantByteCount)))
    }
    lines.append(
      .init(
        "sequences", "\(Readable.count(tokenCount / contextSize)) of \(contextSize)",
        key: "sequences", .integer(tokenCount / contextSize)))
    lines.append(
      .init(
        "shards", "\(Readable.bytes(shardByteCount)) before compression", key: "shard_bytes",
        .integer(shardByteCount)))
    return StageBill(
      .tokens, isFinished: isFinished, tokens: tokenCount, lines: lines,
      diskByteCount: diskByteCount, memoryByteCount: nil, operations: nil, parts: parts)
  }
}
