// A SentencePiece model as a tokenizer. Comes in: the model and the files beside it. Leaves: what
// transformers' SentencePieceExtractor and its tokenizer classes make of them.

/// Makes tokenizers of SentencePiece models.
struct SentencePieceConversion {
  private let model: SentencePieceModel
  private let path: String
  private let settings: TokenizerSettings

  /// Opens the model at `path`.
  static func open(
    _ bytes: [UInt8], _ path: String, folder: String
  ) throws -> PublishedTokenizer {
    let model: SentencePieceModel
    do { model = try SentencePieceModel(bytes) } catch {
      throw TokenizerError.malformed(path: path, offset: error.offset, what: error.what)
    }
    let settings = try TokenizerSettings(folder: folder, listed: nil)
    return try SentencePieceConversion(model: model, path: path, settings: settings).converted()
  }

  private func converted() throws -> PublishedTokenizer {
    try checkPieces()
    switch TokenizerClass(settings, isByteLevel: false) {
    case .known(let name):
      let recipe = TokenizerRecipe(name, settings)
      guard recipe.readsModelFiles else { throw unsupportedClass }
      return try recipe.modelType == "Unigram" ? unigram(recipe) : bytePairs(recipe)
    case .other: throw unsupportedClass
    case .backend: return try asTheModelSays()
    }
  }

  private var unsupportedClass: TokenizerError {
    let name = settings.options["tokenizer_class"] ?? settings.model["tokenizer_class"] ?? .null
    let type = settings.model["model_type"]?.string ?? ""
    return .unsupported(
      path: path, part: "the tokenizer class",
      what: "\(name.string ?? type) without a tokenizer.json")
  }

  private func checkPieces() throws(TokenizerError) {
    guard model.modelType == .unigram || model.modelType == .bytePairs else {
      throw .unsupported(path: path, part: "model_type", what: "a model of words or characters")
    }
    var seen = Set<[UInt8]>()
    for piece in model.pieces where !seen.insert(piece.text).inserted {
      let text = String(decoding: piece.text, as: UTF8.self)
      throw .malformed(path: path, offset: 0, what: "the piece “\(text)” comes twice")
    }
  }

  // MARK: - Classes with a recipe

  private func unigram(_ recipe: TokenizerRecipe) throws -> PublishedTokenizer {
    var pieces = model.pieces.map { (text: $0.text, score: Double($0.score)) }
    switch recipe.pieces {
    case .asGiven: break
    case .withExtraIds:
      pieces += settings.extraIds.reversed().map { (text: Array($0.utf8), score: 0) }
    case .fairseq:
      let first = ["bos_token", "pad_token", "eos_token", "unk_token"].map(fairseqPiece)
      pieces = first + pieces.dropFirst(3) + [fairseqPiece("mask_token")]
    case .camembert:
      var first = [
        fairseqPiece("<s>NOTUSED"), fairseqPiece("pad_token"), fairseqPiece("</s>NOTUSED"),
        fairseqPiece("unk_token"), fairseqPiece("<unk>NOTUSED"),
      ]
      first[4].score = -100
      pieces = first + pieces.dropFirst() + [fairseqPiece("mask_token")]
    }
    var file = try TokenizerFile(TokenizerText.unigram(pieces), path: path)
    file.scores = pieces.map(\.score)
    try file.take(recipe, characterMap: characterMap, unknownId: model.unknownId)
    var result = PublishedTokenizer(file, settings, recipe)
    result.marked = marked
    return result
  }

  private func fairseqPiece(_ role: String) -> (text: [UInt8], score: Double) {
    let usual = [
      "bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>",
      "mask_token": "<mask>",
    ]
    return (Array((settings.name(role) ?? usual[role] ?? role).utf8), 0)
  }

  private func bytePairs(_ recipe: TokenizerRecipe) throws -> PublishedTokenizer {
    let tokens = model.pieces.map(\.text)
    let rules = SentencePieceMerges(tokens, among: Array(tokens.indices)).inOrderOfIds()
    let text = TokenizerText.bytePairs(
      tokens.enumerated().map { ($1, UInt32($0)) }, merges: rules)
    var file = try TokenizerFile(text, path: path)
    try file.take(recipe, characterMap: characterMap)
    var result = PublishedTokenizer(file, settings, recipe)
    result.marked = marked
    return result
  }

  private var characterMap: JSON? {
    model.characterMap.isEmpty
      ? nil : ["type": "Precompiled", "precompiled_charsmap": .string(model.characterMap.base64)]
  }

  /// The control and user-defined pieces, which are looked for in the text as given.
  private var marked: [SpecialToken] {
    model.pieces.filter { $0.kind == .control || $0.kind == .userDefined }.map { piece in
      .described(
        TokenDescription(
          piece.text, isSpecial: piece.kind == .control, isNormalized: false))
    }
  }

  // MARK: - Without a class

  private func asTheModelSays() throws -> PublishedTokenizer {
    let names = renamed()
    let userDefined = model.pieces.indices.filter { model.pieces[$0].kind == .userDefined }
    var file = try TokenizerFile(
      model.modelType == .unigram ? unigramText() : bytePairsText(names), path: path)
    if model.modelType == .unigram {
      file.scores = model.pieces.map { Double($0.score) }
      file.replace("model.unk_id", with: .integer(model.unknownId))
    } else {
      file.replace("model.unk_token", with: .string(model.unknownPiece))
      file.replace("model.fuse_unk", with: .bool(true))
      file.replace("model.ignore_merges", with: .bool(!userDefined.isEmpty))
    }
    file.replace("model.byte_fallback", with: .bool(model.fallsBackToBytes))
    let isOld = settings.flag("legacy", or: true)
    let splits = userDefined.map { names[$0] }
    let parts = SentencePieceParts(model, isOld: isOld, userDefined: splits)
    file.replace("normalizer", with: parts.normalizer(characterMap: characterMap))
    file.replace("pre_tokenizer", with: parts.preTokenizer)
    file.replace("decoder", with: parts.decoder)
    var result = PublishedTokenizer(file, settings, nil)
    let hidden = Set(userDefined.map { model.pieces[$0].text })
    result.marked = marked.filter { !hidden.contains($0.content) }
    result.takesTextAsGiven = model.addsDummyPrefix
    if model.beginId >= 0 { result.defaults["bos_token"] = model.beginPiece }
    if model.endId >= 0 { result.defaults["eos_token"] = model.endPiece }
    if model.unknownId >= 0 { result.defaults["unk_token"] = model.unknownPiece }
    return result
  }

  private func unigramText() -> [UInt8] {
    TokenizerText.unigram(model.pieces.map { ($0.text, Double($0.score)) })
  }

  private func bytePairsText(_ names: [[UInt8]]) -> [UInt8] {
    let normal = model.pieces.indices.filter { model.pieces[$0].kind == .normal }
    let ranked = normal.sorted { left, right in
      let (a, b) = (model.pieces[left].score, model.pieces[right].score)
      return a == b ? left < right : a > b
    }
    let rules = SentencePieceMerges(names, among: normal).inOrder(of: ranked)
    return TokenizerText.bytePairs(
      names.enumerated().map { ($1, UInt32($0)) }, merges: rules)
  }

  /// The pieces, where settings name the token of an id otherwise, by that name.
  private func renamed() -> [[UInt8]] {
    var names = model.pieces.map(\.text)
    guard model.modelType == .bytePairs else { return names }
    var given: [Int: [UInt8]] = [:]
    for (id, token) in settings.addedTokens { given[id] = token.content }
    let kept = Set(names.indices.filter { given[$0] == nil }.map { names[$0] })
    for (id, name) in given where names.indices.contains(id) && !kept.contains(name) {
      names[id] = name
    }
    return names
  }
}
