// The verb `encode`: the ids of every document of the text, for people and for comparison with other
// tokenizers. Comes in: settings. Leaves: a line of JSON per document.

package import Shared

/// Prints the ids of documents.
package struct EncodedDocuments: DocumentSink {
  /// nil where documents are ids.
  private var encoder: TokenEncoder?
  private let write: ([UInt8]) throws -> Void
  private let skipsInvalid: Bool
  private var ids: [UInt32] = []
  private var line: [UInt8] = []

  private init(
    _ tokenizer: Tokenizer?, skipsInvalid: Bool, write: @escaping ([UInt8]) throws -> Void
  ) {
    encoder = tokenizer.map { TokenEncoder($0) }
    self.skipsInvalid = skipsInvalid
    self.write = write
  }

  /// Reads all documents and hands a list of ids, such as `[15496,995]` and a line feed, on for each.
  package static func write(
    _ settings: PretokenizeSettings, through door: (any HubDoor)? = nil,
    noting note: (String) -> Void = { _ in },
    to write: @escaping ([UInt8]) throws -> Void
  ) throws {
    let inputs = try PretokenizeInputs.find(settings, through: door)
    for sentence in inputs.text.notes { note(sentence) }
    let rules = try ReadingRules(settings, inputs.text)
    var sink = EncodedDocuments(
      try inputs.tokenizer.map(Tokenizer.open), skipsInvalid: settings.skipInvalid, write: write)
    let text = try InputResolver.readable(inputs.text, settings, through: door)
    for block in try InputBlock.cut(text, rules) {
      for piece in block.pieces { try piece.read(rules, into: &sink) }
    }
  }

  package mutating func text(_ bytes: Span<UInt8>) throws {
    ids.removeAll(keepingCapacity: true)
    encoder?.encode(bytes, into: &ids)
    let found = ids
    try tokens(found.span)
  }

  package mutating func tokens(_ ids: Span<UInt32>) throws {
    line.removeAll(keepingCapacity: true)
    line.append(UInt8(ascii: "["))
    for index in ids.indices {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      line += Array(String(ids[index]).utf8)
    }
    line += [UInt8(ascii: "]"), 0x0A]
    try write(line)
  }

  package mutating func invalid(_ problem: any Failure) throws {
    if !skipsInvalid { throw problem }
  }

  package mutating func replaced(_ count: Int) {}
}
