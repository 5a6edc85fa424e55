// What readers of every file format hand their documents to. Comes in: documents, one by one.

package import Shared

/// Takes the documents of a file; what a call lends is valid until it returns.
package protocol DocumentSink {
  /// A document of text: bytes that should be UTF-8 and are not yet checked.
  mutating func text(_ bytes: Span<UInt8>) throws
  /// A document of token ids.
  mutating func tokens(_ ids: Span<UInt32>) throws
  /// A record that cannot be read: throws the error, or counts it and returns, and the reader goes on
  /// with the next record.
  mutating func invalid(_ problem: any Failure) throws
  /// Lone surrogates of JSON escapes that became U+FFFD.
  mutating func replaced(_ count: Int)
}
