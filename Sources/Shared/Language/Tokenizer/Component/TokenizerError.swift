// What can be wrong with a tokenizer, in words.

/// A tokenizer that cannot be opened or asked.
package enum TokenizerError: Failure, Equatable {
  /// Neither a file nor a folder.
  case absent(String)
  /// A folder without a vocabulary in any of its forms.
  case noFile(folder: String)
  /// The text that stands for a file that was not fetched.
  case pointer(path: String)
  case malformed(path: String, offset: Int, what: String)
  case wrongValue(path: String, key: String, expected: String)
  /// A part of the file that this version would have to approximate.
  case unsupported(path: String, part: String, what: String)
  case unknownMerge(path: String, index: Int, token: String)
  case addedTokenId(path: String, token: String, id: Int, expected: Int)
  /// An added token of whose text the normalizer leaves nothing.
  case vanishingToken(path: String, id: UInt32)
  case idOutOfRange(path: String, id: Int, vocabularySize: Int)

  package var sentence: String {
    switch self {
    case .absent(let path): "There is no tokenizer at \(path): no such file or folder."
    case .noFile(let folder):
      "The folder \(folder) holds no tokenizer: no tokenizer.json, tokenizer.model, vocab.json with "
        + "merges.txt, vocab.txt or .tiktoken file."
    case .pointer(let path): "\(path) is no tokenizer but a pointer of Git LFS to one."
    case .malformed(let path, let offset, let what): "\(path) at byte \(offset): \(what)."
    case .wrongValue(let path, let key, let expected): "\(path): \(key) must be \(expected)."
    case .unsupported(let path, let part, let what): "\(path): \(part): \(what) is not supported."
    case .unknownMerge(let path, let index, let token):
      "\(path): model.merges[\(index)] needs the token “\(token)”, which is not in the vocabulary."
    case .addedTokenId(let path, let token, let id, let expected):
      "\(path): the added token “\(token)” has the id \(id), where its place gives it \(expected)."
    case .vanishingToken(let path, let id):
      "\(path): the normalizer leaves nothing of the added token \(id), which is not supported."
    case .idOutOfRange(let path, let id, let vocabularySize):
      "\(id) is no token of \(path): its ids are 0 to \(vocabularySize - 1)."
    }
  }

  package var hint: String? {
    switch self {
    case .absent(let path):
      "Set pretokenize.tokenizer_name to a folder that holds tokenizer.json, to that file, or to a "
        + "name on the Hugging Face Hub (owner/name)." + HomeFolder.rule(for: path)
    case .noFile: "Save the tokenizer with save_pretrained, which writes tokenizer.json."
    case .pointer: "Fetch the file with git lfs pull."
    case .malformed, .wrongValue, .unknownMerge: "Fetch the file again."
    case .unsupported:
      "Save the tokenizer without that part, or pretokenize with Hugging Face and give the ids as a "
        + "tokenized data set."
    case .addedTokenId:
      "Hugging Face would use its own number; save the tokenizer again with save_pretrained."
    case .vanishingToken:
      "Hugging Face would cut the text behind every character; say \"normalized\": false for that token."
    case .idOutOfRange: nil
    }
  }
}
