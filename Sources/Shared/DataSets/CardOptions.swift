// What a configuration of a card says to the builder of its files, which is known only once their names are. Comes
// in: members of the configuration. Leaves: how the files are read, by the rules of the builders of Hugging Face's
// datasets, or the name of an option that would change the rows and is not done.

/// The options of a configuration, whatever builder they are for.
struct CardOptions {
  private let path: String
  private let configuration: String
  private let members: [String: JSON]

  /// `path` and `configuration` are named in errors.
  init(_ members: [String: JSON], path: String, configuration: String) {
    self.members = members
    self.path = path
    self.configuration = configuration
  }

  /// Sets what they mean for the files of a builder; for those of any where none is known.
  func apply(_ builder: DataBuilder?, to options: inout DataOptions) throws(CardError) {
    for builder in builder.map({ [$0] }) ?? DataBuilder.allCases {
      switch builder {
      case .csv: try table(&options)
      case .json: try json(&options)
      case .text: try text(&options)
      case .parquet: try parquet(&options)
      case .arrow: break
      }
    }
  }

  // MARK: - Builders

  private func text(_ options: inout DataOptions) throws(CardError) {
    let isKept = try flag("keep_linebreaks") ?? false
    let documents: TextDocuments?
    switch value("sample_by") {
    case nil: documents = nil
    case .string("line")?: documents = .line
    case .string("paragraph")?: documents = .paragraph
    case .string("document")?: documents = .file
    default: throw unread("sample_by")
    }
    options.textDocuments = documents
    switch documents ?? .line {
    case .file: options.lineEnds = .unified
    case .line: options.lineEnds = isKept ? .kept : .usual
    case .paragraph: options.lineEnds = .usual
    }
    try requireUTF8()
  }

  private func json(_ options: inout DataOptions) throws(CardError) {
    options.field = try text("field")
    try requireUTF8()
    try require(["newlines_in_values": [.null]])
  }

  private func parquet(_ options: inout DataOptions) throws(CardError) {
    options.columns = try texts("columns")
    try require([
      "filters": [.null], "fragment_scan_options": [.null],
      "on_bad_files": [.string("error")],
    ])
  }

  private func table(_ options: inout DataOptions) throws(CardError) {
    let name = value("delimiter") == nil ? "sep" : "delimiter"
    options.separator = try byte(name) ?? options.separator
    var form = TableForm()
    form.quote = try quote()
    let list = value("column_names") == nil ? "names" : "column_names"
    form.names = try texts(list)
    if let names = form.names, Set(names).count < names.count || names.isEmpty {
      throw unread(list)
    }
    form.header = try header(hasNames: form.names != nil)
    form.skipped = try skipped()
    form.skipsInitialSpaces = try flag("skipinitialspace") ?? false
    if try flag("na_filter") ?? true {
      form.hasUsualMissingValues = try flag("keep_default_na") ?? true
      form.missingValues = try missingValues()
    } else {
      form.hasUsualMissingValues = false
    }
    switch members["on_bad_lines"] ?? .string("error") {
    case .string("error"): break
    case .string("skip"), .string("warn"): form.skipsLongRecords = true
    default: throw unread("on_bad_lines")
    }
    options.form = form
    try requireUTF8()
    try require(CardOptions.usualTable)
  }

  /// Options of tables that are not done, with the values that leave all as it is.
  private static let usualTable: [String: [JSON]] = [
    "index_col": [.null], "usecols": [.null], "prefix": [.null], "converters": [.null],
    "nrows": [.null], "skip_blank_lines": [.bool(true)], "lineterminator": [.null],
    "escapechar": [.null], "comment": [.null], "dialect": [.null], "skipfooter": [.integer(0)],
    "doublequote": [.bool(true)], "mangle_dupe_cols": [.bool(true)],
    "error_bad_lines": [.bool(true)], "warn_bad_lines": [.bool(true)],
  ]

  /// The byte around fields; nil where `quoting` is 3, which means that there is none.
  private func quote() throws(CardError) -> UInt8? {
    let quote = try byte("quotechar")
    switch members["quoting"] ?? .integer(0) {
    case .integer(0), .integer(1):
      guard members["quotechar"] != .null else { throw unread("quotechar") }
      return quote ?? TableForm().quote
    case .integer(3): return nil
    default: throw unread("quoting")
    }
  }

  private func header(hasNames: Bool) throws(CardError) -> TableForm.Header {
    switch members["header"] ?? .string("infer") {
    case .string("infer"): return .told
    case .null: return hasNames ? .told : .none
    // The first record is the header that is meant where no names are given.
    case .integer(0): return hasNames ? .record(0) : .told
    case .integer(let number) where number > 0: return .record(number)
    default: throw unread("header")
    }
  }

  private func skipped() throws(CardError) -> TableForm.SkippedLines {
    switch value("skiprows") {
    case nil: return .first(0)
    case .integer(let count)? where count >= 0: return .first(count)
    case .array(let list)?:
      let lines = list.compactMap(\.integer)
      guard lines.count == list.count, lines.allSatisfy({ $0 >= 0 }) else {
        throw unread("skiprows")
      }
      return lines.isEmpty ? .first(0) : .those(Set(lines))
    default: throw unread("skiprows")
    }
  }

  private func missingValues() throws(CardError) -> [String] {
    if case .string(let word)? = value("na_values") { return [word] }
    return Set(try texts("na_values") ?? []).sorted()
  }

  // MARK: - Values

  private func unread(_ option: String) -> CardError {
    .unreadOption(
      path: path, configuration: configuration, option: option,
      value: (members[option] ?? .null).canonical)
  }

  /// The value of an option; nil where it has none or null.
  private func value(_ option: String) -> JSON? {
    members[option].flatMap { $0 == .null ? nil : $0 }
  }

  private func flag(_ option: String) throws(CardError) -> Bool? {
    guard let value = members[option] else { return nil }
    guard case .bool(let flag) = value else { throw unread(option) }
    return flag
  }

  private func text(_ option: String) throws(CardError) -> String? {
    guard let value = value(option) else { return nil }
    guard let text = value.string else { throw unread(option) }
    return text
  }

  private func byte(_ option: String) throws(CardError) -> UInt8? {
    guard let text = try text(option) else { return nil }
    guard text.utf8.count == 1, let byte = text.utf8.first, byte != 0x0A, byte != 0x0D else {
      throw unread(option)
    }
    return byte
  }

  private func texts(_ option: String) throws(CardError) -> [String]? {
    guard let value = value(option) else { return nil }
    guard let list = value.array else { throw unread(option) }
    let texts = list.compactMap(\.string)
    guard texts.count == list.count else { throw unread(option) }
    return texts
  }

  /// Refuses options that have another value than those that change nothing.
  private func require(_ usual: [String: [JSON]]) throws(CardError) {
    for (option, values) in usual.sorted(by: { $0.key < $1.key }) {
      if let value = members[option], !values.contains(value) { throw unread(option) }
    }
  }

  private static let encodings: Set = ["utf8", "utf8sig", "ascii", "usascii"]

  /// Refuses files in another encoding, and bytes that are left out where they are not of it.
  private func requireUTF8() throws(CardError) {
    if let name = try text("encoding") {
      let letters = name.lowercased().filter { $0.isLetter || $0.isNumber }
      guard CardOptions.encodings.contains(letters) else { throw unread("encoding") }
    }
    try require(["encoding_errors": [.null, .string("strict"), .string("replace")]])
  }
}
