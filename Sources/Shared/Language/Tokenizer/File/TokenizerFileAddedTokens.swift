// The added tokens of a tokenizer.json. Comes in: the file. Leaves: tokens with the ids that Hugging
// Face's loader gives them.

extension TokenizerFile {
  /// The added tokens as they stand in the file; empty where it lists none.
  func listedTokens() throws -> [JSON] { try tree("added_tokens").array ?? [] }

  /// A listed token and its id.
  func listedToken(_ index: Int, _ item: JSON) throws -> (token: TokenDescription, id: Int) {
    guard let token = TokenDescription(item), let id = item["id"]?.integer else {
      throw TokenizerError.wrongValue(
        path: path, key: "added_tokens[\(index)]", expected: "an object with id and content")
    }
    return (token, id)
  }
}
