// The README.md of a repository as the Hub reads it: YAML between lines of three dashes, and text. Comes in:
// such a text. Leaves: its parts, and the same text with other keys.

/// A card in two parts.
struct CardFront {
  /// The lines between the dashes.
  let lines: [String]
  let body: String

  /// What our cards begin with; a card without it is somebody's own.
  static let mark =
    "<!-- Written by saeline, and again by its next upload; without this line it stays yours. -->"

  init(_ text: String) {
    let all = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      var line = line
      while line.last == 0x0D { line.removeLast() }
      return String(decoding: line, as: UTF8.self)
    }
    guard all.first == "---", let end = all.dropFirst().firstIndex(of: "---") else {
      (lines, body) = ([], all.joined(separator: "\n"))
      return
    }
    lines = Array(all[1..<end])
    body = all[(end + 1)...].joined(separator: "\n")
  }

  var isOurs: Bool { body.contains(CardFront.mark) }

  /// What the YAML says; nil where it is none.
  var values: JSON? {
    lines.isEmpty ? .object([:]) : try? YAML.parse(Array(lines.joined(separator: "\n").utf8))
  }

  /// The lines without some keys of the outermost level.
  func lines(without keys: [String]) -> [String] {
    var result: [String] = []
    var isLeftOut = false
    for line in lines {
      // A block goes on while lines are indented, empty, or items of a list at its own level.
      let isInside = line.isEmpty || line.hasPrefix(" ") || line.hasPrefix("-")
      if !isInside { isLeftOut = keys.contains { line.hasPrefix($0 + ":") } }
      if !isLeftOut { result.append(line) }
    }
    return result
  }

  static func text(front: [String], body: String) -> String {
    (["---"] + front + ["---"]).joined(separator: "\n") + "\n" + body
  }
}

/// The card of a model that is wholly ours.
package enum ModelCard {
  package static func isOurs(_ text: String) -> Bool { CardFront(text).isOurs }

  package static func text(front: [String], body: String) -> String {
    CardFront.text(front: front, body: "\(CardFront.mark)\n\n\(body)")
  }
}
