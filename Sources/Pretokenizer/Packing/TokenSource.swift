// What packing reads: documents of tokens behind each other, in parts. Declared apart from where
// they lie, so that packing knows nothing of files.

/// What packing must know of a document.
package struct DocumentEntry: Sendable, Equatable {
  package var length: UInt32 = 0
  /// The first token; 0 where there is none.
  package var head: UInt32 = 0

  package init(length: UInt32 = 0, head: UInt32 = 0) {
    self.length = length
    self.head = head
  }
}

/// Documents behind each other, in parts.
package protocol TokenSource: Sendable {
  associatedtype Reader: TokenReader
  var partCount: Int { get }
  /// Documents of a part, those without tokens included.
  func documentCount(_ part: Int) -> Int
  /// Documents of all parts before this one.
  func documentsBefore(_ part: Int) -> Int
  var tokenCount: Int { get }
  /// 2 or 4.
  var bytesPerToken: Int { get }
  /// A reader for one thread.
  func reader() -> Reader
}

/// Reads documents in about the order in which they lie.
package protocol TokenReader {
  mutating func document(_ part: Int, _ document: Int) throws -> DocumentEntry
  /// Whether the token at a place of a part is the one that begins every sequence.
  mutating func isBegin(_ part: Int, _ index: Int) throws -> Bool
  /// Copies the little-endian bytes of `count` tokens to `offset` of `target`.
  mutating func read(
    _ part: Int, _ index: Int, count: Int, into target: inout [UInt8], at offset: Int
  ) throws
}
