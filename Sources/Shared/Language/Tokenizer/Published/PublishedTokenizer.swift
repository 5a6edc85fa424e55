// A tokenizer as its folder publishes it. Comes in: a vocabulary file and what stands beside it.
// Leaves: the tokenizer.json, the added tokens and the surroundings that AutoTokenizer of transformers
// 5 makes of them.

/// What AutoTokenizer makes of a folder, without the ids that hang on the vocabulary.
struct PublishedTokenizer {
  /// The model with the class's normalizer, pre-tokenizer and decoder.
  var file: TokenizerFile
  let settings: TokenizerSettings
  /// The class's recipe; nil where the file is taken as it stands.
  let recipe: TokenizerRecipe?
  /// The tokens that are added before the settings' own.
  var firstTokens: [TokenDescription] = []
  /// The special tokens that a model file marks.
  var marked: [SpecialToken]?
  /// The tokens of roles that no file names.
  var defaults: [String: String] = [:]
  /// Whether added tokens are looked for in the text as given, whatever settings say.
  var takesTextAsGiven = false

  /// Opens a tokenizer.json, which the class may take apart.
  init(json file: TokenizerFile, folder: String) throws {
    let listed = try file.listedTokens()
    let settings = try TokenizerSettings(folder: folder, listed: listed)
    self.settings = settings
    self.file = file
    let isByteLevel = try file.isByteLevel()
    let name: TokenizerClass.KnownClass
    switch TokenizerClass(settings, isByteLevel: isByteLevel) {
    case .known(let known): name = known
    case .backend:
      recipe = nil
      return
    case .other(let other):
      throw TokenizerError.unsupported(path: file.path, part: "the tokenizer class", what: other)
    }
    let recipe = TokenizerRecipe(name, settings)
    self.recipe = recipe
    defaults = recipe.defaults
    if recipe.keepsFile { return }
    let type = try file.modelType()
    guard type == recipe.modelType else {
      throw TokenizerError.unsupported(
        path: file.path, part: "model",
        what: "\(type) in a \(name.rawValue)Tokenizer")
    }
    try self.file.take(recipe, characterMap: file.characterMap())
    self.file.replace("added_tokens", with: .null)
  }

  /// Takes a model that was made of other files, and the recipe of its class.
  init(_ file: TokenizerFile, _ settings: TokenizerSettings, _ recipe: TokenizerRecipe?) {
    self.file = file
    self.settings = settings
    self.recipe = recipe
    defaults = recipe?.defaults ?? [:]
  }
}

/// The tokens of a tokenizer whose vocabulary is known.
struct PublishedTokens {
  let added: [AddedToken]
  let template: TokenTemplate
  /// The id of each role that has a token, such as `bos_token`.
  let roles: [String: UInt32]
}

extension PublishedTokenizer {
  /// The added tokens, their ids and what stands around every text.
  func tokens(_ spelling: Vocabulary) throws -> PublishedTokens {
    var list = AddedTokenList(spelling)
    for (index, item) in try file.listedTokens().enumerated() {
      let (token, id) = try file.listedToken(index, item)
      let expected = Int(list.nextId(token.content))
      guard id == expected else {
        throw TokenizerError.addedTokenId(
          path: file.path, token: String(decoding: token.content, as: UTF8.self), id: id,
          expected: expected)
      }
      list.add(token)
    }
    for token in firstTokens { list.add(token) }
    let special = SpecialTokens(
      settings, defaults: defaults, additional: additional,
      stripsBeforeMask: recipe?.stripsBeforeMask ?? false)
    special.add(settingsTokens, to: &list)
    if recipe?.addsSpecialTokensAgain == true { special.addAgain(to: &list) }
    var roles: [String: UInt32] = [:]
    for (role, token) in special.named { roles[role] = list.id(of: token.content) }
    return PublishedTokens(
      added: list.tokens, template: try template(roles), roles: roles)
  }

  private var settingsTokens: [TokenDescription] {
    settings.addedTokens.map(\.token).map { token in
      var token = token
      if takesTextAsGiven { token.isNormalized = false }
      return token
    }
  }

  /// What a model file marks or settings list, with the class's own.
  private var additional: [SpecialToken]? {
    let listed =
      marked
      ?? settings.options["additional_special_tokens"]?.array.map {
        $0.compactMap { settings.token($0) }
      }
    switch recipe?.extra ?? .none {
    case .none: break
    case .otherwise(let names): return listed ?? names.map { .named($0) }
    case .behind(let names):
      let own = names.map { SpecialToken.named($0) }
      return (listed ?? []) + own.filter { listed?.contains($0) != true }
    }
    guard recipe?.pieces == .withExtraIds else { return marked }
    var tokens = listed ?? []
    let prefix = Array("<extra_id_".utf8)
    if !tokens.contains(where: { $0.content.starts(with: prefix) }) {
      tokens += settings.extraIds.map { .named($0) }
    }
    return tokens
  }

  private func template(_ roles: [String: UInt32]) throws -> TokenTemplate {
    switch recipe?.surroundings ?? .asGiven(otherwise: nil) {
    case .always(let around): return TokenTemplate(around, roles)
    case .byOptions: return templateByOptions(roles)
    case .asGiven(let otherwise):
      let isStated =
        settings.options["add_bos_token"] != nil || settings.options["add_eos_token"] != nil
        || recipe?.addsBegin != nil
      if isStated { return templateByOptions(roles) }
      if try file.tree("post_processor") != .null { return try file.template() }
      return otherwise.map { TokenTemplate($0, roles) } ?? templateByOptions(roles)
    }
  }

  private func templateByOptions(_ roles: [String: UInt32]) -> TokenTemplate {
    let begins = settings.flag("add_bos_token", or: recipe?.addsBegin ?? false)
    let ends = settings.flag("add_eos_token", or: false)
    return TokenTemplate(
      .init(before: begins ? ["bos_token"] : [], behind: ends ? ["eos_token"] : []), roles)
  }
}

extension TokenizerSettings {
  /// T5's sentinels.
  var extraIds: [String] {
    let count = min(max(options["extra_ids"]?.integer ?? 100, 0), 1 << 16)
    return (0..<count).map { "<extra_id_\($0)>" }
  }
}

extension TokenTemplate {
  fileprivate init(_ around: TokenizerRecipe.Roles, _ ids: [String: UInt32]) {
    self.init(
      prefix: around.before.compactMap { ids[$0] }, suffix: around.behind.compactMap { ids[$0] })
  }
}

extension TokenizerFile {
  /// Puts a class's parts in place of the file's.
  ///
  /// `unknownId` is the place of the unknown piece in a SentencePiece model.
  mutating func take(
    _ recipe: TokenizerRecipe, characterMap: JSON?, unknownId: Int? = nil
  ) throws {
    replace("normalizer", with: recipe.normalizer(with: characterMap))
    replace("pre_tokenizer", with: recipe.preTokenizer)
    replace("decoder", with: recipe.decoder)
    for (key, value) in recipe.model { replace("model." + key, with: value) }
    if let piece = recipe.unknownPiece,
      let place = try place(of: piece.text, scoresZero: piece.scoresZero)
    {
      replace("model.unk_id", with: .integer(place))
    } else if let unknownId, recipe.takesUnknownOfModelFile {
      replace("model.unk_id", with: .integer(unknownId))
    }
  }
}

extension TokenizerRecipe {
  /// The normalizer with SentencePiece's character map, where there is one, in its place.
  fileprivate func normalizer(with characterMap: JSON?) -> JSON {
    if characterMap == nil, mapPlace == .firstOrNoStepAtAll { return .null }
    guard let characterMap, mapPlace != .nowhere, let steps = normalizer["normalizers"]?.array
    else { return normalizer }
    return [
      "type": "Sequence",
      "normalizers": .array(mapPlace == .last ? steps + [characterMap] : [characterMap] + steps),
    ]
  }
}
