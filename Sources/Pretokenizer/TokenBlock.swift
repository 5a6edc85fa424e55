// The tokens of one block of input, between tokenizing and packing: `block-NNNNN.safetensors` with
// `tokens` and the `lengths` of the documents that have any, for as long as the stage runs.

package import Shared

/// A mapped block of tokens.
package final class TokenBlock: Sendable {
  private let file: SafetensorsFile
  private let tokens: TensorEntry
  private let lengths: TensorEntry
  /// Documents of the input, empty ones included.
  package let documentCount: Int
  /// U+FFFD put in place of bytes or escapes that are no text.
  package let replacedCount: Int

  package var tokenCount: Int { tokens.count }
  /// Documents with at least one token.
  package var lengthCount: Int { lengths.count }

  package static func fileName(_ index: Int) -> String {
    let digits = String(index)
    return "block-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
      + ".safetensors"
  }

  package init(open path: String) throws {
    file = try SafetensorsFile.open(path)
    tokens = try file.require("tokens", [.uint16, .uint32], shape: [nil])
    lengths = try file.require("lengths", [.uint32], shape: [nil])
    documentCount = Int(file.header.metadata["documents"] ?? "") ?? 0
    replacedCount = Int(file.header.metadata["replaced_characters"] ?? "") ?? 0
  }

  /// The token at a place of the block.
  func token(_ index: Int) -> UInt32 { value(tokens, index) }

  /// The number of tokens of a document.
  func length(_ document: Int) -> Int { Int(value(lengths, document)) }

  private func value(_ entry: TensorEntry, _ index: Int) -> UInt32 {
    var one: InlineArray<1, UInt32> = [0]
    var span = one.mutableSpan
    file.readIntegers(entry, from: index, into: &span)
    return one[0]
  }

  /// Copies tokens from `index` on.
  func read(_ index: Int, into target: inout MutableSpan<UInt32>) {
    file.readIntegers(tokens, from: index, into: &target)
  }

  /// Tokenizes a block of input and writes it.
  package static func write(
    _ block: InputBlock, column: String, encoder: inout TokenEncoder, vocabularySize: Int,
    to file: inout AtomicFile
  ) throws {
    var tokens: [UInt32] = []
    var lengths: [UInt32] = []
    var documents = 0
    let replacedBefore = encoder.replacedCount
    let surrogates = try block.forEachDocument(column: column) { text in
      let start = tokens.count
      encoder.encode(text, into: &tokens)
      documents += 1
      if tokens.count > start { lengths.append(UInt32(tokens.count - start)) }
    }
    let replaced = surrogates + encoder.replacedCount - replacedBefore
    let type = TensorType.unsigned(below: vocabularySize)
    var writer = SafetensorsWriter(metadata: [
      "documents": String(documents), "replaced_characters": String(replaced),
    ])
    // U32 first, so that both lie at multiples of their size.
    writer.declare("lengths", .uint32, shape: [lengths.count])
    writer.declare("tokens", type, shape: [tokens.count])
    try writer.writeHeader(to: &file)
    try file.write(lengths.span.raw)
    if type == .uint16 {
      let narrow = tokens.map { UInt16($0) }
      try file.write(narrow.span.raw)
    } else {
      try file.write(tokens.span.raw)
    }
  }
}
