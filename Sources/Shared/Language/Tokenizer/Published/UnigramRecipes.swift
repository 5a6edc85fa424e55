// The recipes of the classes whose vocabulary is a Unigram model: T5, ALBERT, XLM-RoBERTa and their kin.

extension TokenizerRecipe {
  private static let classicRoles = [
    "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>",
    "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
  ]
  private static let bertRoles = [
    "bos_token": "[CLS]", "eos_token": "[SEP]", "unk_token": "<unk>", "sep_token": "[SEP]",
    "pad_token": "<pad>", "cls_token": "[CLS]", "mask_token": "[MASK]",
  ]
  private static let begunAndEnded = Roles(before: ["bos_token"], behind: ["eos_token"])
  private static let classified = Roles(before: ["cls_token"], behind: ["sep_token"])
  private static let spaces = #" {2,}"#
  private static let lines = #"\s{2,}|[\n\r\t]"#

  init(unigram name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    modelType = "Unigram"
    defaults = TokenizerRecipe.classicRoles
    mapPlace = .last
    readsModelFiles = name != .xglm
    let addsSpace = [.t5, .xlnet].contains(name) || settings.flag("add_prefix_space", or: true)
    let metaspace: JSON = [
      "type": "Metaspace", "replacement": "▁",
      "prepend_scheme": addsSpace ? "always" : (name == .debertaV2 ? "first" : "never"),
      "split": .bool(true),
    ]
    decoder = metaspace
    preTokenizer = TokenizerRecipe.preTokenizer(name, metaspace, settings)
    normalizer = TokenizerRecipe.normalizer(name, settings)
    model = ["unk_id": .integer(3), "byte_fallback": .bool(false)]
    takeTokens(name, settings)
  }

  private mutating func takeTokens(
    _ name: TokenizerClass.KnownClass, _ settings: TokenizerSettings
  ) {
    let unknown = settings.name("unk_token")
    switch name {
    case .t5:
      defaults = ["eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"]
      model["unk_id"] = .integer(2)
      surroundings = .always(Roles(before: [], behind: ["eos_token"]))
      pieces = .withExtraIds
    case .albert:
      defaults = TokenizerRecipe.bertRoles
      model["unk_id"] = .integer(1)
      surroundings = .asGiven(otherwise: TokenizerRecipe.classified)
    case .xglm:
      defaults["mask_token"] = nil
      mapPlace = .first
      surroundings = .always(Roles(before: ["eos_token"], behind: []))
      extra = .behind((0..<7).map { "<madeupword\($0)>" })
    case .camembert:
      stripsBeforeMask = true
      unknownPiece = NamedPiece(text: unknown ?? "<unk>", scoresZero: false)
      model["unk_id"] = .integer(0)
      surroundings = .always(TokenizerRecipe.begunAndEnded)
      extra = .otherwise(["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"])
      pieces = .camembert
    case .barthez:
      stripsBeforeMask = true
      mapPlace = .nowhere
    case .bigBird:
      defaults.merge(["sep_token": "[SEP]", "cls_token": "[CLS]", "mask_token": "[MASK]"]) { $1 }
      stripsBeforeMask = true
      unknownPiece = NamedPiece(text: unknown ?? "<unk>", scoresZero: true)
      model["unk_id"] = .integer(100)
      mapPlace = .nowhere
      surroundings = .always(TokenizerRecipe.classified)
    case .debertaV2:
      defaults = TokenizerRecipe.bertRoles
      defaults.merge(["unk_token": "[UNK]", "pad_token": "[PAD]"]) { $1 }
      unknownPiece = NamedPiece(text: unknown ?? "[UNK]", scoresZero: true)
      takesUnknownOfModelFile = true
      model["unk_id"] = .integer(settings.options["unk_id"]?.integer ?? 1)
      mapPlace = .nowhere
      surroundings = .always(TokenizerRecipe.classified)
    case .xlnet:
      defaults.merge(["sep_token": "<sep>", "cls_token": "<cls>"]) { $1 }
      stripsBeforeMask = true
      takesUnknownOfModelFile = true
      model["unk_id"] = .integer(settings.options["unk_id"]?.integer ?? 0)
      surroundings = .always(Roles(before: [], behind: ["sep_token", "cls_token"]))
      extra = .otherwise(["<eop>", "<eod>"])
    default:
      surroundings = .always(TokenizerRecipe.begunAndEnded)
      pieces = .fairseq
    }
  }

  private static func preTokenizer(
    _ name: TokenizerClass.KnownClass, _ metaspace: JSON, _ settings: TokenizerSettings
  ) -> JSON {
    switch name {
    case .xglm, .barthez, .bigBird: metaspace
    case .debertaV2:
      [
        "type": "Sequence",
        "pretokenizers": settings.flag("split_by_punct", or: false)
          ? [["type": "Punctuation", "behavior": "Isolated"], metaspace] : [metaspace],
      ]
    default:
      ["type": "Sequence", "pretokenizers": [["type": "WhitespaceSplit"], metaspace]]
    }
  }

  /// The normalizer without the character map, which the vocabulary's file brings.
  private static func normalizer(
    _ name: TokenizerClass.KnownClass, _ settings: TokenizerSettings
  ) -> JSON {
    var steps: [JSON] = []
    let isLower = settings.flag("do_lower_case", or: name == .albert)
    switch name {
    case .albert, .xlnet:
      steps = [replacing("``", with: "\""), replacing("''", with: "\"")]
      if name == .xlnet || !settings.flag("keep_accents", or: false) {
        steps += [["type": "NFKD"], ["type": "StripAccents"]]
      }
      if isLower { steps.append(["type": "Lowercase"]) }
    case .xglm: steps = [replacing(pattern: spaces, with: " ")]
    case .bigBird: steps = [replacing(pattern: spaces, with: "▁")]
    case .barthez, .debertaV2:
      if name == .debertaV2, isLower { steps.append(["type": "Lowercase"]) }
      steps += [
        replacing(pattern: lines, with: " "), ["type": "NFC"],
        ["type": "Strip", "strip_left": .bool(false), "strip_right": .bool(true)],
      ]
    default: break
    }
    return ["type": "Sequence", "normalizers": .array(steps)]
  }
}
