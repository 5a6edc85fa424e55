// What the stage will cost, before it starts. Comes in: files and settings. Leaves: a table, and a
// refusal where the disk is too small.

package import Shared

/// The expected size of a token stage.
package struct PretokenizeBill: Sendable, Equatable {
  /// Bytes of the input files; nil where they are not here.
  package let textByteCount: Int?
  package let fileCount: Int
  package let tokenCount: Int
  package let contextSize: Int
  package let bytesPerToken: Int

  /// UTF-8 bytes per token of English under vocabularies of about 50,000 tokens, rounded down.
  private static let textBytesPerToken = 4

  /// How many times as large as the file its text is, rounded up: English under gzip or zstd.
  private static func growth(_ file: DataFile) -> Int {
    file.compression != .none ? 4 : file.kind == .parquet ? 3 : 1
  }

  /// Estimates from the size of the files.
  ///
  /// `rules` are needed where a slice states a number of rows, some of which are read.
  package init(
    _ text: DataSet, _ rules: ReadingRules? = nil, contextSize: Int, vocabularySize: Int
  ) {
    let files = text.files
    textByteCount = files.reduce(0) { $0 + $1.byteCount }
    fileCount = files.count
    let text = text.parts.reduce(0) { sum, part in
      let whole = files[part.files].reduce(0) { $0 + $1.byteCount * PretokenizeBill.growth($1) }
      let most = rules.flatMap { text.mostBytes(of: part, $0) } ?? .max
      return sum + min(Int(Double(whole) * (part.slice?.share ?? 1)), most)
    }
    tokenCount = (text + PretokenizeBill.textBytesPerToken - 1) / PretokenizeBill.textBytesPerToken
    self.contextSize = contextSize
    bytesPerToken = TensorType.unsigned(below: vocabularySize).byteCount
  }

  /// Estimates for a text that is not here, of which the cacher needs so many tokens.
  package init(tokenCount: Int, contextSize: Int) {
    textByteCount = nil
    fileCount = 0
    self.tokenCount = tokenCount
    self.contextSize = contextSize
    bytesPerToken = TensorType.unsigned(below: 1 << 16).byteCount
  }

  /// What the finished stage takes before compression.
  package var shardByteCount: Int { tokenCount * bytesPerToken }
  /// What the disk must hold while it runs: unpacked tokens beside shards.
  package var diskByteCount: Int { 2 * shardByteCount }

  package var table: Table {
    var table = Table(
      title: "pretokenize: the bill", columns: [Table.Column(""), Table.Column("")])
    if let textByteCount {
      table.add([
        "text", "\(Readable.bytes(textByteCount)) in \(fileCount) file\(fileCount == 1 ? "" : "s")",
      ])
    }
    table.add(["tokens", "about \(Readable.count(tokenCount))"])
    table.add(["sequences", "about \(Readable.count(tokenCount / contextSize)) of \(contextSize)"])
    table.add(["shards", "at most \(Readable.bytes(shardByteCount)) before compression"])
    table.add(["disk while it runs", "at most \(Readable.bytes(diskByteCount))"])
    return table
  }

  package var json: JSON {
    .object([
      "text_bytes": textByteCount.map { .integer($0) } ?? .null, "files": .integer(fileCount),
      "tokens": .integer(tokenCount), "sequences": .integer(tokenCount / contextSize),
      "shard_bytes": .integer(shardByteCount), "disk_bytes": .integer(diskByteCount),
    ])
  }
}
