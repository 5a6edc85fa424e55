// What is printed once a run is finished: the categories, the speed of the stages, where the files are and,
// last so that it stays in sight, the figures. Comes in: an evaluation and timings. Leaves: tables for stderr.

package import Shared

/// The tables at the end of a run.
package struct FinalTable: Sendable {
  /// A stage's name and, where it is known, how fast it was.
  package struct Stage: Sendable, Equatable {
    package let name: String
    package let timing: Timing?

    package init(_ name: String, _ timing: Timing?) {
      self.name = name
      self.timing = timing
    }

    /// The stage of a finished folder.
    package init(_ name: String, folder: String) {
      self.init(name, Timing.read(folder: folder))
    }
  }

  private let name: String
  private let evaluation: Evaluation
  private let stages: [Stage]
  private let run: String

  /// Prepares the tables of the run `name` in the folder `run`.
  package init(name: String, evaluation: Evaluation, stages: [Stage], run: String) {
    self.name = name
    self.evaluation = evaluation
    self.stages = stages
    self.run = run
  }

  /// How much is printed.
  package enum Extent: Sendable {
    case everything
    /// Of a run that was finished before: where it is and how good.
    case headline
  }

  package var tables: [Table] {
    ([categories, speeds] + closing).filter { !$0.rows.isEmpty }
  }

  private var closing: [Table] { [files, result] }

  /// Prints the tables, each with an empty line above it.
  package func print(_ extent: Extent = .everything, to terminal: Terminal = .standardError) {
    if extent == .everything {
      for table in [categories, speeds] where !table.rows.isEmpty { table.print(to: terminal) }
      for remark in evaluation.remarks { terminal.print("\nnote: " + remark) }
      for sentence in evaluation.advice { terminal.print("\nadvice: " + sentence) }
    }
    for table in closing { table.print(to: terminal) }
  }

  private var result: Table {
    var table = Table(
      title: "Result of \(name)", columns: [.init(""), .init("", .right), .init("")])
    for row in evaluation.finalRows { table.add(row) }
    return table
  }

  /// Categories that are printed; the report has all.
  private static let categoryLimit = 8

  private var categories: Table {
    let all = evaluation.categories
    let left = all.count - FinalTable.categoryLimit
    // Of equals the first stay first.
    let best = all.enumerated().sorted {
      ($1.element.best?.f1 ?? -1, $0.offset) < ($0.element.best?.f1 ?? -1, $1.offset)
    }.prefix(FinalTable.categoryLimit).map(\.element)
    var table = Table(
      title: left > 0
        ? "Best latent of the \(best.count) best categories, \(left) more in the report"
        : "Best latent per category",
      columns: [
        .init("category"), .init("latent", .right), .init("F1", .right), .init("precision", .right),
        .init("recall", .right),
      ])
    for category in best {
      guard let best = category.best else {
        table.add([category.name, "–", "–", "–", "–"])
        continue
      }
      let scores = [best.f1, best.precision, best.recall].map { Readable.fixed($0, decimals: 3) }
      table.add([category.name, "#\(best.latent)"] + scores)
    }
    return table
  }

  private var speeds: Table {
    var table = Table(
      title: "Speed",
      columns: [
        .init("stage"), .init("tokens", .right), .init("time", .right), .init("tokens/s", .right),
      ])
    for stage in stages {
      guard let timing = stage.timing else { continue }
      table.add([
        stage.name, Readable.count(timing.tokens), Readable.duration(seconds: timing.seconds),
        Readable.count(timing.tokensPerSecond),
      ])
    }
    return table
  }

  private var files: Table {
    var table = Table(title: "Files", columns: [.init(""), .init("")])
    table.add(["SAE", run])
    table.add(["report", run + "/" + Report.fileName])
    table.add(["figures", run + "/" + Evaluation.fileName])
    return table
  }
}

extension Evaluation {
  /// What each figure is called, its value, and what there is to say about it.
  var finalRows: [[String]] {
    var named: Set<Figure.Sample> = []
    let figures = figures.meaningful
    return Figure.shown(.table).filter(figures.expects).map { figure in
      var notes = [(figure.place(.table)?.note ?? figure.note).text(figures)]
      // The first figure of a sample says what all of them were measured on.
      if let sample = figure.sample, named.insert(sample).inserted, let words = words(sample) {
        notes.append("over \(words)")
      }
      let note = notes.filter { !$0.isEmpty }.joined(separator: ", ")
      return [figure.words, figures.text(figure), note]
    }
  }
}
