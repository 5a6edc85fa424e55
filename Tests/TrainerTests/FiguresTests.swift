import Shared
import Support
import Testing
import Trainer

@Suite("Figures")
struct FiguresTests {
  @Test("Every figure that is declared is in a table, once and in words")
  func tables() throws {
    let folder = "Sources/Trainer/Figures"
    let declared = try ProjectFiles.names(in: folder).map {
      try ProjectFiles.text(folder + "/" + $0).matches(of: /static let \w+ = Figure\(/).count
    }
    #expect(declared.reduce(0, +) == Figure.all.count)
    #expect(Set(Figure.all).count == Figure.all.count)
    let known = Figure.all.reduce(into: Figures()) { $0[$1] = 1 }
    for figure in Figure.all {
      #expect(figure.name.split(separator: "/").count == 2, "\(figure.name)")
      #expect(figure.name == figure.group + "/" + figure.key)
      #expect(!figure.title.isEmpty, "\(figure.name)")
      #expect(!figure.note.text(known).isEmpty, "\(figure.name)")
    }
  }

  @Test("Values come in the order of their declarations, members of a family by number")
  func order() {
    let figures: Figures = [
      .named("new/b"): 1, .tokensPerSecond: 2, .inner(width: 512): 3, .inner(width: 64): 4,
      .l0: 5, .overall: 6, .named("new/a"): 7,
    ]
    #expect(
      figures.map(\.figure.name) == [
        "losses/overall_loss", "losses/inner_mse_loss_64", "losses/inner_mse_loss_512",
        "metrics/l0", "details/tokens_per_second", "new/a", "new/b",
      ])
    #expect(figures.map(\.value) == [6, 4, 3, 5, 2, 7, 1])
  }

  @Test("A name leads back to its declaration, whatever wrote it")
  func names() {
    for figure in Figure.all where !figure.isFamily {
      #expect(Figure.named(figure.name).title == figure.title)
    }
    #expect(Figure.named("losses/inner_mse_loss_64") == .inner(width: 64))
    #expect(Figure.named("losses/inner_mse_loss_64").title == "Inner MSE 64")
    #expect(Figure.named("losses/inner_mse_loss_").places.isEmpty)
    #expect(Figure.named("elsewhere/7").title == "elsewhere/7")
  }

  @Test(
    "A title within a line begins small, unless it is an abbreviation",
    arguments: [
      (Figure.explainedVariance, "explained variance"), (.mse, "MSE"), (.l0, "L0"),
      (.l2Ratio, "L2 ratio"), (.inner(width: 8), "inner MSE 8"),
    ])
  func words(figure: Figure, words: String) { #expect(figure.words == words) }

  @Test("Values are written as their figure says")
  func formats() {
    #expect(Figure.mse.text(0.5) == "0.5000")
    #expect(Figure.deadLatents.text(1200) == "1200")
    #expect(Figure.trainingSamples.text(1200) == "1.2 k")
    #expect(Figure.aliveShare.text(0.75) == "75.0 %")
    #expect(Figure.mse.json(2.5) == .number(2.5))
    #expect(Figure.deadLatents.json(3) == .integer(3))
    #expect(Figure.mse.json(.nan) == .null)
    #expect(Figure.mse.json(nil) == .null)
  }

  @Test("A note holds the values of other figures, and leaves out the clause of an unknown one")
  func notes() {
    let note: FigureNote = "tokens, \(.tokensPerSecond)/s, at \(.l0)"
    #expect(note.text([.tokensPerSecond: 52_100, .l0: 20]) == "tokens, 52.1 k/s, at 20.00")
    #expect(note.text([.l0: 20]) == "tokens, at 20.00")
    #expect(note.text([:]) == "tokens")
    #expect(("" as FigureNote).text([:]) == "")
  }

  @Test("What was measured on a sample is expected where the sample was taken")
  func samples() {
    let figures: Figures = [.evaluatedRows: 10]
    #expect(figures.expects(.finalMSE) && figures.expects(.latentCount))
    #expect(!figures.expects(.lossScore))
    #expect(figures.text(.finalMSE) == "–")
    #expect(figures.text(.evaluatedRows) == "10")
  }
}
