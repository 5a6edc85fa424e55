// The special tokens of a tokenizer: those with a role and the others. Comes in: settings and a class's
// own tokens. Leaves: an order, in which new ones get their ids.

/// The special tokens that settings and class name.
struct SpecialTokens {
  private(set) var named: [(role: String, token: SpecialToken)] = []
  private(set) var extra: [SpecialToken] = []

  /// Takes the roles of the files, then of the class; `additional` are what a model file marks.
  init(
    _ settings: TokenizerSettings, defaults: [String: String], additional: [SpecialToken]?,
    stripsBeforeMask: Bool
  ) {
    let options = settings.options
    for role in TokenizerSettings.roles {
      var token =
        options[role].map { settings.token($0) } ?? defaults[role].map { SpecialToken.named($0) }
      if stripsBeforeMask, role == "mask_token", case .named(let name) = token {
        var mask = TokenDescription(Array(name.utf8), isSpecial: true)
        mask.stripsLeft = true
        token = .described(mask)
      }
      if let token { named.append((role, token)) }
    }
    for role in SpecialTokens.ownRoles(settings) {
      if let token = settings.token(options[role]) { named.append((role, token)) }
    }
    let more = options["extra_special_tokens"]
    for (role, value) in (more?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      if let token = settings.token(value) { named.append((role, token)) }
    }
    for role in SpecialTokens.classRoles where options[role] == nil {
      if let name = defaults[role] { named.append((role, .named(name))) }
    }
    if let more, more.object == nil {
      extra = SpecialTokens.list(more, settings)
    } else {
      extra = additional ?? SpecialTokens.list(options["additional_special_tokens"], settings)
    }
  }

  /// Roles that single classes have, in the order in which their tokens are added.
  private static let classRoles = [
    "prefix_token", "middle_token", "suffix_token", "eot_token", "fill_token", "question_token",
  ]

  /// Keys such as `image_token`, in the order of the file, then those of other files.
  private static func ownRoles(_ settings: TokenizerSettings) -> [String] {
    let others = settings.options.keys.filter { !settings.keys.contains($0) }.sorted()
    return (settings.keys + others).filter { key in
      key.hasSuffix("_token") && !TokenizerSettings.roles.contains(key)
        && (settings.options[key]?.string != nil || settings.options[key]?.object != nil)
    }
  }

  private static func list(_ value: JSON?, _ settings: TokenizerSettings) -> [SpecialToken] {
    (value?.array ?? []).compactMap { item in
      item.string.map { .named($0) } ?? settings.token(item)
    }
  }

  func token(_ role: String) -> SpecialToken? { named.last { $0.role == role }?.token }

  /// Adds settings' and special tokens to a list that may hold some already.
  func add(_ tokens: [TokenDescription], to list: inout AddedTokenList) {
    var added = tokens.map { SpecialToken.described($0) }
    let known = Set(tokens.map(\.content))
    for token in named.map(\.token) + extra
    where !known.contains(token.content) && !list.contains(token.content)
      && !added.contains(token)
    {
      added.append(token)
    }
    let special = Set(named.map(\.token.content))
    for token in added {
      switch token {
      case .named(let name): list.add(TokenDescription(Array(name.utf8), isSpecial: true))
      case .described(var description):
        if special.contains(description.content) { description.isSpecial = true }
        list.add(description)
      }
    }
  }

  /// Adds every special token once more, without options.
  func addAgain(to list: inout AddedTokenList) {
    for token in named.map(\.token) + extra {
      list.add(TokenDescription(token.content, isSpecial: true))
    }
  }
}
