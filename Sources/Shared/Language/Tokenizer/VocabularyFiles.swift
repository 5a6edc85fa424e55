// A tokenizer given as vocab.json and merges.txt, the files that came before tokenizer.json. Comes in:
// a folder. Leaves: the tokenizer.json that Hugging Face makes of them.

/// The two files of a byte-level BPE tokenizer and what stands beside them.
enum VocabularyFiles {
  static let vocabulary = "vocab.json"
  static let merges = "merges.txt"

  /// Whether a folder holds both files.
  static func exist(in folder: String) -> Bool {
    System.exists(folder + "/" + vocabulary) && System.exists(folder + "/" + merges)
  }

  /// The classes of transformers that keep their tokenizer in these files.
  private enum TokenizerClass: String, CaseIterable {
    case gpt2 = "GPT2"
    case roberta = "Roberta"
    case qwen2 = "Qwen2"

    /// The class that a `tokenizer_class` such as `GPT2TokenizerFast` names.
    init?(className: String) {
      let stem = className.replacing("TokenizerFast", with: "").replacing("Tokenizer", with: "")
      self.init(rawValue: stem)
    }
  }

  /// The text of a tokenizer.json that says the same as the files of `folder`.
  static func tokenizerJSON(in folder: String) throws -> [UInt8] {
    let vocabularyPath = folder + "/" + vocabulary
    let text = try MappedFile.contents(vocabularyPath)
    let ids: [String: JSON]
    do { ids = try JSON(parsing: text).object ?? [:] } catch let problem as JSONProblem {
      throw TokenizerError.malformed(
        path: vocabularyPath, offset: problem.offset, what: problem.what)
    }
    let configuration = try configuration(folder)
    let tokenizerClass = try tokenizerClass(configuration, folder)
    let rules = try merges(folder)
    let addsSpace = configuration["add_prefix_space"]?.bool ?? false
    let file: JSON = [
      "version": "1.0", "added_tokens": .array(addedTokens(tokenizerClass, ids, configuration)),
      "normalizer": tokenizerClass == .qwen2 ? ["type": "NFC"] : .null,
      "pre_tokenizer": preTokenizer(tokenizerClass, addsSpace), "decoder": ["type": "ByteLevel"],
      "post_processor": postProcessor(tokenizerClass, ids),
      "model": ["type": "BPE", "vocab": .object(ids), "merges": .array(rules)],
    ]
    return Array(file.canonical.utf8)
  }

  private static func configuration(_ folder: String) throws -> JSON {
    let path = folder + "/tokenizer_config.json"
    guard System.exists(path) else { return .object([:]) }
    guard let value = try? JSON(parsing: MappedFile.contents(path)), value.object != nil else {
      throw TokenizerError.malformed(path: path, offset: 0, what: "no JSON object")
    }
    return value
  }

  private static func tokenizerClass(_ configuration: JSON, _ folder: String) throws
    -> TokenizerClass
  {
    guard let name = configuration["tokenizer_class"]?.string else { return .gpt2 }
    guard let found = TokenizerClass(className: name) else {
      throw TokenizerError.unsupported(
        path: folder + "/tokenizer_config.json", part: "tokenizer_class",
        what: "\(name) without a tokenizer.json")
    }
    return found
  }

  /// The rules of merges.txt: a line each, behind a line with the version.
  private static func merges(_ folder: String) throws -> [JSON] {
    let path = folder + "/" + merges
    let bytes = try MappedFile.contents(path)
    var rules: [JSON] = []
    var offset = 0
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      defer { offset += line.count + 1 }
      let line = line.last == 0x0D ? line.dropLast() : line
      if line.isEmpty || line.starts(with: Array("#version".utf8)) { continue }
      let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
      guard parts.count == 2, let left = String(validating: parts[0], as: UTF8.self),
        let right = String(validating: parts[1], as: UTF8.self)
      else {
        throw TokenizerError.malformed(
          path: path, offset: offset, what: "expected two tokens with one space between them")
      }
      rules.append([.string(left), .string(right)])
    }
    return rules
  }

  private static func preTokenizer(_ tokenizerClass: TokenizerClass, _ addsSpace: Bool) -> JSON {
    guard tokenizerClass == .qwen2 else {
      return ["type": "ByteLevel", "add_prefix_space": .bool(addsSpace), "use_regex": .bool(true)]
    }
    let pattern =
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
      + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
    return [
      "type": "Sequence",
      "pretokenizers": [
        [
          "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated",
          "invert": .bool(false),
        ],
        ["type": "ByteLevel", "add_prefix_space": .bool(false), "use_regex": .bool(false)],
      ],
    ]
  }

  private static func postProcessor(_ tokenizerClass: TokenizerClass, _ ids: [String: JSON]) -> JSON
  {
    guard tokenizerClass == .roberta, let start = ids["<s>"], let end = ids["</s>"] else {
      return .null
    }
    return [
      "type": "RobertaProcessing", "cls": .array(["<s>", start]), "sep": .array(["</s>", end]),
    ]
  }

  /// The special tokens, in the order of their ids; those beyond the vocabulary follow it.
  private static func addedTokens(
    _ tokenizerClass: TokenizerClass, _ ids: [String: JSON], _ configuration: JSON
  ) -> [JSON] {
    let usual: [String] =
      switch tokenizerClass {
      case .gpt2: ["<|endoftext|>"]
      case .roberta: ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
      case .qwen2: ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
      }
    var tokens: [Int: JSON] = [:]
    for name in usual {
      guard let id = ids[name]?.integer else { continue }
      tokens[id] = [
        "id": .integer(id), "content": .string(name), "special": .bool(true),
        "lstrip": .bool(tokenizerClass == .roberta && name == "<mask>"), "rstrip": .bool(false),
        "single_word": .bool(false), "normalized": .bool(false),
      ]
    }
    for (key, value) in configuration["added_tokens_decoder"]?.object ?? [:] {
      guard let id = Int(key), let members = value.object else { continue }
      tokens[id] = .object(members.merging(["id": .integer(id)]) { $1 })
    }
    return tokens.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension JSON: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
}
