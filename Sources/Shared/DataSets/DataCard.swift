// The card of a data set: the YAML head of its README.md, which may say which files are the data.
// Comes in: a folder. Leaves: its configurations in order, as Hugging Face's datasets reads them. A card
// was fetched from elsewhere: it is bounded, and names no file outside of its folder.

/// What is wrong with a card.
package enum CardError: Failure, Equatable {
  case malformed(path: String, line: Int, what: String)
  case wrong(path: String, what: String)
  case severalDefaults(path: String, first: String, second: String)
  case noDefault(path: String, names: [String])
  case noSuchConfiguration(path: String, name: String, names: [String])
  case unreadOption(path: String, configuration: String, option: String, value: String)
  case outside(path: String, configuration: String, pattern: String)

  package var sentence: String {
    switch self {
    case .malformed(let path, let line, let what): "\(path), line \(line): \(what)."
    case .wrong(let path, let what): "\(path): \(what)."
    case .severalDefaults(let path, let first, let second):
      "\(path) has two default configurations, “\(first)” and “\(second)”."
    case .noDefault(let path, let names):
      "\(path) has several configurations and no default: \(CardError.quoted(names))."
    case .noSuchConfiguration(let path, let name, let names):
      "\(path) has no configuration “\(name)”; it has \(CardError.quoted(names))."
    case .unreadOption(let path, let configuration, let option, let value):
      "\(path): the configuration “\(configuration)” sets \(option) to \(JSON.clipped(value)), "
        + "which is not done."
    case .outside(let path, let configuration, let pattern):
      "\(path): the configuration “\(configuration)” names \(pattern), which is not inside its folder."
    }
  }

  package var hint: String? {
    switch self {
    case .malformed, .wrong, .severalDefaults, .outside:
      "Repair the YAML head of that file, or name the files as pretokenize.data_files."
    case .noDefault, .noSuchConfiguration: "Set pretokenize.dataset_name to one of them."
    case .unreadOption(_, _, "encoding", _):
      "Write the files as UTF-8, such as by iconv, and remove that line of the card."
    case .unreadOption:
      "Write the rows as JSON Lines, such as with to_json of Hugging Face's datasets."
    }
  }

  /// More names are counted.
  private static let nameLimit = 100

  private static func quoted(_ names: [String]) -> String {
    let shown = names.prefix(nameLimit).map { "“\(JSON.clipped($0))”" }.joined(separator: ", ")
    return names.count <= nameLimit ? shown : shown + " and \(names.count - nameLimit) more"
  }
}

/// A configuration of a card.
struct CardConfiguration {
  let name: String
  /// The files by split; nil where they are told by their names.
  let dataFiles: DataFilePatterns?
  let dataDir: String?
  let isDefault: Bool
  /// What is said to the builder that reads them.
  let options: CardOptions
}

/// The configurations of a folder's card.
struct DataCard {
  let path: String
  let configurations: [CardConfiguration]
  /// The one configuration that the card describes the columns of; counts where none is the default.
  private let described: String?

  /// Larger cards are refused before they are read.
  private static let byteLimit = 16 << 20
  /// Longer heads are refused; that of a data set of thousands of configurations has a tenth of it.
  private static let headLimit = 4 << 20

  /// Reads the card of a folder; nil where there is none or where it says nothing of files.
  static func read(folder: String, of tree: DataTree) throws -> DataCard? {
    let readme = DataTree.joined(folder, "README.md")
    let apart = DataTree.joined(folder, ".huggingface.yaml")
    var members: [String: JSON] = [:]
    var path = tree.name(readme)
    if let file = try open(readme, tree), let head = try head(of: file, path: path) {
      members = try self.members(head.text, path: path, firstLine: head.line)
    }
    if let file = try open(apart, tree) {
      guard file.byteCount <= headLimit else { throw tooLong(tree.name(apart), headLimit) }
      let text = try file.read(at: 0, count: file.byteCount)
      let more = try self.members(text, path: tree.name(apart), firstLine: 1)
      if more["configs"] != nil { path = tree.name(apart) }
      members.merge(more) { $1 }
    }
    guard let list = members["configs"], list != .null, list.array != [] else { return nil }
    return try DataCard(path: path, list, described: members["dataset_info"])
  }

  private static func tooLong(_ path: String, _ limit: Int) -> CardError {
    .wrong(path: path, what: "the file is larger than \(limit >> 20) MiB")
  }

  /// Opens a card whose stated size is honest; nil where there is none.
  private static func open(_ path: String, _ tree: DataTree) throws -> (any ByteSource)? {
    guard let entry = tree.files.entry(path) else { return nil }
    if case .file(let byteCount) = entry, byteCount > byteLimit {
      throw tooLong(tree.name(path), byteLimit)
    }
    return try tree.files.open(path)
  }

  /// What stands between two lines of three dashes at the start, and the line that it begins in; read as
  /// far as it goes.
  private static func head(
    of file: any ByteSource, path: String
  ) throws -> (text: [UInt8], line: Int)? {
    var text: [UInt8] = []
    var size = 64 << 10
    while true {
      text += try file.read(at: text.count, count: size - text.count)
      let isWhole = text.count < size || text.count == file.byteCount
      switch CardHead(text, isWhole: isWhole) {
      case .none: return nil
      case .found(let range, let line): return (CardHead.lines(text[range]), line)
      case .open:
        guard size < headLimit else {
          throw CardError.wrong(
            path: path, what: "its YAML head is longer than \(headLimit >> 20) MiB")
        }
        size *= 4
      }
    }
  }

  /// The members of a head; none where it cannot be read and has no configurations.
  private static func members(
    _ text: [UInt8], path: String, firstLine: Int
  ) throws(CardError) -> [String: JSON] {
    do {
      return try YAML.parse(text).object ?? [:]
    } catch {
      let isNeeded = text.split(separator: 0x0A).contains { $0.starts(with: "configs".utf8) }
      guard isNeeded else { return [:] }
      throw .malformed(path: path, line: error.line + firstLine - 1, what: error.what)
    }
  }

  private init(path: String, _ list: JSON, described: JSON?) throws(CardError) {
    self.path = path
    guard let items = list.array else {
      throw .wrong(path: path, what: "“configs” is no list")
    }
    var found: [CardConfiguration] = []
    var places: [String: Int] = [:]
    for item in items {
      let configuration = try CardConfiguration(item, path: path)
      // Of several of one name the last counts, in the place of the first.
      if let place = places[configuration.name] {
        found[place] = configuration
      } else {
        places[configuration.name] = found.count
        found.append(configuration)
      }
    }
    configurations = found
    let infos = described?.array ?? (described?.object == nil ? [] : [described ?? .null])
    self.described = infos.count == 1 ? infos[0]["config_name"]?.string ?? "default" : nil
  }

  /// The configuration of a name, or the one that counts without a name.
  func configuration(_ name: String?) throws(CardError) -> CardConfiguration {
    let names = configurations.map(\.name)
    if let name {
      guard let found = configurations.first(where: { $0.name == name }) else {
        throw .noSuchConfiguration(path: path, name: name, names: names)
      }
      return found
    }
    let defaults = configurations.filter {
      names.count == 1 || $0.name == "default" || $0.isDefault
    }
    guard defaults.count <= 1 else {
      throw .severalDefaults(path: path, first: defaults[0].name, second: defaults[1].name)
    }
    if let found = defaults.first { return found }
    guard let found = configurations.first(where: { $0.name == described }) else {
      throw .noDefault(path: path, names: names)
    }
    return found
  }
}

extension CardConfiguration {
  fileprivate init(_ item: JSON, path: String) throws(CardError) {
    guard let members = item.object, let name = members["config_name"].flatMap(Self.text) else {
      throw .wrong(path: path, what: "a configuration has no “config_name”")
    }
    try Self.check(name, path)
    self.name = name
    isDefault = members["default"]?.bool ?? false
    dataDir = members["data_dir"].flatMap(Self.text).flatMap { $0.isEmpty ? nil : $0 }
    dataFiles = try members["data_files"].flatMap { $0 == .null ? nil : $0 }.map {
      (value) throws(CardError) in
      // A mapping of splits is not what a card may have.
      guard value.object == nil, let files = DataFilePatterns(setting: value) else {
        throw .wrong(
          path: path,
          what:
            "“data_files” of “\(name)” is neither text, nor a list of texts or of split and path")
      }
      return files
    }
    options = CardOptions(members, path: path, configuration: name)
    for split in dataFiles?.splits ?? [] { try Self.check(split.name, path) }
    for pattern in (dataFiles?.patterns ?? []) + [dataDir].compactMap({ $0 }) {
      try Self.check(pattern, path)
      let leaves =
        !pattern.staysInside || pattern.utf8.first == UInt8(ascii: "~") || pattern.contains("://")
      if leaves { throw .outside(path: path, configuration: name, pattern: pattern) }
    }
  }

  /// A name or a path is not longer; no file of the Hub has a longer path.
  private static let textLimit = 4_000

  /// Refuses what neither is a name or path nor is fit to be shown as one.
  private static func check(_ text: String, _ path: String) throws(CardError) {
    guard text.utf8.count <= textLimit else {
      throw .wrong(path: path, what: "a name or path in it is longer than \(textLimit) bytes")
    }
    guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }) else {
      throw .wrong(
        path: path, what: "a name or path in it has control characters: \(JSON.clipped(text))")
    }
  }

  /// A text, or the digits of a number that stands in the place of one.
  private static func text(_ value: JSON) -> String? {
    switch value {
    case .string(let text): text
    case .integer, .number, .bool: value.canonical
    default: nil
    }
  }
}
