// SentencePiece's model file. Comes in: the bytes of a tokenizer.model, spiece.model or their like.
// Leaves: pieces with scores, and what trainer and normalizer say; fields as sentencepiece_model.proto
// numbers them.

/// A SentencePiece model as its file says it.
struct SentencePieceModel {
  /// What a piece is for; the raw value is the file's.
  enum Kind: UInt64 {
    case normal = 1
    case unknown = 2
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  struct Piece {
    var text: [UInt8] = []
    var score: Float = 0
    var kind = Kind.normal
  }

  enum ModelType: UInt64 {
    case unigram = 1
    case bytePairs = 2
    case word = 3
    case character = 4
  }

  private(set) var pieces: [Piece] = []
  private(set) var modelType = ModelType.unigram
  private(set) var fallsBackToBytes = false
  private(set) var unknownId = 0
  private(set) var beginId = 1
  private(set) var endId = 2
  private(set) var unknownPiece = "<unk>"
  private(set) var beginPiece = "<s>"
  private(set) var endPiece = "</s>"
  private(set) var characterMap: [UInt8] = []
  private(set) var addsDummyPrefix = true
  private(set) var removesExtraSpaces = true
  private(set) var escapesSpaces = true

  private let bytes: [UInt8]

  /// Reads a whole model file.
  init(_ bytes: [UInt8]) throws(ProtobufProblem) {
    self.bytes = bytes
    var reader = ProtobufReader(bytes, 0..<bytes.count)
    while let field = try reader.next() {
      guard case .range(let range) = field.value else { continue }
      switch field.number {
      case 1:
        guard pieces.count < TokenizerFile.idLimit else {
          throw ProtobufProblem(offset: field.offset, what: "more pieces than ids")
        }
        pieces.append(try piece(range))
      case 2: try readTrainer(range)
      case 3: try readNormalizer(range)
      default: break
      }
    }
    guard !pieces.isEmpty else { throw ProtobufProblem(offset: 0, what: "a model without pieces") }
    guard pieces.indices.contains(unknownId) else {
      throw ProtobufProblem(offset: 0, what: "the unknown piece \(unknownId) is none")
    }
  }

  private func piece(_ range: Range<Int>) throws(ProtobufProblem) -> Piece {
    var piece = Piece()
    var reader = ProtobufReader(bytes, range)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .range(let range)): piece.text = Array(try text(range).utf8)
      case (2, .fixed32(let bits)):
        piece.score = Float(bitPattern: bits)
        guard piece.score.isFinite else {
          throw ProtobufProblem(offset: field.offset, what: "a score that is no number")
        }
      case (3, .varint(let value)):
        guard let kind = Kind(rawValue: value) else {
          throw ProtobufProblem(offset: field.offset, what: "a piece of the unknown kind \(value)")
        }
        piece.kind = kind
      default: break
      }
    }
    guard !piece.text.isEmpty else {
      throw ProtobufProblem(offset: range.lowerBound, what: "an empty piece")
    }
    return piece
  }

  private mutating func readTrainer(_ range: Range<Int>) throws(ProtobufProblem) {
    var reader = ProtobufReader(bytes, range)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (3, .varint(let value)):
        guard let type = ModelType(rawValue: value) else {
          throw ProtobufProblem(offset: field.offset, what: "a model of the unknown type \(value)")
        }
        modelType = type
      case (35, .varint(let value)): fallsBackToBytes = value != 0
      case (40, .varint(let value)): unknownId = SentencePieceModel.integer(value)
      case (41, .varint(let value)): beginId = SentencePieceModel.integer(value)
      case (42, .varint(let value)): endId = SentencePieceModel.integer(value)
      case (45, .range(let range)): unknownPiece = try text(range)
      case (46, .range(let range)): beginPiece = try text(range)
      case (47, .range(let range)): endPiece = try text(range)
      default: break
      }
    }
  }

  private mutating func readNormalizer(_ range: Range<Int>) throws(ProtobufProblem) {
    var reader = ProtobufReader(bytes, range)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (2, .range(let range)): characterMap = Array(bytes[range])
      case (3, .varint(let value)): addsDummyPrefix = value != 0
      case (4, .varint(let value)): removesExtraSpaces = value != 0
      case (5, .varint(let value)): escapesSpaces = value != 0
      default: break
      }
    }
  }

  /// An int32, which is written with 64 bits where it is negative.
  private static func integer(_ value: UInt64) -> Int {
    Int(Int32(truncatingIfNeeded: value))
  }

  private func text(_ range: Range<Int>) throws(ProtobufProblem) -> String {
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      throw ProtobufProblem(offset: range.lowerBound, what: "a text that is not UTF-8")
    }
    return text
  }
}
