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
  private let roles: TokenRoles
  /// One more than the greatest id.
  package let vocabularySize: Int

  /// Opens a tokenizer.
  ///
  /// `path` is a folder with `tokenizer.json` or with `vocab.json` and `merges.txt`, or a
  /// tokenizer.json itself.
  package static func open(_ path: String) throws -> Tokenizer {
    try Tokenizer(path: try locate(path))
  }

  /// The file that a path means: tokenizer.json or, in folders without one, vocab.json.
  package static func locate(_ path: String) throws(TokenizerError) -> String {
    guard System.exists(path) else { throw .absent(path) }
    guard System.isDirectory(path) else { return path }
    let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    let file = folder + "/tokenizer.json"
    if System.exists(file) { return file }
    guard VocabularyFiles.exist(in: folder) else { throw .noFile(folder: path) }
    return folder + "/" + VocabularyFiles.vocabulary
  }

  /// The bytes of a located tokenizer as tokenizer.json, which is made of older files where those are
  /// what there is.
  package static func contents(_ path: String) throws -> [UInt8] {
    guard path.hasSuffix("/" + VocabularyFiles.vocabulary) else {
      return try MappedFile.contents(path)
    }
    return try VocabularyFiles.tokenizerJSON(in: folder(of: path))
  }

  /// The files that a located tokenizer is read from.
  package static func sources(_ path: String) -> [String] {
    guard path.hasSuffix("/" + VocabularyFiles.vocabulary) else { return [path] }
    let configuration = folder(of: path) + "/tokenizer_config.json"
    return [path, folder(of: path) + "/" + VocabularyFiles.merges]
      + (System.exists(configuration) ? [configuration] : [])
  }

  private init(path: String) throws {
    self.path = path
    let file = try TokenizerFile(try Tokenizer.contents(path), path: path)
    let normalizers = try file.normalizers()
    self.normalizers = normalizers
    preTokenizer = try file.preTokenizer()
    decoder = try file.decoder()
    template = try file.template()
    (model, spelling) = try file.model(pieces: preTokenizer.isByteLevel ? .bytes : .characters)
    addedTokens = try file.addedTokens(spelling)
    rawTokens = AddedTokenMatcher(addedTokens.filter { !$0.isNormalized })
    normalizedTokens = AddedTokenMatcher(
      addedTokens.filter(\.isNormalized).map { token in
        let content = token.content
        return token.with(content: normalizers.apply(content.span) ?? content)
      })
    vocabularySize = max(spelling.count, (addedTokens.map { Int($0.id) + 1 }.max() ?? 0))
    roles = try TokenRoles(beside: path)
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
  package var bosId: UInt32? { id(named: roles.bos) }
  package var eosId: UInt32? { id(named: roles.eos) }
  package var sepId: UInt32? { id(named: roles.sep) }
  package var padId: UInt32? { id(named: roles.pad) }

  /// The first of the names that is an added token or, failing that, any token.
  private func id(named names: [String]) -> UInt32? {
    for name in names {
      let content = Array(name.utf8)
      if let token = addedTokens.first(where: { $0.content == content }) { return token.id }
      if let id = spelling.id(of: content) { return id }
    }
    return nil
  }

  /// The id that an option such as `begin_batch_token` means.
  package func id(of choice: TokenChoice) throws(TokenizerError) -> UInt32 {
    let found: UInt32?
    let role: String
    switch choice {
    case .bos: (found, role) = (bosId, "bos")
    case .eos: (found, role) = (eosId, "eos")
    case .sep: (found, role) = (sepId, "sep")
    case .id(let id):
      guard id >= 0, id < vocabularySize else {
        throw .idOutOfRange(path: path, id: id, vocabularySize: vocabularySize)
      }
      return UInt32(id)
    }
    guard let found else { throw .noSuchToken(path: path, role: role) }
    return found
  }

  /// The tokens that have a role: beginning, end, separator, padding.
  package var tokensWithRoles: Set<UInt32> {
    Set([bosId, eosId, sepId, padId].compactMap { $0 })
  }
}

/// The names of the tokens with a role.
private struct TokenRoles: Sendable {
  let bos: [String]
  let eos: [String]
  let sep: [String]
  let pad: [String]

  /// Reads the roles from the files beside tokenizer.json; without them, the usual names.
  init(beside path: String) throws {
    var files: [JSON] = []
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
      let file = folder(of: path) + "/" + name
      guard System.exists(file) else { continue }
      let mapped = try MappedFile.open(file)
      let bytes = [UInt8](copying: mapped.bytes.octets)
      guard let value = try? JSON(parsing: bytes), value.object != nil else {
        throw TokenizerError.malformed(path: file, offset: 0, what: "no JSON object")
      }
      files.append(value)
    }
    func names(_ key: String, _ usual: [String]) -> [String] {
      for file in files {
        guard let value = file[key] else { continue }
        return [value.string ?? value["content"]?.string].compactMap { $0 }
      }
      return usual
    }
    bos = names("bos_token", ["<|endoftext|>", "<|begin_of_text|>", "<s>", "<bos>", "[CLS]"])
    eos = names("eos_token", ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]"])
    sep = names("sep_token", ["[SEP]", "</s>"])
    pad = names("pad_token", ["<pad>", "[PAD]"])
  }
}
