// Reads a Hugging Face tokenizer.json. Comes in: its bytes. Leaves: normalizers, pre-tokenizer,
// model and added tokens. What is not understood to the last detail is refused by name.

/// The parts of a tokenizer.json.
struct TokenizerFile {
  private let path: String
  private let bytes: [UInt8]
  /// Where the values of the file lie, by names such as `normalizer` and `model.vocab`.
  private var values: [String: Range<Int>] = [:]

  /// Greater ids are taken for damage rather than for a vocabulary.
  private static let idLimit = 1 << 24

  init(path: String) throws {
    self.path = path
    let file = try MappedFile.open(path)
    bytes = [UInt8](copying: file.bytes.octets)
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

  private func reading<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let problem as JSONProblem {
      throw TokenizerError.malformed(path: path, offset: problem.offset, what: problem.what)
    }
  }

  /// A small value as a tree; null where it is absent.
  private func tree(_ key: String) throws -> JSON {
    guard let range = values[key] else { return .null }
    do { return try JSON(parsing: Array(bytes[range])) } catch {
      throw TokenizerError.malformed(
        path: path, offset: range.lowerBound, what: "the value of \(key) cannot be read")
    }
  }

  private func unsupported(_ part: String, _ what: String) -> TokenizerError {
    .unsupported(path: path, part: part, what: what)
  }

  /// The members of a `Sequence`, or the component itself; none for null.
  private func components(
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

  // MARK: - Text

  func normalizers() throws -> [Normalizer] {
    try components("normalizer", tree("normalizer"), listedAs: "normalizers").map { item in
      guard item.type == "NFC" else { throw unsupported(item.part, "the type “\(item.type)”") }
      return .nfc
    }
  }

  func preTokenizer() throws -> PreTokenizer {
    let items = try components(
      "pre_tokenizer", tree("pre_tokenizer"), listedAs: "pretokenizers")
    let preTokenizer = try PreTokenizer(items)
    guard preTokenizer.isByteLevel else {
      throw unsupported("pre_tokenizer", "a pre-tokenizer without ByteLevel")
    }
    return preTokenizer
  }

  /// Checks that decoding is the plain joining of the tokens' bytes.
  func checkDecoder() throws {
    for item in try components("decoder", tree("decoder"), listedAs: "decoders")
    where item.type != "ByteLevel" {
      throw unsupported(item.part, "the type “\(item.type)”")
    }
  }

  /// The ids that stand before and behind every text.
  func template() throws -> (prefix: [UInt32], suffix: [UInt32]) {
    var result: (prefix: [UInt32], suffix: [UInt32]) = ([], [])
    let items = try components(
      "post_processor", tree("post_processor"), listedAs: "processors")
    for item in items where item.type != "ByteLevel" {
      guard item.type == "TemplateProcessing", result.prefix.isEmpty, result.suffix.isEmpty else {
        throw unsupported(item.part, "the type “\(item.type)”")
      }
      result = try template(item.part, item.value)
    }
    return result
  }

  private func template(
    _ part: String, _ value: JSON
  ) throws -> (prefix: [UInt32], suffix: [UInt32]) {
    var before: [UInt32] = []
    var behind: [UInt32]?
    for element in value["single"]?.array ?? [] {
      if let name = element["SpecialToken"]?["id"]?.string,
        let ids = value["special_tokens"]?[name]?["ids"]?.array
      {
        let tokens = ids.compactMap { $0.integer.flatMap { UInt32(exactly: $0) } }
        if behind == nil { before += tokens } else { behind = (behind ?? []) + tokens }
      } else if element["Sequence"]?["id"]?.string == "A", behind == nil {
        behind = []
      } else {
        throw unsupported(part, "this template")
      }
    }
    guard let behind else { throw unsupported(part, "a template without the text") }
    return (before, behind)
  }

  // MARK: - Model

  /// The vocabulary as it is spelt in the file.
  private func spelling() throws -> (tokens: [[UInt8]], ids: [UInt32]) {
    guard let range = values["model.vocab"], bytes[range.lowerBound] == UInt8(ascii: "{") else {
      throw TokenizerError.wrongValue(path: path, key: "model.vocab", expected: "an object")
    }
    return try reading {
      var tokens: [[UInt8]] = []
      var ids: [UInt32] = []
      var scanner = JSONScanner(bytes.span, from: range.lowerBound)
      var key: [UInt8] = []
      try scanner.openObject()
      while try scanner.nextMember(&key) {
        let offset = scanner.position
        let id = try scanner.integer()
        guard (0..<TokenizerFile.idLimit).contains(id) else {
          throw JSONProblem(offset: offset, what: "\(id) is no token id")
        }
        guard UTF8.isValid(key) else {
          throw JSONProblem(offset: offset, what: "the token before is not UTF-8")
        }
        tokens.append(Array(key))
        ids.append(UInt32(id))
      }
      return (tokens, ids)
    }
  }

  /// Refuses the options of a BPE model that would change its tokens.
  private func checkModel() throws {
    let type = try tree("model.type").string ?? "BPE"
    guard type == "BPE" else { throw unsupported("model", "the type “\(type)”") }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      let value = try tree("model." + key)
      guard value == .null || value == .string("") else {
        throw unsupported("model.\(key)", "\(value.canonical)")
      }
    }
    let dropout = try tree("model.dropout")
    guard dropout == .null || dropout.double == 0 else {
      throw unsupported("model.dropout", dropout.canonical)
    }
  }

  /// The model, and everything that has an id.
  func model() throws -> (model: BytePairEncoding, spelling: Vocabulary) {
    try checkModel()
    let (tokens, ids) = try spelling()
    let spelling = Vocabulary(tokens: tokens, ids: ids)
    let byteIds = try byteIds(spelling)
    let merges = try merges(spelling)
    var whole: Vocabulary?
    if try tree("model.ignore_merges").bool == true {
      let pieces = zip(tokens, ids).compactMap { token, id in
        ByteAlphabet.decode(token).map { ($0, id) }
      }
      whole = Vocabulary(tokens: pieces.map(\.0), ids: pieces.map(\.1))
    }
    return (BytePairEncoding(byteIds: byteIds, merges: merges, wholePieces: whole), spelling)
  }

  /// The id of each byte: that of its own token, of `unk_token`, or none.
  private func byteIds(_ spelling: Vocabulary) throws -> [UInt32] {
    var ids = ByteAlphabet.scalars.map { spelling.id(of: Array(String($0).utf8)) }
    guard ids.contains(nil) else { return ids.compactMap { $0 } }
    for key in ["byte_fallback", "fuse_unk"] where try tree("model." + key).bool == true {
      throw unsupported("model.\(key)", "true, with bytes missing from the vocabulary,")
    }
    if let name = try tree("model.unk_token").string {
      guard let id = spelling.id(of: Array(name.utf8)) else {
        throw TokenizerError.wrongValue(
          path: path, key: "model.unk_token", expected: "in the vocabulary")
      }
      ids = ids.map { $0 ?? id }
    }
    return ids.map { $0 ?? BytePairEncoding.noToken }
  }

  private func merges(_ spelling: Vocabulary) throws -> [BytePairEncoding.Merge] {
    guard let range = values["model.merges"], bytes[range.lowerBound] == UInt8(ascii: "[") else {
      throw TokenizerError.wrongValue(path: path, key: "model.merges", expected: "a list")
    }
    return try reading {
      var merges: [BytePairEncoding.Merge] = []
      var scanner = JSONScanner(bytes.span, from: range.lowerBound)
      var left: [UInt8] = []
      var right: [UInt8] = []
      var index = -1
      try scanner.openArray()
      while try scanner.nextElement() {
        index += 1
        guard try readMerge(&scanner, &left, &right) else { continue }
        func id(_ token: [UInt8]) throws(TokenizerError) -> UInt32 {
          if let id = spelling.id(of: token) { return id }
          throw .unknownMerge(
            path: path, index: index, token: String(decoding: token, as: UTF8.self))
        }
        merges.append(.init(left: try id(left), right: try id(right), joined: try id(left + right)))
      }
      return merges
    }
  }

  /// Reads `"a b"` or `["a", "b"]`; false for the version line that old files carry.
  private func readMerge(
    _ scanner: inout JSONScanner, _ left: inout [UInt8], _ right: inout [UInt8]
  ) throws -> Bool {
    left.removeAll(keepingCapacity: true)
    right.removeAll(keepingCapacity: true)
    let offset = scanner.position
    if scanner.next == UInt8(ascii: "[") {
      let malformed = JSONProblem(offset: offset, what: "expected two tokens")
      try scanner.openArray()
      guard try scanner.nextElement() else { throw malformed }
      try scanner.string(into: &left)
      guard try scanner.nextElement() else { throw malformed }
      try scanner.string(into: &right)
      guard try !scanner.nextElement() else { throw malformed }
      return true
    }
    var line: [UInt8] = []
    try scanner.string(into: &line)
    if line.starts(with: Array("#version".utf8)) { return false }
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw JSONProblem(offset: offset, what: "expected two tokens with one space between them")
    }
    left += parts[0]
    right += parts[1]
    return true
  }

  // MARK: - Added tokens

  /// The added tokens, whose ids must be those that Hugging Face's loader would give them.
  func addedTokens(_ spelling: Vocabulary) throws -> [AddedToken] {
    let size = spelling.tokenCount
    guard let list = try tree("added_tokens").array else { return [] }
    var known: [[UInt8]: UInt32] = [:]
    var greatest: Int?
    return try list.enumerated().map { index, item in
      guard let text = item["content"]?.string, let id = item["id"]?.integer else {
        throw TokenizerError.wrongValue(
          path: path, key: "added_tokens[\(index)]", expected: "an object with id and content")
      }
      let content = Array(text.utf8)
      let fresh = greatest.map { $0 >= size || size == 0 ? $0 + 1 : size } ?? size
      let expected = (spelling.id(of: content) ?? known[content]).map { Int($0) } ?? fresh
      guard id == expected, let narrow = UInt32(exactly: id) else {
        throw TokenizerError.addedTokenId(path: path, token: text, id: id, expected: expected)
      }
      known[content] = narrow
      greatest = max(greatest ?? id, id)
      let isSpecial = item["special"]?.bool ?? false
      return AddedToken(
        id: narrow, content: content, isSingleWord: item["single_word"]?.bool ?? false,
        stripsLeft: item["lstrip"]?.bool ?? false, stripsRight: item["rstrip"]?.bool ?? false,
        isNormalized: item["normalized"]?.bool ?? !isSpecial, isSpecial: isSpecial)
    }
  }
}

extension UTF8 {
  /// Whether bytes are valid UTF-8.
  static func isValid(_ bytes: [UInt8]) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }
}
