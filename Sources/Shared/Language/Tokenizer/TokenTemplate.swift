// What a tokenizer's post-processor puts around every text. Comes in: components of a tokenizer.json.
// Leaves: ids before and behind.

/// The tokens around every text.
struct TokenTemplate: Sendable, Equatable {
  private(set) var prefix: [UInt32] = []
  private(set) var suffix: [UInt32] = []

  /// Post-processors in their order: each wraps what the one before made.
  init(_ components: [TokenizerComponent]) throws {
    for component in components {
      let around = try TokenTemplate(component)
      prefix = around.prefix + prefix
      suffix += around.suffix
    }
  }

  private init(prefix: [UInt32], suffix: [UInt32]) {
    (self.prefix, self.suffix) = (prefix, suffix)
  }

  private init(_ component: TokenizerComponent) throws {
    switch component.type {
    case "ByteLevel": self.init(prefix: [], suffix: [])
    case "TemplateProcessing": try self.init(template: component)
    case "BertProcessing", "RobertaProcessing":
      self.init(
        prefix: [try TokenTemplate.id(component, "cls")],
        suffix: [try TokenTemplate.id(component, "sep")])
    default: throw component.unknownType
    }
  }

  /// The id of a member such as `"sep": ["</s>", 2]`.
  private static func id(_ component: TokenizerComponent, _ key: String) throws -> UInt32 {
    guard let pair = component.value[key]?.array, pair.count == 2,
      let id = pair[1].integer.flatMap({ UInt32(exactly: $0) })
    else { throw component.wrongValue(key, expected: "a token and its id") }
    return id
  }

  private init(template component: TokenizerComponent) throws {
    var before: [UInt32] = []
    var behind: [UInt32]?
    for element in component.value["single"]?.array ?? [] {
      if let name = element["SpecialToken"]?["id"]?.string,
        let ids = component.value["special_tokens"]?[name]?["ids"]?.array
      {
        let tokens = ids.compactMap { $0.integer.flatMap { UInt32(exactly: $0) } }
        if behind == nil { before += tokens } else { behind = (behind ?? []) + tokens }
      } else if element["Sequence"]?["id"]?.string == "A", behind == nil {
        behind = []
      } else {
        throw component.unsupported("this template")
      }
    }
    guard let behind else { throw component.unsupported("a template without the text") }
    self.init(prefix: before, suffix: behind)
  }
}
