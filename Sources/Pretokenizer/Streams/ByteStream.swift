// The bytes of a file one after the other, decompressed where it is compressed. Comes in: a file.
// Leaves: bytes, in pieces.

package import Shared

/// What a decoder did with some input.
package struct DecodingStep: Equatable {
  package enum State: Equatable {
    case within
    /// A member or frame is complete; another one may follow.
    case endOfPart
    case failed(String)
  }

  package let consumed: Int
  package let state: State

  package init(consumed: Int, state: State) {
    self.consumed = consumed
    self.state = state
  }
}

/// A decoder that is fed piece by piece.
package protocol StreamDecoder: AnyObject {
  /// Decodes some input and appends at most `limit` bytes.
  func decode(
    _ input: Span<UInt8>, into output: inout [UInt8], atMost limit: Int
  ) -> DecodingStep
  /// Whether a byte behind a complete part may be passed over.
  func isPadding(_ byte: UInt8) -> Bool
}

extension ZstandardDecoder: StreamDecoder {
  package func decode(
    _ input: Span<UInt8>, into output: inout [UInt8], atMost limit: Int
  ) -> DecodingStep {
    let step = decode(input, appendingTo: &output, atMost: limit)
    if let reason = step.failure {
      return DecodingStep(consumed: step.consumed, state: .failed(reason))
    }
    return DecodingStep(consumed: step.consumed, state: step.isComplete ? .endOfPart : .within)
  }

  package func isPadding(_ byte: UInt8) -> Bool { false }
}

/// A file, read from front to back.
package struct ByteStream {
  private let file: any ByteSource
  private let decoder: (any StreamDecoder)?
  /// Where the next bytes of the file are read.
  private var offset: Int
  private var input: [UInt8] = []
  private var inputStart = 0
  private var produced = 0
  /// Whether the decoder stands between two parts.
  private var isBetweenParts = true

  /// Bytes that are read at once.
  private let pieceByteCount: Int
  /// A compressed file may grow to so many times its size, and to so much in any case.
  private static let ratioLimit = 2000
  private static let freeGrowth = 64 << 20

  package var path: String { file.path }

  /// Reads `file` from `offset` on; compressed files are read from their start.
  package init(
    _ file: any ByteSource, _ compression: DataFile.Compression, from offset: Int = 0,
    pieceByteCount: Int = 1 << 18
  ) {
    precondition(compression == .none || offset == 0, "compressed bytes have no places")
    self.file = file
    self.offset = offset
    self.pieceByteCount = pieceByteCount
    switch compression {
    case .none: decoder = nil
    case .gzip: decoder = GzipDecoder()
    case .zstandard: decoder = ZstandardDecoder()
    }
  }

  /// Appends the next bytes; false at the end.
  package mutating func read(into buffer: inout [UInt8]) throws -> Bool {
    guard let decoder else {
      let bytes = try file.read(at: offset, count: pieceByteCount)
      offset += bytes.count
      buffer += bytes
      return !bytes.isEmpty
    }
    let before = buffer.count
    while buffer.count == before {
      if inputStart == input.count {
        input = try file.read(at: offset, count: pieceByteCount)
        (inputStart, offset) = (0, offset + input.count)
      }
      guard inputStart < input.count else {
        guard isBetweenParts else { throw CompressionError.cutShort(path: path, byte: offset) }
        return false
      }
      try decode(decoder, into: &buffer)
    }
    return true
  }

  private mutating func decode(
    _ decoder: any StreamDecoder, into buffer: inout [UInt8]
  ) throws {
    if isBetweenParts, offset > input.count || inputStart > 0, decoder.isPadding(input[inputStart])
    {
      inputStart += 1
      return
    }
    let before = buffer.count
    let step = decoder.decode(
      input.span.extracting(inputStart..<input.count), into: &buffer, atMost: 4 * pieceByteCount)
    inputStart += step.consumed
    produced += buffer.count - before
    let place = offset - input.count + inputStart
    if case .failed(let reason) = step.state {
      throw CompressionError.corrupt(path: path, byte: place, reason: reason)
    }
    isBetweenParts = step.state == .endOfPart
    try ByteStream.checkGrowth(produced, from: place, path: path)
  }

  /// Refuses more than honest content: so many bytes made from the first `byte` of a file.
  static func checkGrowth(_ produced: Int, from byte: Int, path: String) throws {
    guard produced <= byte * ratioLimit + freeGrowth else {
      throw CompressionError.explodes(path: path, byte: byte, limit: ratioLimit)
    }
  }
}
