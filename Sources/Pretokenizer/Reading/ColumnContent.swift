// What a data set's column may hold.

/// The documents of a column.
package enum ColumnContent: Sendable {
  case text
  case tokens
}
