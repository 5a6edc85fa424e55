// The one place where numbers are looked at as bytes.

extension Span where Element: BitwiseCopyable {
  /// The memory of the elements.
  ///
  /// Numbers have no padding, so every byte is initialized.
  package var raw: RawSpan {
    @_lifetime(copy self) get { unsafe bytes }
  }
}

extension RawSpan {
  /// The bytes, as elements.
  package var octets: Span<UInt8> {
    @_lifetime(copy self) get { Span<UInt8>(_bytes: self) }
  }

  /// Eight bytes from `offset` on, the first of them lowest; needs no alignment.
  @inline(__always) package func word(at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}

extension Array where Element: BitwiseCopyable {
  /// The elements of a span, as an array of their own.
  package init(copying elements: Span<Element>) {
    self = unsafe elements.withUnsafeBufferPointer { unsafe Array($0) }
  }

  package mutating func append(copying elements: Span<Element>) {
    unsafe elements.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}
