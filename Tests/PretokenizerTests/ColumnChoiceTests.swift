import Pretokenizer
import Shared
import Testing

private func choice(
  _ columns: [(String, ColumnContent?)], tokenized: Bool? = nil, column: String = "text"
) -> ColumnChoice {
  var settings = PretokenizeSettings()
  settings.columnName = column
  settings.isDatasetTokenized = tokenized
  return ColumnChoice(columns.map { DataColumn(name: $0.0, content: $0.1) }, settings)
}

@Suite struct ColumnChoiceTests {
  @Test("The named column comes first, then tokens, then input_ids")
  func order() {
    let ids = ("input_ids", ColumnContent.tokens)
    let tokens = ("tokens", ColumnContent.tokens)
    #expect(choice([("id", nil), ("text", .text), ids]) == .init(name: "text", content: .text))
    #expect(choice([ids, tokens]) == .init(name: "tokens", content: .tokens))
    #expect(choice([("id", nil), ids]) == .init(name: "input_ids", content: .tokens))
    #expect(choice([ids], column: "input_ids") == .init(name: "input_ids", content: .tokens))
    #expect(choice([("text", nil)]) == .init(name: "text", content: .text))
    #expect(choice([]) == .init(name: "text", content: .text))
  }

  @Test("What the settings say of the data set is believed")
  func told() {
    let columns: [(String, ColumnContent?)] = [("text", .text), ("input_ids", .tokens)]
    #expect(choice(columns, tokenized: true) == .init(name: "input_ids", content: .tokens))
    #expect(choice(columns, tokenized: false) == .init(name: "text", content: .text))
    #expect(
      choice([("input_ids", .tokens)], tokenized: false) == .init(name: "text", content: .text))
    #expect(choice([("text", .text)], tokenized: true) == .init(name: "text", content: .tokens))
    let own: [(String, ColumnContent?)] = [("mine", .tokens), ("input_ids", .tokens)]
    #expect(
      choice(own, tokenized: true, column: "mine") == .init(name: "mine", content: .tokens))
  }
}
