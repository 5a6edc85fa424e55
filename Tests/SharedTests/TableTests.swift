import Shared
import Support
import Testing

@Suite("Tables")
struct TableTests {
  private var table: Table {
    var table = Table(
      title: "Stages",
      columns: [.init("stage"), .init("tokens", .right), .init("tokens/s", .right), .init("where")])
    table.add(["pretokenize", "2.0 M", "1.3 M", "store/tokens"])
    table.add(["cache", "2.0 M", "34.5 k", ""])
    return table
  }

  @Test("Columns are aligned and lines end with their last character")
  func layout() {
    #expect(
      table.text() == """
        Stages
          stage        tokens  tokens/s  where
          pretokenize   2.0 M     1.3 M  store/tokens
          cache         2.0 M    34.5 k
        """)
  }

  @Test("Without headings there is no line for them")
  func withoutHeadings() {
    var table = Table(title: "Result", columns: [.init(""), .init("", .right)])
    table.add(["L0", "18.4"])
    table.add(["explained variance", "0.93"])
    #expect(
      table.text() == """
        Result
          L0                  18.4
          explained variance  0.93
        """)
  }

  @Test("The title is bold on a colored terminal, with an empty line above")
  func printing() {
    let record = RecordedTerminal(isInteractive: true, isColored: true)
    var table = Table(title: "Result", columns: [.init("")])
    table.add(["x"])
    table.print(to: record.terminal)
    #expect(record.writes == ["\n\u{1B}[1mResult\u{1B}[0m\n  x\n"])
  }
}
