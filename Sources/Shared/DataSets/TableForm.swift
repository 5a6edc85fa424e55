// How a table is written, where that is not told by its files. Comes in: what a card says. Leaves: values for
// the reader of tables; the defaults are those of Hugging Face's `csv`, which are those of pandas.

/// How the records and fields of a table lie in its bytes.
package struct TableForm: Sendable, Equatable {
  /// Where the names of the columns stand.
  package enum Header: Sendable, Equatable {
    /// In the first record, or nowhere where names are given.
    case told
    /// In the record of this number, from 0; what stands before it is no data.
    case record(Int)
    /// Nowhere: names are given, or the columns are numbered from 0.
    case none
  }

  /// Lines of the file that count as not there: a record that goes on over several is one of them.
  package enum SkippedLines: Sendable, Equatable {
    case first(Int)
    /// By their numbers, from 0.
    case those(Set<Int>)

    package func contains(_ line: Int) -> Bool {
      switch self {
      case .first(let count): line < count
      case .those(let lines): lines.contains(line)
      }
    }
  }

  /// The byte between fields.
  package var separator = UInt8(ascii: ",")
  /// The byte around fields that hold separators or line ends; nil where it has no meaning.
  package var quote: UInt8? = UInt8(ascii: "\"")
  package var header = Header.told
  /// The names of the columns, in the place of those that the header has.
  package var names: [String]?
  package var skipped = SkippedLines.first(0)
  /// Whether pandas's words for a missing value are such, the empty field among them.
  package var hasUsualMissingValues = true
  /// Further words for a missing value, sorted.
  package var missingValues: [String] = []
  /// Whether spaces that a field begins with are passed over.
  package var skipsInitialSpaces = false
  /// Whether a record with too many fields is passed over.
  package var skipsLongRecords = false

  package init() {}

  /// What differs from how a table is read that nothing is said of, but for the separator.
  var stated: [String: JSON] {
    var stated: [String: JSON] = [:]
    let usual = TableForm()
    if quote != usual.quote { stated["quote"] = quote.map { .integer(Int($0)) } ?? .null }
    switch header {
    case .told: break
    case .record(let number): stated["header"] = .integer(number)
    case .none: stated["header"] = .null
    }
    if let names { stated["names"] = .array(names.map { .string($0) }) }
    switch skipped {
    case .first(0): break
    case .first(let count): stated["skipped"] = .integer(count)
    case .those(let lines): stated["skipped"] = .array(lines.sorted().map { .integer($0) })
    }
    if !hasUsualMissingValues { stated["usual_missing_values"] = .bool(false) }
    if !missingValues.isEmpty {
      stated["missing_values"] = .array(missingValues.map { .string($0) })
    }
    if skipsInitialSpaces { stated["skips_initial_spaces"] = .bool(true) }
    if skipsLongRecords { stated["skips_long_records"] = .bool(true) }
    return stated
  }
}
