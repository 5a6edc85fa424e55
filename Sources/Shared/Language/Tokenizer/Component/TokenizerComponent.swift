// One component of a tokenizer.json: a normalizer, pre-tokenizer, decoder or post-processor.

/// A component as the file describes it, with its place for errors.
struct TokenizerComponent {
  /// The file.
  let path: String
  /// Where it stands, such as `normalizer.normalizers[1]`.
  let part: String
  /// Its type, such as `NFC`; never `Sequence`.
  let type: String
  let value: JSON

  /// The error of something that would have to be approximated.
  func unsupported(_ what: String) -> TokenizerError {
    .unsupported(path: path, part: part, what: what)
  }

  /// The error of a missing or wrong value; `expected` follows "must be".
  func wrongValue(_ key: String, expected: String) -> TokenizerError {
    .wrongValue(path: path, key: "\(part).\(key)", expected: expected)
  }

  /// The error of a type that is not known.
  var unknownType: TokenizerError { unsupported("the type “\(type)”") }
}
