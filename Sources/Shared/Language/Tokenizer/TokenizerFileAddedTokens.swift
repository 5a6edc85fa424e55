// The added tokens of a tokenizer.json. Comes in: the file. Leaves: tokens with the ids that Hugging
// Face's loader gives them.

extension TokenizerFile {
  /// The added tokens, whose ids must be those that Hugging Face's loader would give them.
  func addedTokens(_ spelling: Vocabulary) throws -> [AddedToken] {
    let size = spelling.tokenCount
    guard let list = try tree("added_tokens").array else { return [] }
    var known: [[UInt8]: UInt32] = [:]
    var greatest: Int?
    return try list.enumerated().map { index, item in
      guard let text = item["content"]?.string, let id = item["id"]?.integer else {
        throw TokenizerError.wrongValue(
          path: path, key: "added_tokens[\(index)]", expected: "an object with id and content")
      }
      let content = Array(text.utf8)
      let fresh = greatest.map { $0 >= size || size == 0 ? $0 + 1 : size } ?? size
      let expected = (spelling.id(of: content) ?? known[content]).map { Int($0) } ?? fresh
      guard id == expected, let narrow = UInt32(exactly: id) else {
        throw TokenizerError.addedTokenId(path: path, token: text, id: id, expected: expected)
      }
      known[content] = narrow
      greatest = max(greatest ?? id, id)
      let isSpecial = item["special"]?.bool ?? false
      return AddedToken(
        id: narrow, content: content, isSingleWord: item["single_word"]?.bool ?? false,
        stripsLeft: item["lstrip"]?.bool ?? false, stripsRight: item["rstrip"]?.bool ?? false,
        isNormalized: item["normalized"]?.bool ?? !isSpecial, isSpecial: isSpecial)
    }
  }
}
