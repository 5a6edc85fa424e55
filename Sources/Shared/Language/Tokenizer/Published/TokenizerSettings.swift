// What stands beside a vocabulary. Comes in: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json and config.json of a folder. Leaves: options and tokens, as the from_pretrained of
// transformers 5 puts them together.

/// The options and tokens that the files beside a vocabulary state.
struct TokenizerSettings {
  /// tokenizer_config.json, with special_tokens_map.json where that counts.
  private(set) var options: [String: JSON] = [:]
  /// The keys of tokenizer_config.json in the order of the file.
  private(set) var keys: [String] = []
  /// config.json of a model in the same folder; null where there is none.
  let model: JSON
  /// The added tokens in the order of the ids that are stated for them, which need not be theirs.
  private(set) var addedTokens: [(id: Int, token: TokenDescription)] = []

  static let fileNames = [
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json",
  ]

  /// The roles that every class knows, in the order in which their tokens are added.
  static let roles = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  /// Reads the files; `listed` are the added tokens of a tokenizer.json, which has its own rule for
  /// what it puts around a text.
  init(folder: String, listed: [JSON]?) throws {
    model = try TokenizerSettings.object(folder, "config.json")?.value ?? .null
    if let (value, bytes) = try TokenizerSettings.object(folder, "tokenizer_config.json") {
      options = value.object ?? [:]
      keys = try TokenizerSettings.keys(of: bytes)
    }
    if let extra = options["additional_special_tokens"],
      (options["extra_special_tokens"] ?? .null).isEmpty
    {
      options["extra_special_tokens"] = extra
      options["additional_special_tokens"] = nil
    }
    if listed != nil {
      options["add_bos_token"] = nil
      options["add_eos_token"] = nil
    }
    if let decoder = options["added_tokens_decoder"]?.object {
      addedTokens = try TokenizerSettings.sorted(decoder, folder)
    } else {
      try readOlderFiles(folder, listed ?? [])
    }
  }

  /// The tokens of files from before `added_tokens_decoder`.
  private mutating func readOlderFiles(_ folder: String, _ listed: [JSON]) throws {
    for (key, value) in try TokenizerSettings.object(folder, "special_tokens_map.json")?.value
      .object
      ?? [:]
    {
      if let members = value.object, key != "extra_special_tokens" {
        options[key] = .object(members.merging(["special": .bool(true)]) { $1 })
      } else if key == "extra_special_tokens", let more = value.array {
        options[key] = .array((options[key]?.array ?? []) + more)
      } else {
        options[key] = value
      }
    }
    var tokens: [Int: TokenDescription] = [:]
    let special = specialNames
    let added = try TokenizerSettings.object(folder, "added_tokens.json")?.value.object ?? [:]
    for (name, id) in added {
      guard let id = id.integer else {
        throw TokenizerError.wrongValue(
          path: folder + "/added_tokens.json", key: name, expected: "a token id")
      }
      tokens[id] = TokenDescription(Array(name.utf8), isSpecial: special.contains(name))
    }
    for value in listed {
      guard let id = value["id"]?.integer, let token = TokenDescription(value) else { continue }
      tokens[id] = token
    }
    addedTokens = tokens.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The names of the tokens that any option gives a role.
  private var specialNames: Set<String> {
    let named = TokenizerSettings.roles.compactMap { options[$0] }
    let extra = options["extra_special_tokens"] ?? options["additional_special_tokens"] ?? .null
    return Set((named + (extra.array ?? [])).compactMap { $0.string ?? $0["content"]?.string })
  }

  private static func sorted(
    _ decoder: [String: JSON], _ folder: String
  ) throws -> [(id: Int, token: TokenDescription)] {
    var tokens: [Int: TokenDescription] = [:]
    for (key, value) in decoder {
      guard let id = Int(key), let token = TokenDescription(value) else {
        throw TokenizerError.wrongValue(
          path: folder + "/tokenizer_config.json", key: "added_tokens_decoder.\(key)",
          expected: "an id and a token with content")
      }
      tokens[id] = token
    }
    return tokens.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  // MARK: - Options

  func flag(_ key: String, or missing: Bool) -> Bool {
    guard let value = options[key] else { return missing }
    return value.bool ?? missing
  }

  /// The token of a role or a key like it; nil where there is none.
  func token(_ value: JSON?) -> SpecialToken? {
    guard let value else { return nil }
    if let token = TokenDescription(value) { return .described(known(token.content) ?? token) }
    guard let name = value.string else { return nil }
    return known(Array(name.utf8)).map { .described($0) } ?? .named(name)
  }

  private func known(_ content: [UInt8]) -> TokenDescription? {
    addedTokens.last { $0.token.content == content }?.token
  }

  // MARK: - Files

  private static func object(
    _ folder: String, _ name: String
  ) throws -> (value: JSON, bytes: [UInt8])? {
    let path = folder + "/" + name
    guard try System.isThere(path) else { return nil }
    let bytes = try MappedFile.contents(path)
    guard let value = try? JSON(parsing: bytes), value.object != nil else {
      throw TokenizerError.malformed(path: path, offset: 0, what: "no JSON object")
    }
    return (value, bytes)
  }

  /// The keys of an object that was read before.
  private static func keys(of bytes: [UInt8]) throws -> [String] {
    var keys: [String] = []
    var key: [UInt8] = []
    var scanner = JSONScanner(bytes.span)
    scanner.skipSpace()
    try scanner.openObject()
    while try scanner.nextMember(&key) {
      keys.append(String(decoding: key, as: UTF8.self))
      _ = try scanner.skipValue()
    }
    return keys
  }
}

extension JSON {
  /// Null, or a list or an object without members.
  fileprivate var isEmpty: Bool {
    self == .null || array?.isEmpty == true || object?.isEmpty == true
  }
}

/// A token as an option gives it.
enum SpecialToken: Equatable {
  /// By its spelling alone.
  case named(String)
  case described(TokenDescription)

  var content: [UInt8] {
    switch self {
    case .named(let name): Array(name.utf8)
    case .described(let token): token.content
    }
  }
}
