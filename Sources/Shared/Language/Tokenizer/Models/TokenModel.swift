// The model of a tokenizer: what turns a piece of text into token ids. Comes in: a piece. Leaves: ids.

/// What turns a piece into tokens.
enum TokenModel: Sendable {
  case bytePairs(BytePairEncoding)
  case wordPiece(WordPiece)
  case unigram(Unigram)
  case wordLevel(WordLevel)

  /// What the pieces of a byte-level pre-tokenizer are to the model.
  enum Alphabet: Sendable {
    /// Bytes as they are.
    case bytes
    /// Characters; bytes are spelt in the byte alphabet first.
    case characters
  }

  var alphabet: Alphabet {
    guard case .bytePairs(let model) = self, case .bytes = model.symbols else {
      return .characters
    }
    return .bytes
  }

  /// Whether pieces may be cut before a “▁” that another character precedes.
  var cutsBeforeMark: Bool {
    guard case .bytePairs(let model) = self else { return false }
    return model.cutsBeforeMark
  }
}

/// Whole words, each a token or unknown.
struct WordLevel: Sendable {
  let spelling: Vocabulary
  let unknown: UInt32

  func id(of word: Span<UInt8>) -> UInt32 { spelling.id(of: word) ?? unknown }
}

/// The memory that encoding a piece needs; one per thread, reused from piece to piece.
struct ModelScratch {
  /// The tokens of the piece: the result, once `encode` returns.
  private(set) var ids: [UInt32] = []
  private var merging = MergeScratch()
  private var lattice = Unigram.Lattice()

  /// Encodes one piece into `ids`.
  mutating func encode(_ piece: Span<UInt8>, _ model: borrowing TokenModel) {
    ids.removeAll(keepingCapacity: true)
    switch model {
    case .bytePairs(let model): merging.encode(piece, model, into: &ids)
    case .wordPiece(let model): model.encode(piece, into: &ids)
    case .unigram(let model): model.encode(piece, &lattice, into: &ids)
    case .wordLevel(let model): ids.append(model.id(of: piece))
    }
  }
}
