// A Hugging Face tokenizer.json. Comes in: its bytes. Leaves: normalizers, pre-tokenizer, decoder and
// template; TokenizerFileModel.swift reads the model. What is not understood is refused by name.

/// The parts of a tokenizer.json.
struct TokenizerFile {
  let path: String
  let bytes: [UInt8]
  /// Where the values of the file lie, by names such as `normalizer` and `model.vocab`.
  private(set) var values: [String: Range<Int>] = [:]
  /// Values that stand in place of the file's, by the same names.
  private var replacements: [String: JSON] = [:]

  /// The scores of a Unigram model that come from elsewhere and no decimal of the text spells exactly.
  var scores: [Double]?

  /// Greater ids are taken for damage rather than for a vocabulary.
  static let idLimit = 1 << 24

  /// Reads the bytes of a tokenizer.json; `path` is named in errors.
  init(_ bytes: [UInt8], path: String) throws {
    self.path = path
    self.bytes = bytes
    try locate(from: 0, prefix: "")
    guard let model = values["model"], bytes[model.lowerBound] == UInt8(ascii: "{") else {
      throw TokenizerError.wrongValue(path: path, key: "model", expected: "an object")
    }
    try locate(from: model.lowerBound, prefix: "model.")
  }

  /// Notes where the members of the object at `start` lie.
  private mutating func locate(from start: Int, prefix: String) throws {
    var found: [(String, Range<Int>)] = []
    try reading {
      var scanner = JSONScanner(bytes.span, from: start)
      scanner.skipSpace()
      try scanner.openObject()
      var key: [UInt8] = []
      while try scanner.nextMember(&key) {
        found.append((prefix + String(decoding: key, as: UTF8.self), try scanner.skipValue()))
      }
    }
    for (key, range) in found { values[key] = range }
  }

  func reading<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let problem as JSONProblem {
      throw TokenizerError.malformed(path: path, offset: problem.offset, what: problem.what)
    }
  }

  /// A small value as a tree; null where it is absent.
  func tree(_ key: String) throws -> JSON {
    if let value = replacements[key] { return value }
    return try stated(key)
  }

  /// A small value as the file itself has it; null where it is absent.
  func stated(_ key: String) throws -> JSON {
    guard let range = values[key] else { return .null }
    do { return try JSON(parsing: Array(bytes[range])) } catch {
      throw TokenizerError.malformed(
        path: path, offset: range.lowerBound, what: "the value of \(key) cannot be read")
    }
  }

  /// Puts a value in place of the file's; vocabulary and merges are always the file's.
  mutating func replace(_ key: String, with value: JSON) { replacements[key] = value }

  /// Whether the file or what replaces it has a value.
  func has(_ key: String) -> Bool { values[key] != nil || replacements[key] != nil }

  func unsupported(_ part: String, _ what: String) -> TokenizerError {
    .unsupported(path: path, part: part, what: what)
  }

  /// The members of a `Sequence`, or the component itself; none for null.
  func components(
    _ part: String, _ value: JSON, listedAs key: String
  ) throws -> [TokenizerComponent] {
    if value == .null { return [] }
    guard let type = value["type"]?.string else {
      throw TokenizerError.wrongValue(path: path, key: part, expected: "null or have a type")
    }
    guard type == "Sequence" else {
      return [TokenizerComponent(path: path, part: part, type: type, value: value)]
    }
    let list = value[key]?.array ?? []
    return try list.enumerated().flatMap { index, item in
      try components("\(part).\(key)[\(index)]", item, listedAs: key)
    }
  }

  func normalizers() throws -> [Normalizer] {
    try components("normalizer", tree("normalizer"), listedAs: "normalizers").map {
      try Normalizer($0)
    }
  }

  func preTokenizer() throws -> PreTokenizer {
    try PreTokenizer(components("pre_tokenizer", tree("pre_tokenizer"), listedAs: "pretokenizers"))
  }

  func decoder() throws -> TokenDecoder {
    try TokenDecoder(components("decoder", tree("decoder"), listedAs: "decoders"))
  }

  /// The ids that stand before and behind every text.
  func template() throws -> TokenTemplate {
    try TokenTemplate(
      components("post_processor", tree("post_processor"), listedAs: "processors"))
  }
}

extension TokenizerFile {
  /// Whether any part of the file works on bytes.
  func isByteLevel() throws -> Bool {
    let parts = ["normalizer", "pre_tokenizer", "post_processor", "decoder"]
    return try parts.contains { try tree($0).canonical.contains("\"ByteLevel\"") }
  }

  /// SentencePiece's character map, where the normalizer has one.
  func characterMap() throws -> JSON? {
    let normalizer = try tree("normalizer")
    let steps = normalizer["normalizers"]?.array ?? [normalizer]
    return steps.first { $0["type"]?.string == "Precompiled" }
  }

  /// The text of a tokenizer.json with everything that was replaced, and with tokens whose ids are
  /// known.
  func contents(_ tokens: [AddedToken], _ template: JSON) throws -> [UInt8] {
    var text = Array("{\"version\":\"1.0\",\"added_tokens\":".utf8)
    let added = tokens.sorted { $0.id < $1.id }.map { $0.description.json(id: $0.id) }
    text += Array(JSON.array(added).canonical.utf8)
    for key in ["normalizer", "pre_tokenizer", "decoder"] {
      text += Array(",\"\(key)\":\(try tree(key).canonical)".utf8)
    }
    text += Array(",\"post_processor\":\(template.canonical),\"model\":{\"type\":".utf8)
    text += Array(JSON.string(try modelType()).canonical.utf8)
    let names = Set(values.keys).union(replacements.keys).filter { $0.hasPrefix("model.") }
    for name in names.sorted() where name != "model.type" {
      text += Array(",\(JSON.string(String(name.dropFirst(6))).canonical):".utf8)
      if let value = replacements[name] {
        text += Array(value.canonical.utf8)
      } else if let range = values[name] {
        text += bytes[range]
      }
    }
    return text + Array("}}".utf8)
  }
}

extension UTF8 {
  /// Whether bytes are valid UTF-8.
  static func isValid(_ bytes: [UInt8]) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }
}
