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

  init(prefix: [UInt32], suffix: [UInt32]) {
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

extension TokenTemplate {
  /// A post-processor with the same ids; `name` gives the spelling of an id.
  func json(_ name: (UInt32) -> String) -> JSON {
    guard !prefix.isEmpty || !suffix.isEmpty else { return .null }
    var tokens: [String: JSON] = [:]
    func special(_ id: UInt32) -> JSON {
      tokens[name(id)] = [
        "id": .string(name(id)), "ids": [.integer(Int(id))], "tokens": [.string(name(id))],
      ]
      return ["SpecialToken": ["id": .string(name(id)), "type_id": .integer(0)]]
    }
    func sequence(_ id: String, _ type: Int) -> JSON {
      ["Sequence": ["id": .string(id), "type_id": .integer(type)]]
    }
    let (before, behind) = (prefix.map(special), suffix.map(special))
    return [
      "type": "TemplateProcessing", "single": .array(before + [sequence("A", 0)] + behind),
      "pair": .array(before + [sequence("A", 0), sequence("B", 1)] + behind),
      "special_tokens": .object(tokens),
    ]
  }
}
