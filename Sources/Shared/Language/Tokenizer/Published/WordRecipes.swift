// The recipes of the classes that cut words as BERT does: WordPiece vocabularies, and BPE over characters
// without a byte alphabet.

extension TokenizerRecipe {
  init(wordPiece name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    modelType = "WordPiece"
    defaults = [
      "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
      "mask_token": "[MASK]",
    ]
    switch name {
    case .mpnet:
      defaults = [
        "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
        "unk_token": "[UNK]", "pad_token": "<pad>", "mask_token": "<mask>",
      ]
      stripsBeforeMask = true
    case .funnel:
      defaults = [
        "bos_token": "<s>", "eos_token": "</s>", "sep_token": "<sep>", "cls_token": "<cls>",
        "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
      ]
    case .splinter: defaults["question_token"] = "[QUESTION]"
    default: break
    }
    keepsFile = name == .convBert || name == .dpr
    let unknown = settings.name("unk_token") ?? defaults["unk_token"] ?? "[UNK]"
    model = [
      "unk_token": .string(unknown), "continuing_subword_prefix": "##",
      "max_input_chars_per_word": .integer(100),
    ]
    normalizer = [
      "type": "BertNormalizer",
      "clean_text": .bool(name == .funnel ? settings.flag("clean_text", or: true) : true),
      "handle_chinese_chars": .bool(settings.flag("tokenize_chinese_chars", or: true)),
      "strip_accents": settings.options["strip_accents"] ?? .null,
      // DPR's classes keep the setting to themselves.
      "lowercase": .bool(name == .dpr || settings.flag("do_lower_case", or: true)),
    ]
    preTokenizer = ["type": "BertPreTokenizer"]
    decoder = ["type": "WordPiece", "prefix": "##", "cleanup": .bool(true)]
    surroundings = .always(Roles(before: ["cls_token"], behind: ["sep_token"]))
  }

  /// BPE over the characters of words.
  init(words name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    modelType = "BPE"
    defaults = ["unk_token": "<unk>"]
    let unknown = JSON.string(settings.name("unk_token") ?? "<unk>")
    if name == .openAIGPT {
      model = TokenizerRecipe.bytePairs(suffix: "</w>", unknown: unknown)
      normalizer = [
        "type": "BertNormalizer", "clean_text": .bool(true), "handle_chinese_chars": .bool(true),
        "strip_accents": .null, "lowercase": .bool(true),
      ]
      preTokenizer = ["type": "BertPreTokenizer"]
      decoder = ["type": "BPEDecoder", "suffix": "</w>"]
    } else {
      defaults["eos_token"] = "</s>"
      model = TokenizerRecipe.bytePairs(suffix: "", unknown: unknown)
      model["fuse_unk"] = .bool(true)
      normalizer = [
        "type": "Sequence",
        "normalizers": [TokenizerRecipe.replacing(pattern: #" {2,}"#, with: " ")],
      ]
      mapPlace = .firstOrNoStepAtAll
      preTokenizer = [
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": .bool(true),
      ]
      decoder = preTokenizer
      readsModelFiles = true
    }
  }
}
