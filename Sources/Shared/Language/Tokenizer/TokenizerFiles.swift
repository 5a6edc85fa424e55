// Which files of a listing are a tokenizer, as the folder with them is read. Comes in: names of files. Leaves: those
// that are needed, and no other form of the same vocabulary.

package enum TokenizerFiles {
  /// The vocabulary that is read, what belongs to it, and what stands beside it; empty where none is there.
  package static func needed(_ names: some Collection<String>) -> [String] {
    let present = Set(names.filter(\.isPlainName))
    guard let vocabulary = TokenizerLocation.vocabulary(present) else { return [] }
    var needed = [vocabulary]
    if vocabulary == VocabularyFiles.vocabulary { needed.append(VocabularyFiles.merges) }
    return needed + TokenizerSettings.fileNames.filter { present.contains($0) }
  }
}
