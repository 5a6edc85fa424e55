// What the stage will cost, before it starts. Comes in: files and settings. Leaves: a table, and a
// refusal where the disk is too small.

package import Shared

/// The expected size of a token stage.
package struct Bill: Sendable, Equatable {
  /// Bytes of the input files; nil where they are not here.
  package let textByteCount: Int?
  package let fileCount: Int
  package let tokenCount: Int
  package let contextSize: Int
  package let bytesPerToken: Int

  /// UTF-8 bytes per token of English under vocabularies of about 50,000 tokens, rounded down.
  private static let textBytesPerToken = 4

  /// Estimates from the size of the files.
  package init(files: [DataFile], contextSize: Int, vocabularySize: Int) {
    let byteCount = files.reduce(0) { $0 + $1.byteCount }
    textByteCount = byteCount
    fileCount = files.count
    tokenCount = (byteCount + Bill.textBytesPerToken - 1) / Bill.textBytesPerToken
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

  /// Refuses a disk that is too small for the stage.
  package func check(store: String, freeByteCount: Int) throws(DiskTooSmall) {
    guard freeByteCount < diskByteCount else { return }
    throw DiskTooSmall(store: store, needed: diskByteCount, free: freeByteCount)
  }

  /// The bytes that are free for a store, which need not exist yet.
  package static func freeByteCount(_ store: String) throws -> Int {
    var place = store
    while !System.exists(place), place != ".", place != "/" { place = folder(of: place) }
    return try System.freeByteCount(place)
  }
}

/// A disk on which the stage would not fit.
package struct DiskTooSmall: Failure, Equatable {
  package let store: String
  package let needed: Int
  package let free: Int

  package init(store: String, needed: Int, free: Int) {
    self.store = store
    self.needed = needed
    self.free = free
  }

  package var sentence: String {
    "The tokens need about \(Readable.bytes(needed)) in \(store), where \(Readable.bytes(free)) "
      + "are free."
  }

  package var hint: String? { "Free some space, or set store to a folder on a larger disk." }
}
