// What a tokenizer class of transformers puts around a vocabulary, whatever a tokenizer.json says.
// Comes in: a class and the options of tokenizer_config.json. Leaves: the parts of a tokenizer.json.

/// The parts that a class gives every tokenizer of its kind.
struct TokenizerRecipe {
  /// The type of the model, as `model.type` names it.
  let modelType: String
  /// The tokens of roles that no file names.
  var defaults: [String: String]
  /// Members of `model`.
  var model: [String: JSON]
  var normalizer: JSON = .null
  var preTokenizer: JSON = .null
  var decoder: JSON
  var surroundings = Surroundings.asGiven(otherwise: nil)
  /// Whether the special tokens are added once more, without options.
  var addsSpecialTokensAgain = false
  /// Whether the class asks for its first token where no option says so.
  var addsBegin: Bool?
  /// What a SentencePiece model's pieces become.
  var pieces = PieceOrder.asGiven

  /// What stands around every text.
  enum Surroundings: Equatable {
    /// What tokenizer.json says, else the roles here, else what options such as `add_bos_token` say.
    case asGiven(otherwise: Roles?)
    /// What options say, whatever tokenizer.json says.
    case byOptions
    case always(Roles)
  }

  /// Roles of tokens before and behind a text.
  struct Roles: Equatable {
    let before: [String]
    let behind: [String]
  }

  /// The tokens that a class makes of the pieces of a SentencePiece model.
  enum PieceOrder: Equatable {
    case asGiven
    /// Followed by `<extra_id_99>` to `<extra_id_0>`.
    case withExtraIds
    /// Behind the four tokens of fairseq, without the first three pieces, and before the mask.
    case fairseq
  }
}

extension TokenizerRecipe {
  /// The recipe of a class.
  init(_ name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    switch name {
    case .gpt2, .codeGen, .gptNeoX, .qwen2, .qwen3_5, .cohere, .roberta, .clip:
      self.init(byteLevel: name, settings)
    case .llama, .codeLlama, .gemma: self.init(marked: name, settings)
    case .bert: self.init(bert: settings)
    case .t5, .albert, .xlmRoberta: self.init(unigram: name, settings)
    }
  }

  private init(bert settings: TokenizerSettings) {
    modelType = "WordPiece"
    defaults = [
      "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
      "mask_token": "[MASK]",
    ]
    let unknown = settings.name("unk_token") ?? "[UNK]"
    model = [
      "unk_token": .string(unknown), "continuing_subword_prefix": "##",
      "max_input_chars_per_word": .integer(100),
    ]
    normalizer = [
      "type": "BertNormalizer", "clean_text": .bool(true),
      "handle_chinese_chars": .bool(settings.flag("tokenize_chinese_chars", or: true)),
      "strip_accents": settings.options["strip_accents"] ?? .null,
      "lowercase": .bool(settings.flag("do_lower_case", or: true)),
    ]
    preTokenizer = ["type": "BertPreTokenizer"]
    decoder = ["type": "WordPiece", "prefix": "##", "cleanup": .bool(true)]
    surroundings = .always(Roles(before: ["cls_token"], behind: ["sep_token"]))
  }

  private init(unigram name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    modelType = "Unigram"
    let addsSpace = name == .t5 || settings.flag("add_prefix_space", or: true)
    let scheme: JSON = addsSpace ? "always" : "never"
    let metaspace: JSON = [
      "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": .bool(true),
    ]
    preTokenizer = [
      "type": "Sequence", "pretokenizers": [["type": "WhitespaceSplit"], metaspace],
    ]
    decoder = metaspace
    switch name {
    case .t5:
      defaults = ["eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"]
      model = ["unk_id": .integer(2), "byte_fallback": .bool(false)]
      surroundings = .always(Roles(before: [], behind: ["eos_token"]))
      pieces = .withExtraIds
    case .albert:
      defaults = [
        "bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "<unk>", "sep_token": "[SEP]",
        "pad_token": "<pad>", "cls_token": "[CLS]", "mask_token": "[MASK]",
      ]
      model = ["unk_id": .integer(1), "byte_fallback": .bool(false)]
      surroundings = .asGiven(otherwise: Roles(before: ["cls_token"], behind: ["sep_token"]))
    default:
      defaults = [
        "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
        "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
      ]
      model = ["unk_id": .integer(3), "byte_fallback": .bool(false)]
      surroundings = .always(Roles(before: ["bos_token"], behind: ["eos_token"]))
      pieces = .fairseq
    }
    normalizer = TokenizerRecipe.normalizer(name, settings)
  }

  /// The normalizer before the character map, which the vocabulary's file brings.
  private static func normalizer(
    _ name: TokenizerClass.KnownClass, _ settings: TokenizerSettings
  ) -> JSON {
    guard name == .albert else { return ["type": "Sequence", "normalizers": .array([])] }
    var steps: [JSON] = [
      replacing("``", with: "\""), replacing("''", with: "\""),
    ]
    if !settings.flag("keep_accents", or: false) {
      steps += [["type": "NFKD"], ["type": "StripAccents"]]
    }
    if settings.flag("do_lower_case", or: true) { steps.append(["type": "Lowercase"]) }
    return ["type": "Sequence", "normalizers": .array(steps)]
  }

  static func replacing(_ text: String, with content: String) -> JSON {
    ["type": "Replace", "pattern": ["String": .string(text)], "content": .string(content)]
  }

  static func replacing(pattern: String, with content: String) -> JSON {
    ["type": "Replace", "pattern": ["Regex": .string(pattern)], "content": .string(content)]
  }
}

extension TokenizerSettings {
  /// The spelling of a role's token.
  func name(_ role: String) -> String? {
    token(options[role]).map { String(decoding: $0.content, as: UTF8.self) }
  }
}
