// What the files beside a tokenizer.json change of it. Comes in: a published tokenizer and its tokens. Leaves: a
// digest for fingerprints, or nothing where the file stays as it is.

extension PublishedTokenizer {
  /// The digest of what other files make of a tokenizer.json; nil where it stays as it is.
  ///
  /// A tokenizer that is made of other files is all difference.
  func difference(_ tokens: PublishedTokens) throws -> String? {
    let options = (recipe?.model ?? [:]).keys.map { "model." + $0 }.sorted()
    let changed = try (["normalizer", "pre_tokenizer"] + options).filter {
      try file.tree($0).withoutDefaults != file.stated($0).withoutDefaults
    }
    let listed = try file.stated("added_tokens").array ?? []
    let added = tokens.added.sorted { $0.id < $1.id }
    let isSameTokens =
      added.map(\.description) == listed.compactMap { TokenDescription($0) }
    let isSameTemplate =
      try file.stated("post_processor") == .null
      ? tokens.template == TokenTemplate(prefix: [], suffix: [])
      : tokens.template == file.template()
    if changed.isEmpty, isSameTokens, isSameTemplate { return nil }
    var members: [String: JSON] = [:]
    for part in changed { members[part] = try file.tree(part) }
    members["added_tokens"] = .array(added.map { $0.description.json(id: $0.id) })
    members["surroundings"] = [
      .array(tokens.template.prefix.map { .integer(Int($0)) }),
      .array(tokens.template.suffix.map { .integer(Int($0)) }),
    ]
    return "sha256:" + Digest.of(JSON.object(members).canonical)
  }
}

extension JSON {
  /// The value without what says nothing about ids: offsets, and empty or false members.
  fileprivate var withoutDefaults: JSON {
    switch self {
    case .array(let values): .array(values.map(\.withoutDefaults))
    case .object(let members):
      .object(
        members.filter { $0.key != "trim_offsets" }.mapValues(\.withoutDefaults)
          .filter { $0.value != .null })
    case .string(""), .bool(false): .null
    default: self
    }
  }
}
