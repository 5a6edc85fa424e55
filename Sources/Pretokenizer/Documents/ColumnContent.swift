// What a column of a data set holds, told by its type.

/// What documents a column can give.
package enum ColumnContent: Sendable { case text, tokens }
