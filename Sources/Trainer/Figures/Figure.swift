// What a figure is: SAELens's name, the words for people, how it prints and where it is shown. Comes
// in: one declaration a figure, in the tables beside this file. Leaves: all that writes or draws figures
// reads these, so that a new figure is a declaration and the place that computes it.

package import Shared

/// A number that is known of a training step, of a sampling window or of a trained SAE.
package struct Figure: Sendable {
  package enum Better: Sendable { case higher, lower, neither }

  /// How a value is written for people.
  package enum Format: Sendable {
    /// Four significant digits.
    case figure
    /// All digits of a whole number.
    case whole
    /// A whole number with a decimal prefix.
    case count
    /// Per cent.
    case share
  }

  /// What a figure of a trained SAE was measured on; it is known only where that was done.
  package enum Sample: Hashable, Sendable { case rows, tokens }

  /// SAELens's name: a group and a key in it, "losses/mse_loss".
  package let name: String
  /// A heading: "Explained variance".
  package let title: String
  /// What it is, in a phrase.
  package let note: FigureNote
  /// Empty where it is a mere number.
  package let unit: String
  package let better: Better
  package let format: Format
  package let sample: Sample?
  package let places: [FigurePlace]
  /// Whether a step that computes it also logs it.
  package let isLogged: Bool
  /// Whether there is one for every number that is put behind the name.
  package let isFamily: Bool
  /// Of a member of a family: its name without the number, and the number.
  let member: Member?

  struct Member: Sendable {
    let family: String
    let number: Int
  }

  package init(
    _ name: String, _ title: String, _ note: FigureNote, unit: String = "",
    better: Better = .neither, format: Format = .figure, of sample: Sample? = nil,
    isLogged: Bool = true, isFamily: Bool = false, shown places: [FigurePlace] = []
  ) {
    self.name = name
    self.title = title
    self.note = note
    self.unit = unit
    self.better = better
    self.format = format
    self.sample = sample
    self.places = places
    self.isLogged = isLogged
    self.isFamily = isFamily
    member = nil
  }

  private init(_ number: Int, of family: Figure) {
    name = family.name + "\(number)"
    title = family.title + " \(number)"
    note = family.note
    unit = family.unit
    better = family.better
    format = family.format
    sample = family.sample
    places = family.places.map { $0.numbered(number) }
    isLogged = family.isLogged
    isFamily = false
    member = Member(family: family.name, number: number)
  }

  /// The figure of a family for one number.
  package func member(_ number: Int) -> Figure {
    precondition(isFamily, "\(name) is one figure")
    return Figure(number, of: self)
  }
}

extension Figure: Hashable {
  package static func == (first: Figure, second: Figure) -> Bool { first.name == second.name }

  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension Figure {
  /// The part of the name before the slash.
  package var group: String { String(name.prefix { $0 != "/" }) }

  /// The part of the name behind the slash.
  package var key: String { String(name.drop { $0 != "/" }.dropFirst()) }

  /// The title within a line of text: "explained variance", but "MSE" and "L0".
  package var words: String { Figure.words(title) }

  static func words(_ title: String) -> String {
    guard let second = title.dropFirst().first, second.isLowercase else { return title }
    return title.prefix(1).lowercased() + title.dropFirst()
  }
}

extension Figure {
  /// A value for people.
  package func text(_ value: Double) -> String {
    switch format {
    case .figure: Readable.figure(value)
    case .whole: Readable.fixed(value, decimals: 0)
    case .count: Readable.count(value)
    case .share: Readable.percent(value)
    }
  }

  /// A value in a file; null where it is not known or not finite.
  package func json(_ value: Double?) -> JSON {
    guard let value, value.isFinite else { return .null }
    switch format {
    case .figure, .share: return .number(value)
    case .whole, .count: return Int(exactly: value).map { .integer($0) } ?? .number(value)
    }
  }
}
