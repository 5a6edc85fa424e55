// Where a run's data came from, as the report tells it. Comes in: what a run knows of its inputs. Leaves: names and
// values, without a path outside the store.

package import Shared

/// What a run is made of.
package struct ReportOrigin: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Tokens that the whole run trained on, whatever parts of it which process took.
  package let tokens: Int?
  package let entries: [Entry]

  package init(tokens: Int?, entries: [Entry]) {
    self.tokens = tokens
    self.entries = entries
  }

  package var json: JSON {
    [
      "tokens": tokens.map { .integer($0) } ?? .null,
      "entries": .array(entries.map { .array([.string($0.name), .string($0.value)]) }),
    ]
  }

  package init?(_ json: JSON?) {
    guard let list = json?["entries"]?.array else { return nil }
    self.init(
      tokens: json?["tokens"]?.integer,
      entries: list.compactMap { entry in
        guard let pair = entry.array, pair.count == 2, let name = pair[0].string,
          let value = pair[1].string
        else { return nil }
        return Entry(name, value)
      })
  }
}
