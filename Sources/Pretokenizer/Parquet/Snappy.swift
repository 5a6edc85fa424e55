// Snappy, from libsnappy: the only import of CSnappy. Comes in: a compressed page. Leaves: its bytes.

internal import CSnappy

enum Snappy {
  /// The content of a compressed block; nil where it does not hold exactly `byteCount` bytes.
  static func decompress(_ bytes: RawSpan, byteCount: Int) -> [UInt8]? {
    unsafe bytes.withUnsafeBytes { source -> [UInt8]? in
      var length = 0
      let input = unsafe source.baseAddress?.assumingMemoryBound(to: CChar.self)
      guard unsafe snappy_uncompressed_length(input, source.count, &length) == SNAPPY_OK,
        length == byteCount
      else { return nil }
      var status = SNAPPY_OK
      let content = unsafe [UInt8](unsafeUninitializedCapacity: length) { target, count in
        count = length
        unsafe target.withMemoryRebound(to: CChar.self) { target in
          status = unsafe snappy_uncompress(input, source.count, target.baseAddress, &count)
        }
      }
      return status == SNAPPY_OK && content.count == byteCount ? content : nil
    }
  }
}
