// The model and the added tokens of a tokenizer.json. Comes in: the file. Leaves: a model, everything
// that has an id, and the tokens that are found before the text is cut.

extension TokenizerFile {
  /// What has an id, as it is spelt in the file, with the log-probabilities of a Unigram model.
  private struct Tokens {
    var tokens: [[UInt8]] = []
    var ids: [UInt32] = []
    var scores: [Double] = []

    mutating func append(_ token: [UInt8], _ id: UInt32) {
      tokens.append(token)
      ids.append(id)
    }

    var vocabulary: Vocabulary { Vocabulary(tokens: tokens, ids: ids) }
  }

  /// The model, and the spelling of its tokens; `pieces` says what the pre-tokenizer makes.
  func model(pieces: TokenModel.Alphabet) throws -> (model: TokenModel, spelling: Vocabulary) {
    switch try modelType() {
    case "BPE":
      let spelling = try tokens().vocabulary
      return (.bytePairs(try bytePairs(spelling, pieces)), spelling)
    case "WordPiece":
      let spelling = try tokens().vocabulary
      return (.wordPiece(try wordPiece(spelling)), spelling)
    case "WordLevel":
      let spelling = try tokens().vocabulary
      let unknown = try requiredUnknown(spelling, usual: "<unk>")
      return (.wordLevel(WordLevel(spelling: spelling, unknown: unknown)), spelling)
    case "Unigram":
      let tokens = try scoredTokens()
      let spelling = tokens.vocabulary
      return (.unigram(try unigram(spelling, scores ?? tokens.scores)), spelling)
    case let type: throw unsupported("model", "the type “\(type)”")
    }
  }

  /// The stated type; files of old versions leave it to be told by the members.
  func modelType() throws -> String {
    if let type = try tree("model.type").string { return type }
    if values["model.merges"] != nil { return "BPE" }
    if isArray("model.vocab") { return "Unigram" }
    return values["model.max_input_chars_per_word"] != nil ? "WordPiece" : "WordLevel"
  }

  private func isArray(_ key: String) -> Bool {
    values[key].map { bytes[$0.lowerBound] == UInt8(ascii: "[") } ?? false
  }

  // MARK: - Vocabulary

  private func start(of key: String, _ bracket: Unicode.Scalar, expected: String) throws -> Int {
    guard let range = values[key], bytes[range.lowerBound] == UInt8(ascii: bracket) else {
      throw TokenizerError.wrongValue(path: path, key: key, expected: expected)
    }
    return range.lowerBound
  }

  /// A vocabulary that maps tokens to ids.
  private func tokens() throws -> Tokens {
    let start = try start(of: "model.vocab", "{", expected: "an object")
    return try reading {
      var tokens = Tokens()
      var scanner = JSONScanner(bytes.span, from: start)
      var key: [UInt8] = []
      try scanner.openObject()
      while try scanner.nextMember(&key) {
        let offset = scanner.position
        let id = try scanner.integer()
        guard (0..<TokenizerFile.idLimit).contains(id) else {
          throw JSONProblem(offset: offset, what: "\(id) is no token id")
        }
        tokens.append(try TokenizerFile.checked(key, offset), UInt32(id))
      }
      return tokens
    }
  }

  /// A vocabulary that lists tokens with their log-probabilities, in the order of their ids.
  private func scoredTokens() throws -> Tokens {
    let start = try start(of: "model.vocab", "[", expected: "a list")
    return try reading {
      var tokens = Tokens()
      var scanner = JSONScanner(bytes.span, from: start)
      try scanner.openArray()
      while try scanner.nextElement() {
        let offset = scanner.position
        var token: [UInt8] = []
        let malformed = JSONProblem(offset: offset, what: "expected a token and its score")
        try scanner.openArray()
        guard try scanner.nextElement() else { throw malformed }
        try scanner.string(into: &token)
        guard try scanner.nextElement() else { throw malformed }
        let range = try scanner.skipValue()
        guard let score = SerdeNumber.value(Array(bytes[range])),
          try !scanner.nextElement(), tokens.ids.count < TokenizerFile.idLimit
        else { throw malformed }
        tokens.append(try TokenizerFile.checked(token, offset), UInt32(tokens.ids.count))
        tokens.scores.append(score)
      }
      return tokens
    }
  }

  /// The first place of a piece in a Unigram vocabulary, with a score of zero if that is asked for.
  func place(of piece: String, scoresZero: Bool) throws -> Int? {
    let tokens = try scoredTokens()
    let scores = scores ?? tokens.scores
    return tokens.tokens.indices.first {
      tokens.tokens[$0].elementsEqual(piece.utf8) && (!scoresZero || scores[$0] == 0)
    }
  }

  private static func checked(_ token: [UInt8], _ offset: Int) throws(JSONProblem) -> [UInt8] {
    guard UTF8.isValid(token) else {
      throw JSONProblem(offset: offset, what: "the token before is not UTF-8")
    }
    return token
  }

  // MARK: - Options

  private func flag(_ key: String) throws -> Bool { try tree("model." + key).bool ?? false }

  /// An optional text; empty where it is absent or null.
  private func text(_ key: String) throws -> [UInt8] {
    switch try tree("model." + key) {
    case .null: return []
    case .string(let text): return Array(text.utf8)
    default:
      throw TokenizerError.wrongValue(path: path, key: "model." + key, expected: "a string or null")
    }
  }

  /// The id of `unk_token`; nil where there is none.
  private func unknown(_ spelling: Vocabulary) throws -> UInt32? {
    guard let name = try tree("model.unk_token").string else { return nil }
    guard let id = spelling.id(of: Array(name.utf8)) else {
      throw TokenizerError.wrongValue(
        path: path, key: "model.unk_token", expected: "in the vocabulary")
    }
    return id
  }

  private func requiredUnknown(_ spelling: Vocabulary, usual: String) throws -> UInt32 {
    if let id = try unknown(spelling) { return id }
    if let id = spelling.id(of: Array(usual.utf8)) { return id }
    throw TokenizerError.wrongValue(
      path: path, key: "model.unk_token", expected: "in the vocabulary")
  }

  // MARK: - Models

  private func wordPiece(_ spelling: Vocabulary) throws -> WordPiece {
    let isStated = has("model.continuing_subword_prefix")
    return WordPiece(
      spelling, prefix: isStated ? try text("continuing_subword_prefix") : Array("##".utf8),
      unknown: try requiredUnknown(spelling, usual: "[UNK]"),
      longestWord: try tree("model.max_input_chars_per_word").integer ?? 100)
  }

  private func unigram(_ spelling: Vocabulary, _ scores: [Double]) throws -> Unigram {
    guard let unknown = try tree("model.unk_id").integer.flatMap({ UInt32(exactly: $0) }),
      spelling.token(unknown) != nil
    else {
      throw TokenizerError.wrongValue(
        path: path, key: "model.unk_id", expected: "a place in the vocabulary")
    }
    return Unigram(
      spelling, scores: scores, unknown: unknown,
      byteTokens: try flag("byte_fallback") ? spelling.byteTokens : [])
  }

  private func bytePairs(
    _ spelling: Vocabulary, _ pieces: TokenModel.Alphabet
  ) throws -> BytePairEncoding {
    let dropout = try tree("model.dropout")
    guard dropout == .null || dropout.double == 0 else {
      throw unsupported("model.dropout", dropout.canonical)
    }
    let affixes = CharacterSymbols.Affixes(
      continuing: try text("continuing_subword_prefix"), end: try text("end_of_word_suffix"))
    let unknown = CharacterSymbols.Unknown(
      id: try self.unknown(spelling), isFused: try flag("fuse_unk"),
      byteTokens: try flag("byte_fallback") ? spelling.byteTokens : [])
    let symbols = TokenizerFile.symbols(spelling, affixes, unknown, pieces)
    let merges = try merges(spelling, prefixCount: affixes.continuing.count)
    let isWhole = try flag("ignore_merges")
    var whole: Vocabulary?
    if isWhole {
      whole = spelling
      if case .bytes = symbols { whole = spelling.spelledInBytes }
    }
    return BytePairEncoding(
      symbols: symbols, merges: merges, wholePieces: whole,
      cutsBeforeMark: pieces == .characters && !isWhole && affixes.isEmpty
        && TokenizerFile.cutsBeforeMark(spelling, merges))
  }

  /// Bytes where pieces are bytes and every byte has a token or none matters, else characters.
  private static func symbols(
    _ spelling: Vocabulary, _ affixes: CharacterSymbols.Affixes,
    _ unknown: CharacterSymbols.Unknown, _ pieces: TokenModel.Alphabet
  ) -> BytePairEncoding.Symbols {
    if pieces == .bytes, affixes.isEmpty {
      let ids = ByteAlphabet.scalars.map { spelling.id(of: Array(String($0).utf8)) }
      if !ids.contains(nil) || unknown.byteTokens.isEmpty && !unknown.isFused {
        return .bytes(ids.map { $0 ?? unknown.id ?? BytePairEncoding.noToken })
      }
    }
    return .characters(CharacterSymbols(spelling, affixes: affixes, unknown: unknown))
  }

  /// Whether “▁” is a token and no rule joins it to a token before that ends otherwise.
  private static func cutsBeforeMark(
    _ spelling: Vocabulary, _ merges: [BytePairEncoding.Merge]
  ) -> Bool {
    let mark = Array("▁".utf8)
    guard spelling.id(of: mark) != nil else { return false }
    return merges.allSatisfy { merge in
      guard let left = spelling.token(merge.left), let right = spelling.token(merge.right)
      else { return false }
      return !right.starts(with: mark) || left.suffix(mark.count).elementsEqual(mark)
    }
  }

  // MARK: - Merges

  private func merges(
    _ spelling: Vocabulary, prefixCount: Int
  ) throws -> [BytePairEncoding.Merge] {
    let start = try start(of: "model.merges", "[", expected: "a list")
    return try reading {
      var merges: [BytePairEncoding.Merge] = []
      var scanner = JSONScanner(bytes.span, from: start)
      var left: [UInt8] = []
      var right: [UInt8] = []
      var index = -1
      try scanner.openArray()
      while try scanner.nextElement() {
        index += 1
        guard try readMerge(&scanner, &left, &right) else { continue }
        func id(_ token: [UInt8]) throws(TokenizerError) -> UInt32 {
          if let id = spelling.id(of: token) { return id }
          throw .unknownMerge(
            path: path, index: index, token: String(decoding: token, as: UTF8.self))
        }
        merges.append(
          .init(
            left: try id(left), right: try id(right),
            joined: try id(left + right.dropFirst(prefixCount))))
      }
      return merges
    }
  }

  /// Reads `"a b"` or `["a", "b"]`; false for the version line that old files carry.
  private func readMerge(
    _ scanner: inout JSONScanner, _ left: inout [UInt8], _ right: inout [UInt8]
  ) throws -> Bool {
    left.removeAll(keepingCapacity: true)
    right.removeAll(keepingCapacity: true)
    let offset = scanner.position
    if scanner.next == UInt8(ascii: "[") {
      let malformed = JSONProblem(offset: offset, what: "expected two tokens")
      try scanner.openArray()
      guard try scanner.nextElement() else { throw malformed }
      try scanner.string(into: &left)
      guard try scanner.nextElement() else { throw malformed }
      try scanner.string(into: &right)
      guard try !scanner.nextElement() else { throw malformed }
      return true
    }
    var line: [UInt8] = []
    try scanner.string(into: &line)
    if line.starts(with: Array("#version".utf8)) { return false }
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw JSONProblem(offset: offset, what: "expected two tokens with one space between them")
    }
    left += parts[0]
    right += parts[1]
    return true
  }
}
