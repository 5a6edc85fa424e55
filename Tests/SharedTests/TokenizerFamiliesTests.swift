import Shared
import Support
import Testing

private let folder = ProjectFiles.root + "/Tests/Fixtures/tokenizer/families/"

/// What Hugging Face makes of the texts, by family.
private let goldens: JSON =
  (try? JSON(parsing: MappedFile.contents(folder + "encodings.json"))) ?? .null

@Suite struct TokenizerFamiliesTests {
  static let families = (goldens.object ?? [:]).keys.filter { $0 != "texts" }.sorted()

  @Test func thereAreFamilies() { #expect(TokenizerFamiliesTests.families.count == 17) }

  @Test(arguments: families)
  func encodesAndDecodesLikeHuggingFace(family: String) throws {
    let tokenizer = try Tokenizer.open(folder + family + ".json")
    let texts = (goldens["texts"]?.array ?? []).compactMap(\.string)
    let rows = goldens[family]?.array ?? []
    #expect(texts.count == rows.count)
    var encoder = TokenEncoder(tokenizer, cachedPieces: 64)
    for (text, row) in zip(texts, rows) {
      let expected = (row.array?.first?.array ?? []).compactMap(\.integer).map { UInt32($0) }
      #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
      // Once more through an encoder whose cache is warm and far too small.
      var ids: [UInt32] = []
      encoder.encode(Array(text.utf8).span, into: &ids)
      #expect(ids == expected, "\(text.debugDescription)")
      #expect(tokenizer.decode(expected) == row.array?.last?.string, "\(text.debugDescription)")
    }
  }
}
