// Which class of transformers reads a folder. Comes in: the class that tokenizer_config.json or
// config.json names, and the type of the model. Leaves: the class that AutoTokenizer of transformers 5
// takes, without code from elsewhere and without mistral-common.

/// A tokenizer class of transformers, as far as ids depend on it.
enum TokenizerClass: Equatable {
  /// One that puts its own parts around a vocabulary, whatever tokenizer.json says.
  case known(KnownClass)
  /// The class that takes a tokenizer.json as it stands.
  case backend
  /// One that transformers has and this program does not follow.
  case other(String)

  /// The classes that are followed.
  enum KnownClass: String, CaseIterable {
    case gpt2 = "GPT2"
    case codeGen = "CodeGen"
    case gptNeoX = "GPTNeoX"
    case qwen2 = "Qwen2"
    case qwen3_5 = "Qwen3_5"
    case cohere = "Cohere"
    case roberta = "Roberta"
    case deberta = "Deberta"
    case blenderbot = "Blenderbot"
    case clip = "CLIP"
    case llama = "Llama"
    case codeLlama = "CodeLlama"
    case gemma = "Gemma"
    case openAIGPT = "OpenAIGPT"
    case reformer = "Reformer"
    case bert = "Bert"
    case convBert = "ConvBert"
    case dpr = "DPR"
    case mpnet = "MPNet"
    case funnel = "Funnel"
    case splinter = "Splinter"
    case t5 = "T5"
    case albert = "Albert"
    case xlmRoberta = "XLMRoberta"
    case xglm = "XGLM"
    case camembert = "Camembert"
    case barthez = "Barthez"
    case bigBird = "BigBird"
    case debertaV2 = "DebertaV2"
    case xlnet = "XLNet"
  }

  /// The class of a folder.
  init(_ settings: TokenizerSettings, isByteLevel: Bool) {
    let modelType = settings.model["model_type"]?.string ?? ""
    let stated = settings.options["tokenizer_class"]?.string
    let named = stated ?? settings.model["tokenizer_class"]?.string
    let registered = TokenizerClassTable.registered[modelType]
    let isWrong = TokenizerClassTable.wronglyNamed.contains(modelType)
    let hasCode = settings.options["auto_map"] != nil
    guard !hasCode, let named else {
      self =
        named.map { TokenizerClass(named: $0) } ?? registered.map { TokenizerClass(named: $0) }
        ?? .backend
      return
    }
    let stem = TokenizerClass.stem(named)
    if stem == "Llama", !isWrong, isByteLevel {
      self = .backend
    } else if let registered, TokenizerClass.stem(registered) != stem {
      let isSpecial = TokenizerClass(named: registered) != .backend
      self = isSpecial ? TokenizerClass(named: isWrong ? registered : named) : .backend
    } else {
      self = TokenizerClass(named: named)
    }
  }

  /// The class that a name such as `GPT2TokenizerFast` means.
  init(named name: String) {
    let stem = TokenizerClass.stem(name)
    let known = TokenizerClassTable.sameAs[stem] ?? stem
    if let known = KnownClass(rawValue: known) {
      self = .known(known)
    } else {
      self = TokenizerClassTable.others.contains(stem) ? .other(stem + "Tokenizer") : .backend
    }
  }

  private static func stem(_ name: String) -> String {
    let name = name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
    return name.hasSuffix("Tokenizer") ? String(name.dropLast(9)) : name
  }
}
