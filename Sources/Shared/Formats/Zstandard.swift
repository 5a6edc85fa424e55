// Zstandard frames, from libzstd: the only import of CZstd. Comes in: bytes, or a frame and the
// size it may grow to. Leaves: a frame with a content checksum, or the bytes it was made from.

internal import CZstd

/// Why a zstd frame is refused.
package enum ZstandardError: Failure, Equatable {
  case notAFrame(path: String)
  case unknownSize(path: String)
  case tooLarge(path: String, byteCount: Int, limit: Int)
  case cutShort(path: String)
  case trailingBytes(path: String, frame: Int, byteCount: Int)
  case corrupt(path: String, reason: String)
  case wrongSize(path: String, stated: Int, found: Int)

  package var sentence: String {
    switch self {
    case .notAFrame(let path): "\(path) is no zstd file."
    case .unknownSize(let path): "\(path) does not state the size of what it holds."
    case .tooLarge(let path, let byteCount, let limit):
      "\(path) states that it holds \(byteCount) bytes, above the limit of \(limit)."
    case .cutShort(let path): "\(path) is cut short: its zstd frame has no end."
    case .trailingBytes(let path, let frame, let byteCount):
      "\(path) has \(byteCount) bytes, but its zstd frame ends after \(frame)."
    case .corrupt(let path, let reason): "\(path) is damaged: \(reason)."
    case .wrongSize(let path, let stated, let found):
      "\(path) is damaged: it states \(stated) bytes and holds \(found)."
    }
  }

  package var hint: String? { "Fetch or create the file again." }
}

/// Compression of whole byte strings.
package enum Zstandard {
  /// The level that token shards are written with.
  package static let level: Int32 = 3

  /// One frame that states its content's size and ends in its checksum.
  package static func compress(_ bytes: RawSpan, level: Int32 = level) -> [UInt8] {
    guard let context = unsafe ZSTD_createCCtx() else {
      preconditionFailure("libzstd has no memory for a context")
    }
    defer { unsafe ZSTD_freeCCtx(context) }
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    let bound = ZSTD_compressBound(bytes.byteCount)
    return unsafe [UInt8](unsafeUninitializedCapacity: bound) { target, count in
      count = unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_compress2(
          context, target.baseAddress, bound, source.baseAddress, source.count)
      }
      // With a target of the bound's size only a lack of memory can fail.
      precondition(ZSTD_isError(count) == 0, "libzstd could not compress")
    }
  }

  /// The content of one frame that takes the whole of `bytes`; `path` is named in errors.
  package static func decompress(
    _ bytes: RawSpan, path: String, limit: Int
  ) throws(ZstandardError) -> [UInt8] {
    let stated = try contentByteCount(bytes, path: path, limit: limit)
    let frame = unsafe bytes.withUnsafeBytes {
      unsafe ZSTD_findFrameCompressedSize($0.baseAddress, $0.count)
    }
    guard ZSTD_isError(frame) == 0 else { throw .cutShort(path: path) }
    guard frame == bytes.byteCount else {
      throw .trailingBytes(path: path, frame: frame, byteCount: bytes.byteCount)
    }
    return try decompress(bytes, byteCount: stated, path: path)
  }

  /// The content of frames that hold exactly `byteCount` bytes together, whether they state it or not.
  ///
  /// The caller has checked that so much may be allocated.
  package static func decompress(
    _ bytes: RawSpan, byteCount: Int, path: String
  ) throws(ZstandardError) -> [UInt8] {
    var result = 0
    let content = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { target, count in
      result = unsafe bytes.withUnsafeBytes { source in
        unsafe ZSTD_decompress(target.baseAddress, byteCount, source.baseAddress, source.count)
      }
      count = ZSTD_isError(result) == 0 ? result : 0
    }
    guard ZSTD_isError(result) == 0 else {
      throw .corrupt(path: path, reason: unsafe String(cString: ZSTD_getErrorName(result)))
    }
    guard content.count == byteCount else {
      throw .wrongSize(path: path, stated: byteCount, found: content.count)
    }
    return content
  }

  /// The size that a frame states, checked against a limit before anything is allocated.
  private static func contentByteCount(
    _ bytes: RawSpan, path: String, limit: Int
  ) throws(ZstandardError) -> Int {
    let stated = unsafe bytes.withUnsafeBytes {
      unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count)
    }
    // The two values that zstd.h defines as casts of -1 and -2.
    if stated == UInt64.max { throw .unknownSize(path: path) }
    if stated == UInt64.max - 1 { throw .notAFrame(path: path) }
    guard stated <= limit else {
      throw .tooLarge(path: path, byteCount: Int(clamping: stated), limit: limit)
    }
    return Int(stated)
  }
}

// MARK: - Streams

/// A decoder of zstd frames, one behind the other, that is fed piece by piece.
@safe package final class ZstandardDecoder {
  private let context: OpaquePointer
  /// Frames that need a greater window are refused: 128 MiB, what the command line tool allows.
  private static let windowLog: Int32 = 27

  package init() {
    guard let context = unsafe ZSTD_createDCtx() else {
      preconditionFailure("libzstd has no memory for a context")
    }
    unsafe self.context = context
    unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZstandardDecoder.windowLog)
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  /// What came of some input.
  package struct Step: Equatable {
    package let consumed: Int
    /// Whether a frame ended there.
    package let isComplete: Bool
    /// What is wrong with the frame.
    package let failure: String?
  }

  /// Decodes some input and appends at most `limit` bytes.
  package func decode(
    _ bytes: Span<UInt8>, appendingTo output: inout [UInt8], atMost limit: Int
  ) -> Step {
    var result = 0
    var consumed = 0
    let made = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      unsafe bytes.withUnsafeBufferPointer { source in
        var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
        var output = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: limit, pos: 0)
        result = unsafe ZSTD_decompressStream(context, &output, &input)
        (consumed, count) = unsafe (input.pos, output.pos)
      }
    }
    output += made
    guard ZSTD_isError(result) == 0 else {
      let reason = unsafe String(cString: ZSTD_getErrorName(result))
      return Step(consumed: consumed, isComplete: false, failure: reason)
    }
    return Step(consumed: consumed, isComplete: result == 0, failure: nil)
  }
}

// MARK: - Writing piece by piece

/// A frame that is compressed while it is written: states its content's size, ends in its checksum.
@safe package struct ZstandardWriter: ~Copyable {
  private let context: OpaquePointer
  private var output: [UInt8]
  /// Bytes of content that are still to come.
  private var missingByteCount: Int

  /// Starts a frame that will hold exactly `contentByteCount` bytes.
  package init(contentByteCount: Int, level: Int32 = Zstandard.level) {
    guard let context = unsafe ZSTD_createCCtx() else {
      preconditionFailure("libzstd has no memory for a context")
    }
    unsafe self.context = context
    output = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
    missingByteCount = contentByteCount
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    unsafe ZSTD_CCtx_setPledgedSrcSize(context, UInt64(contentByteCount))
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Adds content and writes what is compressed so far.
  package mutating func write(
    _ bytes: RawSpan, to file: inout AtomicFile
  ) throws(SystemError) {
    precondition(bytes.byteCount <= missingByteCount, "more content than was stated")
    missingByteCount -= bytes.byteCount
    try run(bytes, ZSTD_e_continue, to: &file)
  }

  /// Ends the frame, whose content must be complete.
  package consuming func finish(to file: inout AtomicFile) throws(SystemError) {
    precondition(missingByteCount == 0, "less content than was stated")
    let nothing: [UInt8] = []
    try run(nothing.span.raw, ZSTD_e_end, to: &file)
  }

  private mutating func run(
    _ bytes: RawSpan, _ directive: ZSTD_EndDirective, to file: inout AtomicFile
  ) throws(SystemError) {
    var consumed = 0
    while true {
      let (remaining, produced) = step(bytes, directive, &consumed)
      if produced > 0 { try file.write(output.span.extracting(0..<produced).raw) }
      // At the end libzstd tells what it still holds; before, only the input has to be taken.
      let isDone = directive == ZSTD_e_end ? remaining == 0 : consumed == bytes.byteCount
      if isDone { return }
    }
  }

  /// One call of libzstd: what it still holds, and how many bytes of `output` it filled.
  private mutating func step(
    _ bytes: RawSpan, _ directive: ZSTD_EndDirective, _ consumed: inout Int
  ) -> (remaining: Int, produced: Int) {
    var target = unsafe ZSTD_outBuffer(dst: nil, size: output.count, pos: 0)
    var source = unsafe ZSTD_inBuffer(src: nil, size: bytes.byteCount, pos: consumed)
    let context = unsafe context
    let remaining = unsafe bytes.withUnsafeBytes { content in
      unsafe output.withUnsafeMutableBytes { room in
        unsafe source.src = content.baseAddress
        unsafe target.dst = room.baseAddress
        return unsafe ZSTD_compressStream2(context, &target, &source, directive)
      }
    }
    // With a valid context and room for output only a lack of memory can fail.
    precondition(ZSTD_isError(remaining) == 0, "libzstd could not compress")
    consumed = unsafe source.pos
    return (remaining, unsafe target.pos)
  }
}
