// The tokens of one unit of input, between tokenizing and packing: parts of bounded size, each a
// safetensors file, for as long as the stage runs. Comes in: their files. Leaves: where tokens lie.
//
// A part holds `documents` U32 [n, 2] (length and first token of every document), `begins` U8 (one
// bit per token that is the one which begins every sequence; absent where there is none) and
// `tokens`. The last part of a unit is its main file; it is written last and counts the others.

import Shared

/// Where the parts of the work lie.
package enum TokenBlock {
  /// Tokens after which a part ends with the document.
  package static let tokensPerPart = 8 << 20
  /// Documents after which a part ends.
  package static let documentsPerPart = 1 << 20

  /// The main file of a unit.
  package static func fileName(_ unit: Int) -> String { "block-\(paddedNumber(unit)).safetensors" }

  /// A file of a unit before its main file.
  package static func fileName(_ unit: Int, part: Int) -> String {
    "block-\(paddedNumber(unit))-\(paddedNumber(part)).safetensors"
  }

  /// What a unit had in it.
  package struct Counts: Sendable, Equatable {
    /// Documents, empty ones included and invalid ones not.
    package var documents = 0
    /// Records that were left out.
    package var invalid = 0
    /// U+FFFD put in place of bytes or escapes that are no text.
    package var replaced = 0
    /// The greatest id of rows of ids.
    package var largest = 0

    package init() {}

    static func + (first: Counts, second: Counts) -> Counts {
      var sum = first
      sum.documents += second.documents
      sum.invalid += second.invalid
      sum.replaced += second.replaced
      sum.largest = max(sum.largest, second.largest)
      return sum
    }

    var metadata: [String: String] {
      [
        "documents": String(documents), "invalid_documents": String(invalid),
        "replaced_characters": String(replaced), "largest_id": String(largest),
      ]
    }

    init(_ metadata: [String: String]) {
      documents = Int(metadata["documents"] ?? "") ?? 0
      invalid = Int(metadata["invalid_documents"] ?? "") ?? 0
      replaced = Int(metadata["replaced_characters"] ?? "") ?? 0
      largest = Int(metadata["largest_id"] ?? "") ?? 0
    }
  }
}

/// A part of a unit: where its tables begin in its file.
package struct TokenPart: Sendable {
  let unit: Int
  /// nil for the main file.
  let number: Int?
  let documents: Range<Int>
  let begins: Range<Int>
  let tokens: Range<Int>
  let bytesPerToken: Int
  let documentCount: Int

  package var tokenCount: Int { tokens.count / bytesPerToken }

  var fileName: String {
    number.map { TokenBlock.fileName(unit, part: $0) } ?? TokenBlock.fileName(unit)
  }

  /// The parts of a unit in order, and what its main file counts.
  package static func open(
    _ folder: String, unit: Int
  ) throws -> (parts: [TokenPart], counts: TokenBlock.Counts) {
    let (main, metadata) = try open(folder, unit, nil)
    let count = Int(metadata["parts"] ?? "") ?? 0
    let parts = try (0..<max(0, count)).map { try open(folder, unit, $0).part }
    return (parts + [main], TokenBlock.Counts(metadata))
  }

  private static func open(
    _ folder: String, _ unit: Int, _ number: Int?
  ) throws -> (part: TokenPart, metadata: [String: String]) {
    let name = number.map { TokenBlock.fileName(unit, part: $0) } ?? TokenBlock.fileName(unit)
    // Mapped for its header alone; what follows is read through small buffers.
    let file = try SafetensorsFile.open(folder + "/" + name)
    let documents = try file.require("documents", [.uint32], shape: [nil, 2])
    let begins = try file.require("begins", [.uint8], shape: [nil])
    let tokens = try file.require("tokens", [.uint16, .uint32], shape: [nil])
    guard begins.count == 0 || begins.count >= (tokens.count + 7) / 8 else {
      throw SafetensorsError.unexpectedShape(
        path: file.path, tensor: "begins", shape: begins.shape,
        expected: [(tokens.count + 7) / 8])
    }
    let part = TokenPart(
      unit: unit, number: number, documents: documents.range, begins: begins.range,
      tokens: tokens.range, bytesPerToken: tokens.type.byteCount,
      documentCount: documents.shape[0])
    return (part, file.header.metadata)
  }
}

/// The parts of all units, as one source.
package struct TokenParts: TokenSource {
  let folder: String
  let parts: [TokenPart]
  package let tokenCount: Int
  package let bytesPerToken: Int
  /// What all units had in them.
  package let counts: TokenBlock.Counts
  private let firstDocuments: [Int]

  /// Opens the finished units of a folder.
  package init(folder: String, units: Int, bytesPerToken: Int) throws {
    self.folder = folder
    self.bytesPerToken = bytesPerToken
    var (parts, counts): ([TokenPart], _) = ([], TokenBlock.Counts())
    for unit in 0..<units {
      let opened = try TokenPart.open(folder, unit: unit)
      parts += opened.parts
      counts = counts + opened.counts
    }
    self.parts = parts
    self.counts = counts
    tokenCount = parts.reduce(0) { $0 + $1.tokenCount }
    var (first, firstDocuments): (Int, [Int]) = (0, [])
    for part in parts {
      firstDocuments.append(first)
      first += part.documentCount
    }
    self.firstDocuments = firstDocuments
  }

  package var partCount: Int { parts.count }
  package func documentCount(_ part: Int) -> Int { parts[part].documentCount }
  package func documentsBefore(_ part: Int) -> Int { firstDocuments[part] }
  package func reader() -> TokenPartReader { TokenPartReader(self) }
}
