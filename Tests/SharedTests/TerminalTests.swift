import Shared
import Support
import Testing

@Suite("The terminal")
struct TerminalTests {
  @Test("A line is printed above the live line, which is drawn again")
  func printingAboveTheLiveLine() {
    let record = RecordedTerminal(isInteractive: true)
    let terminal = record.terminal
    terminal.draw("working")
    terminal.print("a note")
    terminal.settle("done")
    #expect(
      record.writes == [
        "\rworking\u{1B}[K", "\r\u{1B}[Ka note\nworking", "\r\u{1B}[Kdone\n",
      ])
  }

  @Test("An unchanged live line is not drawn again")
  func unchanged() {
    let record = RecordedTerminal(isInteractive: true)
    let terminal = record.terminal
    terminal.draw("working")
    terminal.draw("working")
    #expect(record.writes == ["\rworking\u{1B}[K"])
  }

  @Test("Without a terminal there is no live line and no escape code")
  func plain() {
    let record = RecordedTerminal(isInteractive: false)
    let terminal = record.terminal
    terminal.draw("working")
    terminal.print(terminal.bold("a note"))
    terminal.settle(nil)
    #expect(record.writes == ["a note\n"])
  }

  @Test("Bold text is marked only where colors are shown")
  func bold() {
    let record = RecordedTerminal(isInteractive: true, isColored: true)
    #expect(record.terminal.bold("title") == "\u{1B}[1mtitle\u{1B}[0m")
  }

  @Test(
    "Names cannot command the terminal",
    arguments: [
      ("a\u{1B}[2Jb", "a\u{FFFD}[2Jb"), ("\r\u{7}x\u{9B}31m", "\u{FFFD}\u{FFFD}x\u{FFFD}31m"),
      ("\u{202E}txt.exe", "\u{FFFD}txt.exe"), ("über\t日本\n", "über\t日本\n"),
      ("\u{1B}[1mbold\u{1B}[0m\u{1B}[7m", "\u{1B}[1mbold\u{1B}[0m\u{FFFD}[7m"),
    ])
  func commands(text: String, harmless: String) {
    let record = RecordedTerminal(isInteractive: true)
    record.terminal.print(text)
    record.terminal.settle(text)
    record.terminal.draw(text)
    #expect(
      record.writes == [harmless + "\n", harmless + "\n", "\r" + harmless + "\u{1B}[K"])
  }
}
