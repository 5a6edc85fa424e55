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
  /// Whether the mask swallows the white space before it where no file describes it.
  var stripsBeforeMask = false
  /// Special tokens of the class that have no role.
  var extra = ExtraTokens.none
  /// Whether a tokenizer.json keeps its own parts and tokens.
  var keepsFile = false
  /// Whether the vocabulary can come from a tokenizer.json only.
  var needsFile = false
  /// Where SentencePiece's character map, which the vocabulary's file brings, has its place.
  var mapPlace = MapPlace.nowhere
  /// Whether the vocabulary may come from a SentencePiece model.
  var readsModelFiles = false
  /// The piece whose place is that of the unknown one, rather than what `model` says.
  var unknownPiece: NamedPiece?
  /// Whether a SentencePiece model's word on the unknown piece counts.
  var takesUnknownOfModelFile = false
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
    /// Behind the five tokens of Camembert, without the first piece, and before the mask.
    case camembert
  }

  /// Special tokens without a role.
  enum ExtraTokens: Equatable {
    case none
    /// Where no file lists any.
    case otherwise([String])
    /// Behind those that files list.
    case behind([String])
  }

  /// A place among the steps of the normalizer.
  enum MapPlace { case nowhere, first, last, firstOrNoStepAtAll }

  /// A piece of a Unigram model by its text; the first one counts.
  struct NamedPiece: Equatable {
    let text: String
    /// Whether only a piece with a score of zero is meant.
    let scoresZero: Bool
  }
}

extension TokenizerRecipe {
  /// The recipe of a class.
  init(_ name: TokenizerClass.KnownClass, _ settings: TokenizerSettings) {
    switch name {
    case .gpt2, .codeGen, .gptNeoX, .qwen2, .qwen3_5, .cohere, .roberta, .clip, .deberta,
      .blenderbot:
      self.init(byteLevel: name, settings)
    case .llama, .codeLlama, .gemma: self.init(marked: name, settings)
    case .openAIGPT, .reformer: self.init(words: name, settings)
    case .bert, .convBert, .dpr, .mpnet, .funnel, .splinter: self.init(wordPiece: name, settings)
    case .t5, .albert, .xlmRoberta, .xglm, .camembert, .barthez, .bigBird, .debertaV2, .xlnet:
      self.init(unigram: name, settings)
    }
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
