// A tiktoken rank file as a tokenizer. Comes in: the file and the files beside it. Leaves: what
// transformers' TikTokenConverter makes of them; for Qwen's first generation, what its own code does.

/// Makes tokenizers of rank files.
enum RankFileConversion {
  /// The name that Qwen's first generation gives its file.
  static let qwenName = "qwen.tiktoken"

  private static let pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// Encodings of OpenAI's that cut text otherwise, and that no model's folder holds.
  private static let otherPatterns = ["o200k", "p50k", "r50k", "gpt2"]

  /// Opens the rank file at `path`.
  static func open(
    _ bytes: [UInt8], _ path: String, folder: String
  ) throws -> PublishedTokenizer {
    let name = path.split(separator: "/").last.map { String($0) } ?? path
    if let other = otherPatterns.first(where: { name.hasPrefix($0) }) {
      throw TokenizerError.unsupported(
        path: path, part: "the pattern", what: "\(other) without a tokenizer.json")
    }
    let ranks = try RankFile(bytes, path: path)
    let isQwen = name == qwenName
    let merges = ranks.merges().map { (left: spelled($0.left), right: spelled($0.right)) }
    let text = TokenizerText.bytePairs(
      ranks.tokens.map { (spelled($0.bytes), $0.rank) }, merges: merges)
    var file = try TokenizerFile(text, path: path)
    file.replace("model.ignore_merges", with: .bool(true))
    file.replace("normalizer", with: isQwen ? ["type": "NFC"] : .null)
    file.replace(
      "pre_tokenizer",
      with: TokenizerRecipe.splitting(
        isQwen ? TokenizerRecipe.qwen2Pattern : pattern, "Isolated",
        TokenizerRecipe.byteLevel(addsSpace: false, usesPattern: false)))
    file.replace("decoder", with: TokenizerRecipe.byteDecoder)
    file.replace("post_processor", with: TokenizerRecipe.byteDecoder)
    let settings = try TokenizerSettings(folder: folder, listed: nil)
    var result = PublishedTokenizer(file, settings, nil)
    result.firstTokens = (isQwen ? qwenTokens : try specialTokens(ranks, settings, path)).map {
      TokenDescription(Array($0.utf8), isSpecial: true)
    }
    return result
  }

  /// A token in the byte alphabet.
  private static func spelled(_ token: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    ByteAlphabet.encode(token.span, into: &text)
    return text
  }

  private static var qwenTokens: [String] {
    ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + (0..<205).map { "<|extra_\($0)|>" }
  }

  /// The tokens that settings put behind the ranks; ids that they leave out are reserved.
  private static func specialTokens(
    _ ranks: RankFile, _ settings: TokenizerSettings, _ path: String
  ) throws(TokenizerError) -> [String] {
    var names: [Int: String] = [:]
    for (id, token) in settings.addedTokens {
      names[id] = String(decoding: token.content, as: UTF8.self)
    }
    let size = ranks.tokens.count
    var tokens: [String] = []
    if let last = names.keys.max(), last >= size {
      guard last < TokenizerFile.idLimit else {
        throw .wrongValue(path: path, key: "added_tokens_decoder.\(last)", expected: "a token id")
      }
      tokens = (size...last).map { names[$0] ?? "<|reserved_token_\($0)|>" }
    }
    let extra = (settings.options["extra_special_tokens"]?.array ?? []).compactMap(\.string)
    return tokens + extra.filter { !tokens.contains($0) }
  }
}
