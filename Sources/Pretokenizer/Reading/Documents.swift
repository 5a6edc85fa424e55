// The documents of a data set, cut into units of work. Comes in: files. Leaves: blocks of fixed
// size, each a function of the files alone, and the documents of a block.

package import Shared

/// A unit of tokenizing: some text files, or the lines that start in a range of a file.
package struct InputBlock: Sendable, Equatable {
  package struct Piece: Sendable, Equatable {
    package let file: DataFile
    package let range: Range<Int>
  }

  package private(set) var pieces: [Piece] = []

  /// Bytes of input in a block, except that a document is never cut.
  package static let targetByteCount = 16 << 20

  package var byteCount: Int { pieces.reduce(0) { $0 + $1.range.count } }

  /// Cuts files into blocks: large JSON Lines files into several, small files together.
  package static func cut(
    _ files: [DataFile], targetByteCount: Int = targetByteCount
  ) -> [InputBlock] {
    var blocks: [InputBlock] = []
    var current = InputBlock()
    var size = 0
    for piece in files.flatMap({ pieces($0, targetByteCount) }) {
      if size + piece.range.count > targetByteCount, size > 0 {
        blocks.append(current)
        (current, size) = (InputBlock(), 0)
      }
      current.pieces.append(piece)
      size += piece.range.count
    }
    if !current.pieces.isEmpty { blocks.append(current) }
    return blocks
  }

  private static func pieces(_ file: DataFile, _ target: Int) -> [Piece] {
    guard file.kind == .jsonLines else { return [Piece(file: file, range: 0..<file.byteCount)] }
    return stride(from: 0, to: file.byteCount, by: target).map { start in
      Piece(file: file, range: start..<min(start + target, file.byteCount))
    }
  }

  /// Reads the documents of the block in order; returns how many lone surrogates were replaced.
  package func forEachDocument(
    column: String, _ body: (Span<UInt8>) throws -> Void
  ) throws -> Int {
    var replaced = 0
    for piece in pieces {
      let file = try MappedFile.open(piece.file.path)
      guard file.byteCount == piece.file.byteCount else {
        throw ChangedFile(path: piece.file.path)
      }
      switch piece.file.kind {
      case .text: try body(file.bytes.octets)
      case .jsonLines:
        var lines = JSONLines(path: piece.file.path, column: column)
        try lines.read(file.bytes.octets, piece.range, body)
        replaced += lines.replacedCount
      }
    }
    return replaced
  }
}

/// A file that became another one while it was read.
package struct ChangedFile: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String { "\(path) changed while it was read." }
  package var hint: String? { "Run the same command again once the file stays as it is." }
  package var exitCode: ExitCode { .failed }
}
