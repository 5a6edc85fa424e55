// Tokenizers from before tokenizer.json: vocab.json with merges.txt, and vocab.txt. Comes in: a folder.
// Leaves: the model in the form of tokenizer.json, with the parts of its class.

/// The files of a vocabulary without a tokenizer.json.
enum VocabularyFiles {
  static let vocabulary = "vocab.json"
  static let merges = "merges.txt"
  static let words = "vocab.txt"

  /// Opens vocab.json at `path` and the merges.txt beside it.
  static func bytePairs(_ path: String, folder: String) throws -> PublishedTokenizer {
    let settings = try TokenizerSettings(folder: folder, listed: nil)
    let name = try className(settings, folder, or: .gpt2) { recipe in
      recipe.modelType == "BPE" && !recipe.readsModelFiles && !recipe.needsFile
    }
    let recipe = TokenizerRecipe(name, settings)
    let text = TokenizerText.bytePairs(try tokens(path), merges: try rules(folder))
    return try made(text, path, settings, recipe)
  }

  /// Opens the vocab.txt at `path`: a word on each line.
  static func wordPieces(_ path: String, folder: String) throws -> PublishedTokenizer {
    let settings = try TokenizerSettings(folder: folder, listed: nil)
    let name = try className(settings, folder, or: .bert) { $0.modelType == "WordPiece" }
    let text = TokenizerText.wordPieces(try listedWords(path))
    return try made(text, path, settings, TokenizerRecipe(name, settings))
  }

  private static func made(
    _ text: [UInt8], _ path: String, _ settings: TokenizerSettings, _ recipe: TokenizerRecipe
  ) throws -> PublishedTokenizer {
    var file = try TokenizerFile(text, path: path)
    try file.take(recipe, characterMap: nil)
    return PublishedTokenizer(file, settings, recipe)
  }

  /// The class that the settings name, which must be able to read such files.
  private static func className(
    _ settings: TokenizerSettings, _ folder: String, or usual: TokenizerClass.KnownClass,
    _ isReader: (TokenizerRecipe) -> Bool
  ) throws -> TokenizerClass.KnownClass {
    if case .known(let name) = TokenizerClass(settings, isByteLevel: false),
      isReader(TokenizerRecipe(name, settings))
    {
      return name
    }
    guard let named = settings.options["tokenizer_class"]?.string else { return usual }
    throw TokenizerError.unsupported(
      path: folder + "/tokenizer_config.json", part: "tokenizer_class",
      what: "\(named) without a tokenizer.json")
  }

  private static func tokens(_ path: String) throws -> [(text: [UInt8], id: UInt32)] {
    let bytes = try MappedFile.contents(path)
    var tokens: [(text: [UInt8], id: UInt32)] = []
    do {
      var scanner = JSONScanner(bytes.span)
      var key: [UInt8] = []
      scanner.skipSpace()
      try scanner.openObject()
      while try scanner.nextMember(&key) {
        let id = try scanner.integer()
        guard (0..<TokenizerFile.idLimit).contains(id) else {
          throw scanner.problem("\(id) is no token id")
        }
        tokens.append((key, UInt32(id)))
      }
    } catch let problem as JSONProblem {
      throw TokenizerError.malformed(path: path, offset: problem.offset, what: problem.what)
    }
    return tokens
  }

  /// The rules of merges.txt: a line each, behind a line with the version.
  private static func rules(_ folder: String) throws -> [(left: [UInt8], right: [UInt8])] {
    let path = folder + "/" + merges
    let bytes = try MappedFile.contents(path)
    var rules: [(left: [UInt8], right: [UInt8])] = []
    var offset = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      defer { offset += line.count + 1 }
      let line = line.last == 0x0D ? line.dropLast() : line
      if line.isEmpty || line.starts(with: Array("#version".utf8)) { continue }
      let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw TokenizerError.malformed(
          path: path, offset: offset, what: "expected two tokens with one space between them")
      }
      rules.append((Array(parts[0]), Array(parts[1])))
    }
    return rules
  }

  /// The words of a list; of a word that comes twice the last place counts.
  private static func listedWords(_ path: String) throws -> [(text: [UInt8], id: UInt32)] {
    var places: [[UInt8]: UInt32] = [:]
    var lines = try MappedFile.contents(path).split(
      separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    guard lines.count <= TokenizerFile.idLimit else {
      throw TokenizerError.malformed(path: path, offset: 0, what: "more words than ids")
    }
    for (index, line) in lines.enumerated() {
      let word = String(decoding: line, as: UTF8.self).unicodeScalars
      let end = word.lastIndex { !$0.properties.isWhitespace }.map { word.index(after: $0) }
      let trimmed = String(String.UnicodeScalarView(word[..<(end ?? word.startIndex)]))
      places[Array(trimmed.utf8)] = UInt32(index)
    }
    return places.map { (text: $0.key, id: $0.value) }.sorted { $0.id < $1.id }
  }
}

extension JSON: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
}
