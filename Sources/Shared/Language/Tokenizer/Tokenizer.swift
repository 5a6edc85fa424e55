// A Hugging Face tokenizer: text ↔ token ids. Comes in: tokenizer.json and the files beside it.
// Leaves: an immutable value that any number of threads may encode with.

/// Text to token ids and back.
package struct Tokenizer: Sendable {
  /// The tokenizer.json that was read.
  package let path: String
  let normalizers: [Normalizer]
  let preTokenizer: PreTokenizer
  let model: TokenModel
  /// Added tokens that are looked for before normalization.
  let rawTokens: AddedTokenMatcher
  /// Added tokens that are looked for after it.
  let normalizedTokens: AddedTokenMatcher
  /// What the post-processor puts before and behind every text.
  let template: TokenTemplate
  /// Every token of the model by id, as the file spells it.
  private let spelling: Vocabulary
  private let addedTokens: [AddedToken]
  private let decoder: TokenDecoder
  /// The ids of roles such as `bos_token`.
  private let roles: [String: UInt32]
  /// One more than the greatest id.
  package let vocabularySize: Int
  /// The digest of what files beside the vocabulary change; nil where they change nothing.
  package let difference: String?

  /// Opens a tokenizer as AutoTokenizer of transformers 5 opens it.
  ///
  /// `path` is a folder with `tokenizer.json`, `vocab.json` and `merges.txt`, `vocab.txt`,
  /// SentencePiece's `tokenizer.model` or a tiktoken file; or one of these files.
  package static func open(_ path: String) throws -> Tokenizer {
    try Tokenizer(path: try TokenizerLocation.find(path))
  }

  private init(path: String) throws {
    try self.init(TokenizerLocation.open(path), path: path)
  }

  /// Takes what was published; `path` is named in errors.
  init(_ published: PublishedTokenizer, path: String) throws {
    self.path = path
    let file = published.file
    let normalizers = try file.normalizers()
    self.normalizers = normalizers
    preTokenizer = try file.preTokenizer()
    decoder = try file.decoder()
    (model, spelling) = try file.model(pieces: preTokenizer.isByteLevel ? .bytes : .characters)
    let tokens = try published.tokens(spelling)
    template = tokens.template
    addedTokens = tokens.added
    roles = tokens.roles
    rawTokens = AddedTokenMatcher(addedTokens.filter { !$0.description.isNormalized })
    normalizedTokens = AddedTokenMatcher(
      try addedTokens.filter(\.description.isNormalized).map { token in
        var token = token
        token.description.content =
          normalizers.apply(token.content.span) ?? token.content
        // The reference would cut the text behind every byte.
        guard !token.content.isEmpty else {
          throw TokenizerError.vanishingToken(path: path, id: token.id)
        }
        return token
      })
    vocabularySize = max(spelling.count, (addedTokens.map { Int($0.id) + 1 }.max() ?? 0))
    // A template states ids of its own.
    for id in template.prefix + template.suffix where Int(id) >= vocabularySize {
      throw TokenizerError.idOutOfRange(path: path, id: Int(id), vocabularySize: vocabularySize)
    }
    difference = try published.difference(tokens)
  }
}

extension Tokenizer {
  /// The text of a tokenizer.json that says all that the tokenizer's files say.
  package func contents() throws -> [UInt8] {
    try TokenizerLocation.open(path).file.contents(
      addedTokens, template.json { String(decoding: token($0) ?? [], as: UTF8.self) })
  }

  /// The text of a tokenizer_config.json beside `contents` that says which token has which role.
  package var configuration: String {
    var members = roles.mapValues { JSON.string(String(decoding: token($0) ?? [], as: UTF8.self)) }
    members["tokenizer_class"] = "PreTrainedTokenizerFast"
    return JSON.object(members).pretty
  }
}

extension Tokenizer {
  /// What the normalizers make of valid UTF-8; nil where nothing changes.
  package func normalize(_ text: borrowing Span<UInt8>) -> [UInt8]? {
    normalizers.apply(text)
  }
}

extension Tokenizer {
  /// The text of many tokens; bytes that are no UTF-8 show as U+FFFD, ids without a token as nothing.
  package func decode(_ ids: [UInt32]) -> String {
    String(decoding: decoder.decode(ids.compactMap(token)), as: UTF8.self)
  }

  /// The text of one token, for people: as it stands within a text.
  package func tokenText(_ id: UInt32) -> String {
    String(decoding: decoder.text(of: token(id) ?? []), as: UTF8.self)
  }

  /// A token as the file spells it.
  private func token(_ id: UInt32) -> [UInt8]? {
    if let token = spelling.token(id) { return Array(token) }
    return addedTokens.first { $0.id == id }?.content
  }
}

extension Tokenizer {
  package var bosId: UInt32? { roles["bos_token"] }
  package var eosId: UInt32? { roles["eos_token"] }
  package var sepId: UInt32? { roles["sep_token"] }
  package var padId: UInt32? { roles["pad_token"] }

  /// The id that an option such as `begin_batch_token` means; nil for a role without a token.
  package func id(of choice: TokenChoice) throws(TokenizerError) -> UInt32? {
    switch choice {
    case .bos: return bosId
    case .eos: return eosId
    case .sep: return sepId
    case .id(let id):
      guard id >= 0, id < vocabularySize else {
        throw .idOutOfRange(path: path, id: id, vocabularySize: vocabularySize)
      }
      return UInt32(id)
    }
  }

  /// The tokens that have a role: beginning, end, separator, padding.
  package var tokensWithRoles: Set<UInt32> {
    Set([bosId, eosId, sepId, padId].compactMap { $0 })
  }
}
