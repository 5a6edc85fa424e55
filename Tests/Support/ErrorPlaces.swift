// Errors of files name a line and a column; tests of their words leave these to tests of places.

/// A text without the places that it names.
package func withoutPlaces(_ text: String) -> String {
  text.replacing(#/, line \d+, column \d+:/#, with: ":")
    .replacing(#/(?m)^  line \d+, column \d+: /#, with: "  ")
}

/// Whether a text names a line and a column.
package func namesPlace(_ text: String) -> Bool {
  text.contains(#/line \d+, column \d+/#)
}
