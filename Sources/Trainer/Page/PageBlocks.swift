// The blocks that sections are made of, as the scripts of the page read them: cards, charts, tables, pairs and
// paragraphs. Comes in: what they show. Leaves: JSON; nil of a block with nothing in it.

package import Shared

/// A figure with a word above and a note below.
package struct PageCard: Sendable, Equatable {
  package let title: String
  package let value: String
  package let note: String

  package init(_ title: String, _ value: String, _ note: String = "") {
    self.title = title
    self.value = value
    self.note = note
  }

  var json: JSON { ["title": .string(title), "value": .string(value), "note": .string(note)] }
}

/// A column of a table.
package struct PageColumn: Sendable {
  /// How the values of a column are written.
  package enum Kind: String, Sendable { case text, figure, whole, count, share, token }

  package let title: String
  package let kind: Kind
  package let note: String
  /// Whether a column is shown only where it is asked for.
  package let isHidden: Bool
  /// Whether a bar as long as the value, a share, stands before it.
  package let hasBar: Bool
  /// Which end a click on its title sorts to the top.
  package let better: Figure.Better

  package init(
    _ title: String, _ kind: Kind = .text, note: String = "", isHidden: Bool = false,
    hasBar: Bool = false, better: Figure.Better = .neither
  ) {
    self.title = title
    self.kind = kind
    self.note = note
    self.isHidden = isHidden
    self.hasBar = hasBar
    self.better = better
  }

  var json: JSON {
    [
      "title": .string(title), "kind": .string(kind.rawValue), "note": .string(note),
      "hidden": .bool(isHidden), "bar": .bool(hasBar),
      "better": .string(better == .lower ? "lower" : "higher"),
    ]
  }
}

/// Makes blocks.
package enum PageBlock {
  package static func cards(_ cards: [PageCard]) -> JSON? {
    cards.isEmpty ? nil : ["kind": "cards", "cards": .array(cards.map(\.json))]
  }

  package static func charts(_ charts: [PageChart]) -> JSON? {
    charts.isEmpty ? nil : ["kind": "charts", "charts": .array(charts.map(\.json))]
  }

  /// Names and values, some of which lead somewhere.
  package static func pairs(_ pairs: [(name: String, value: String, link: String?)]) -> JSON? {
    guard !pairs.isEmpty else { return nil }
    return [
      "kind": "pairs",
      "pairs": .array(
        pairs.map { pair in
          .array([.string(pair.name), .string(pair.value), pair.link.map { .string($0) } ?? .null])
        }),
    ]
  }

  package static func notes(_ notes: [String]) -> JSON? {
    notes.isEmpty ? nil : ["kind": "notes", "notes": .array(notes.map { .string($0) })]
  }

  /// A table; a cell is a value, or an object of `value`, `text`, `link` and `best`.
  ///
  /// A long one can be searched, and its columns chosen.
  package static func table(
    id: String, _ columns: [PageColumn], rows: [[JSON]], isLong: Bool = false,
    sortedBy order: (column: Int, descending: Bool)? = nil
  ) -> JSON? {
    guard !rows.isEmpty else { return nil }
    var members: [String: JSON] = [
      "kind": "table", "id": .string(id), "columns": .array(columns.map(\.json)),
      "rows": .array(rows.map { .array($0) }), "searches": .bool(isLong), "choose": .bool(isLong),
    ]
    if let order {
      members["sort"] = ["column": .integer(order.column), "descending": .bool(order.descending)]
    }
    return .object(members)
  }
}
