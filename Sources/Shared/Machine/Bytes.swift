// The one place where numbers are looked at as bytes.

extension Span where Element: BitwiseCopyable {
  /// The memory of the elements.
  ///
  /// Numbers have no padding, so every byte is initialised.
  package var raw: RawSpan {
    @_lifetime(copy self) get { unsafe bytes }
  }
}
