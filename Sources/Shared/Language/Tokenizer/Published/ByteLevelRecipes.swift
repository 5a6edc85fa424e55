// The recipes of the classes whose vocabulary is BPE: over bytes (GPT-2 and its kin), and over
// characters with a mark for the space (Llama, Gemma).

extension TokenizerRecipe {
  /// Splits as Qwen 2 and 3 do it.
  static let qwen2Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
    + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let qwen35Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"#
    + #"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let clipPattern =
    #"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
  private static let end = "<|endoftext|>"

  private static let classifying = Surroundings.always(
    Roles(before: ["cls_token"], behind: ["sep_token"]))

  static let byteDecoder = byteLevel(addsSpace: true)

  init(byteLevel name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    let addsSpace = settings.flag("add_prefix_space", or: name == .blenderbot)
    let end = TokenizerRecipe.end
    modelType = "BPE"
    model = TokenizerRecipe.bytePairs(suffix: "", unknown: .null)
    defaults = ["unk_token": end, "bos_token": end, "eos_token": end]
    decoder = TokenizerRecipe.byteDecoder
    preTokenizer = TokenizerRecipe.byteLevel(addsSpace: addsSpace)
    switch name {
    case .gptNeoX:
      defaults["pad_token"] = "<|padding|>"
      normalizer = ["type": "NFC"]
      surroundings = .byOptions
    case .qwen2, .qwen3_5:
      defaults = ["unk_token": end, "eos_token": end, "pad_token": end]
      normalizer = ["type": "NFC"]
      preTokenizer = TokenizerRecipe.splitting(
        name == .qwen2 ? TokenizerRecipe.qwen2Pattern : TokenizerRecipe.qwen35Pattern,
        "Isolated", TokenizerRecipe.byteLevel(addsSpace: addsSpace, usesPattern: false))
      addsSpecialTokensAgain = name == .qwen2
      needsFile = name == .qwen3_5
    case .cohere:
      defaults = [
        "unk_token": "<UNK>", "bos_token": "<BOS_TOKEN>", "eos_token": "<|END_OF_TURN_TOKEN|>",
        "pad_token": "<PAD>", "cls_token": "<CLS>", "sep_token": "<SEP>",
        "mask_token": "<MASK_TOKEN>",
      ]
      normalizer = ["type": "NFC"]
      preTokenizer = [
        "type": "Sequence",
        "pretokenizers": [
          ["type": "Digits", "individual_digits": .bool(true)],
          TokenizerRecipe.byteLevel(addsSpace: addsSpace),
        ],
      ]
    case .roberta, .blenderbot:
      defaults = [
        "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
        "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
      ]
      stripsBeforeMask = name == .blenderbot
      if name == .roberta { surroundings = TokenizerRecipe.classifying }
    case .deberta:
      defaults = [
        "bos_token": "[CLS]", "eos_token": "[SEP]", "sep_token": "[SEP]", "cls_token": "[CLS]",
        "unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]",
      ]
      surroundings = TokenizerRecipe.classifying
    case .clip: takeCLIP(settings)
    default: break
    }
  }

  private mutating func takeCLIP(_ settings: TokenizerSettings) {
    let end = TokenizerRecipe.end
    defaults = [
      "unk_token": end, "bos_token": "<|startoftext|>", "eos_token": end, "pad_token": end,
    ]
    model = TokenizerRecipe.bytePairs(
      suffix: "</w>", unknown: .string(settings.name("unk_token") ?? end))
    normalizer = [
      "type": "Sequence",
      "normalizers": [
        ["type": "NFC"], TokenizerRecipe.replacing(pattern: #"\s+"#, with: " "),
        ["type": "Lowercase"],
      ],
    ]
    preTokenizer = TokenizerRecipe.splitting(
      TokenizerRecipe.clipPattern, "Removed", TokenizerRecipe.byteLevel(addsSpace: false),
      isInverted: true)
    surroundings = .always(Roles(before: ["bos_token"], behind: ["eos_token"]))
  }

  init(marked name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    modelType = "BPE"
    model = [
      "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null,
      "end_of_word_suffix": .null, "fuse_unk": .bool(true), "byte_fallback": .bool(true),
      "ignore_merges": .bool(false),
    ]
    defaults = ["unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"]
    readsModelFiles = true
    let addsSpace = settings.flag("add_prefix_space", or: true)
    var steps = TokenizerRecipe.markDecoders
    switch name {
    case .gemma:
      defaults = [
        "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>",
        "mask_token": "<mask>",
      ]
      model["unk_token"] = .string(settings.name("unk_token") ?? "<unk>")
      normalizer = TokenizerRecipe.replacing(" ", with: "▁")
      preTokenizer = [
        "type": "Split", "pattern": ["String": " "], "behavior": "MergedWithPrevious",
        "invert": .bool(false),
      ]
    case .codeLlama:
      model["unk_token"] = .string(settings.name("unk_token") ?? "<unk>")
      preTokenizer = TokenizerRecipe.metaspace(addsSpace ? "first" : "never")
      steps.append(TokenizerRecipe.stripDecoder)
      defaults["prefix_token"] = "▁<PRE>"
      defaults["middle_token"] = "▁<MID>"
      defaults["suffix_token"] = "▁<SUF>"
      defaults["eot_token"] = "▁<EOT>"
      defaults["fill_token"] = "<FILL_ME>"
      addsBegin = true
    default:
      let isOld = settings.flag("legacy", or: false)
      preTokenizer = TokenizerRecipe.metaspace(addsSpace ? (isOld ? "always" : "first") : "never")
      if addsSpace { steps.append(TokenizerRecipe.stripDecoder) }
    }
    decoder = ["type": "Sequence", "decoders": .array(steps)]
  }

  // MARK: - Parts

  static func bytePairs(suffix: String, unknown: JSON) -> [String: JSON] {
    [
      "dropout": .null, "unk_token": unknown, "continuing_subword_prefix": "",
      "end_of_word_suffix": .string(suffix), "fuse_unk": .bool(false),
      "byte_fallback": .bool(false), "ignore_merges": .bool(false),
    ]
  }

  static func byteLevel(addsSpace: Bool, usesPattern: Bool = true) -> JSON {
    [
      "type": "ByteLevel", "add_prefix_space": .bool(addsSpace), "trim_offsets": .bool(true),
      "use_regex": .bool(usesPattern),
    ]
  }

  static func splitting(
    _ pattern: String, _ behavior: String, _ rest: JSON, isInverted: Bool = false
  ) -> JSON {
    [
      "type": "Sequence",
      "pretokenizers": [
        [
          "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": .string(behavior),
          "invert": .bool(isInverted),
        ],
        rest,
      ],
    ]
  }

  static func metaspace(_ scheme: String) -> JSON {
    [
      "type": "Metaspace", "replacement": "▁", "prepend_scheme": .string(scheme),
      "split": .bool(false),
    ]
  }

  static let markDecoders: [JSON] = [
    replacing("▁", with: " "), ["type": "ByteFallback"], ["type": "Fuse"],
  ]
  static let stripDecoder: JSON = [
    "type": "Strip", "content": " ", "start": .integer(1), "stop": .integer(0),
  ]
}
