// gzip and zlib streams, from zlib: the only import of CZlib. Comes in: compressed bytes, piece by
// piece. Leaves: what they were made from, checked by the stream's own sum.

internal import CZlib
import Shared

/// Why a compressed stream is refused.
package enum CompressionError: Failure, Equatable {
  case corrupt(path: String, byte: Int, reason: String)
  case cutShort(path: String, byte: Int)
  /// More came out than any honest file holds.
  case explodes(path: String, byte: Int, limit: Int)
  case wrongSize(path: String, stated: Int)

  package var sentence: String {
    switch self {
    case .corrupt(let path, let byte, let reason): "\(path) is damaged at byte \(byte): \(reason)."
    case .cutShort(let path, let byte): "\(path) is cut short: it ends at byte \(byte)."
    case .explodes(let path, let byte, let limit):
      "\(path) is refused at byte \(byte): it grows to more than \(limit) times its size."
    case .wrongSize(let path, let stated):
      "\(path) is damaged: a part does not hold the \(stated) bytes that it states."
    }
  }

  package var hint: String? { "Fetch or create the file again." }
}

/// A decoder of gzip, of any number of members, or of one zlib stream.
@safe package final class GzipDecoder: StreamDecoder {
  private let stream: UnsafeMutablePointer<z_stream>

  package init() {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 32 more than the greatest window: the header tells gzip from zlib.
    let result = unsafe inflateInit2_(
      stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(result == Z_OK, "zlib has no memory for a stream")
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  package func decode(
    _ input: Span<UInt8>, into output: inout [UInt8], atMost limit: Int
  ) -> DecodingStep {
    var result = Z_OK
    var consumed = 0
    let made = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      unsafe input.withUnsafeBufferPointer { source in
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        unsafe stream.pointee.avail_in = UInt32(source.count)
        unsafe stream.pointee.next_out = buffer.baseAddress
        unsafe stream.pointee.avail_out = UInt32(limit)
        result = unsafe inflate(stream, Z_NO_FLUSH)
        consumed = unsafe source.count - Int(stream.pointee.avail_in)
        count = unsafe limit - Int(stream.pointee.avail_out)
      }
    }
    output += made
    switch result {
    case Z_STREAM_END:
      unsafe inflateReset(stream)
      return DecodingStep(consumed: consumed, state: .endOfPart)
    case Z_OK, Z_BUF_ERROR: return DecodingStep(consumed: consumed, state: .within)
    default:
      let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
      return DecodingStep(consumed: consumed, state: .failed(reason ?? "no gzip data"))
    }
  }

  package func isPadding(_ byte: UInt8) -> Bool { byte == 0 }
}

package enum Gzip {
  /// The CRC-32 of some bytes.
  package static func checksum(_ bytes: [UInt8]) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe UInt32(truncatingIfNeeded: crc32_z(0, buffer.baseAddress, buffer.count))
    }
  }

  /// The content of gzip members or of a zlib stream that hold exactly `byteCount` bytes.
  package static func decompress(
    _ bytes: RawSpan, byteCount: Int, path: String
  ) throws -> [UInt8] {
    let wrongSize = CompressionError.wrongSize(path: path, stated: byteCount)
    // zlib counts in 32 bits.
    guard bytes.byteCount <= Int32.max, 0..<Int(Int32.max) ~= byteCount else { throw wrongSize }
    let decoder = GzipDecoder()
    var content: [UInt8] = []
    var consumed = 0
    repeat {
      // Room for one byte more, so that too much content shows.
      let step = decoder.decode(
        bytes.octets.extracting(consumed..<bytes.byteCount), into: &content,
        atMost: byteCount - content.count + 1)
      consumed += step.consumed
      if case .failed(let reason) = step.state {
        throw CompressionError.corrupt(path: path, byte: consumed, reason: reason)
      }
      guard step.state == .endOfPart, content.count <= byteCount else { throw wrongSize }
    } while consumed < bytes.byteCount
    guard content.count == byteCount else { throw wrongSize }
    return content
  }
}
