// Where a tokenizer lies and in which of its forms. Comes in: the path of a folder or a file. Leaves:
// the file that its vocabulary is read from, and the tokenizer as it is published there.

/// Finds and opens the files of tokenizers.
package enum TokenizerLocation {
  /// The files that a folder's vocabulary is looked for in, in this order.
  private static let fileNames = [
    "tokenizer.json", VocabularyFiles.vocabulary, "tokenizer.model", "spiece.model",
    "sentencepiece.bpe.model", "spm.model", "tiktoken.model", RankFileConversion.qwenName,
    VocabularyFiles.words,
  ]

  /// The file that a path means; a file that stands for itself, or the vocabulary of a folder.
  package static func find(_ path: String) throws -> String {
    guard let found = try System.find(path) else { throw TokenizerError.absent(path) }
    guard found.isDirectory else { return path }
    let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let name = vocabulary(Set(try System.list(folder))) else {
      throw TokenizerError.noFile(folder: path)
    }
    return folder + "/" + name
  }

  /// The file that a vocabulary is read from among the files of a folder; nil where there is none.
  static func vocabulary(_ names: Set<String>) -> String? {
    let known = fileNames.first { name in
      names.contains(name)
        && (name != VocabularyFiles.vocabulary || names.contains(VocabularyFiles.merges))
    }
    return known ?? names.filter { $0.hasSuffix(".tiktoken") || $0.hasSuffix(".model") }.min()
  }

  /// The files that a found tokenizer is read from, without those that only may change it.
  package static func sources(_ path: String) -> [String] {
    isVocabulary(path)
      ? [path, folder(of: path) + "/" + VocabularyFiles.merges] : [path]
  }

  /// Opens what was found; the content of the file says which form it has.
  static func open(_ path: String) throws -> PublishedTokenizer {
    let home = folder(of: path)
    if isVocabulary(path) { return try VocabularyFiles.bytePairs(path, folder: home) }
    if path.hasSuffix(".txt") { return try VocabularyFiles.wordPieces(path, folder: home) }
    let bytes = try MappedFile.contents(path)
    let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    if first != UInt8(ascii: "{") {
      if bytes.starts(with: Array("version https://git-lfs".utf8)) {
        throw TokenizerError.pointer(path: path)
      }
      if path.hasSuffix(".tiktoken") {
        return try RankFileConversion.open(bytes, path, folder: home)
      }
      if bytes.first == 0x0A || path.hasSuffix(".model") && !RankFile.looksLike(bytes) {
        return try SentencePieceConversion.open(bytes, path, folder: home)
      }
      if RankFile.looksLike(bytes) {
        return try RankFileConversion.open(bytes, path, folder: home)
      }
    }
    return try PublishedTokenizer(json: TokenizerFile(bytes, path: path), folder: home)
  }

  private static func isVocabulary(_ path: String) -> Bool {
    path.hasSuffix("/" + VocabularyFiles.vocabulary)
      && System.exists(folder(of: path) + "/" + VocabularyFiles.merges)
  }
}
