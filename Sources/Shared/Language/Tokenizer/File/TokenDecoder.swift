// Tokens back to text. Comes in: the spelling of tokens. Leaves: bytes of text, as Hugging Face's
// decoders of the same names make them.

/// The decoder of a tokenizer: its steps in order.
struct TokenDecoder: Sendable {
  private let steps: [Step]

  private enum Step: Sendable, Equatable {
    /// Tokens in the byte alphabet, joined.
    case byteLevel
    case wordPiece(prefix: [UInt8], cleansUp: Bool)
    case metaspace(mark: [UInt8], dropsFirst: Bool)
    /// `<0x41>` to the byte it names.
    case byteFallback
    case fuse
    case strip(character: [UInt8], start: Int, stop: Int)
    case replace(pattern: [UInt8], content: [UInt8])
    /// Ends of words to spaces.
    case wordEnd([UInt8])
  }

  init(_ components: [TokenizerComponent]) throws {
    steps = try components.map { try TokenDecoder.step($0) }
  }

  private static func step(_ component: TokenizerComponent) throws -> Step {
    func text(_ key: String) throws -> [UInt8] {
      guard let text = component.value[key]?.string else {
        throw component.wrongValue(key, expected: "a string")
      }
      return Array(text.utf8)
    }
    /// A text that is looked for.
    func pattern(_ key: String) throws -> [UInt8] {
      let pattern = try text(key)
      guard !pattern.isEmpty else { throw component.unsupported("an empty \(key)") }
      return pattern
    }
    switch component.type {
    case "ByteLevel": return .byteLevel
    case "WordPiece":
      return .wordPiece(
        prefix: try text("prefix"), cleansUp: component.value["cleanup"]?.bool ?? true)
    case "Metaspace":
      let scheme = component.value["prepend_scheme"]?.string
      let adds = component.value["add_prefix_space"]?.bool ?? true
      return .metaspace(
        mark: try pattern("replacement"), dropsFirst: scheme.map { $0 != "never" } ?? adds)
    case "ByteFallback": return .byteFallback
    case "Fuse": return .fuse
    case "Strip":
      return .strip(
        character: try text("content"), start: component.value["start"]?.integer ?? 0,
        stop: component.value["stop"]?.integer ?? 0)
    case "Replace":
      guard let pattern = component.value["pattern"]?["String"]?.string, !pattern.isEmpty else {
        throw component.unsupported("a pattern that is no plain string")
      }
      return .replace(pattern: Array(pattern.utf8), content: try text("content"))
    case "BPEDecoder": return .wordEnd(try pattern("suffix"))
    default: throw component.unknownType
    }
  }

  /// The text of tokens, which may end within a character.
  func decode(_ tokens: [[UInt8]]) -> [UInt8] {
    // Without a decoder, tokens are words.
    guard !steps.isEmpty else { return Array(tokens.joined(separator: [0x20])) }
    var tokens = tokens
    for step in steps { tokens = TokenDecoder.apply(step, tokens) }
    return Array(tokens.joined())
  }

  /// The text of a token within others: with the space that it stands for.
  func text(of token: [UInt8]) -> [UInt8] {
    var text = token
    for step in steps {
      switch step {
      case .byteLevel: text = ByteAlphabet.decode(text) ?? text
      case .metaspace(let mark, _): text = text.replacing(mark, with: [0x20])
      case .replace(let pattern, let content): text = text.replacing(pattern, with: content)
      case .byteFallback: text = TokenDecoder.byte(text).map { [$0] } ?? text
      case .wordEnd(let suffix): text = text.replacing(suffix, with: [0x20])
      case .wordPiece, .fuse, .strip: break
      }
    }
    return text
  }

  private static func apply(_ step: Step, _ tokens: [[UInt8]]) -> [[UInt8]] {
    switch step {
    case .byteLevel: [tokens.flatMap { ByteAlphabet.decode($0) ?? $0 }]
    case .wordPiece(let prefix, let cleansUp): joinWordPieces(tokens, prefix, cleansUp)
    case .metaspace(let mark, let dropsFirst):
      tokens.enumerated().map { index, token in
        token.replacing(mark, with: index == 0 && dropsFirst ? [] : [0x20])
      }
    case .byteFallback: joinBytes(tokens)
    case .fuse: [Array(tokens.joined())]
    case .strip(let character, let start, let stop):
      tokens.map { strip($0, character, start, stop) }
    case .replace(let pattern, let content): tokens.map { $0.replacing(pattern, with: content) }
    case .wordEnd(let suffix):
      tokens.enumerated().map { index, token in
        token.replacing(suffix, with: index == tokens.count - 1 ? [] : [0x20])
      }
    }
  }

  private static func joinWordPieces(
    _ tokens: [[UInt8]], _ prefix: [UInt8], _ cleansUp: Bool
  ) -> [[UInt8]] {
    tokens.enumerated().map { index, token in
      var text = token
      if index > 0 {
        text = token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token
      }
      return cleansUp ? cleaned(text) : text
    }
  }

  /// English punctuation without the space that joining put before it.
  private static func cleaned(_ text: [UInt8]) -> [UInt8] {
    let pairs = [
      (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
      (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]
    return pairs.reduce(text) { $0.replacing(Array($1.0.utf8), with: Array($1.1.utf8)) }
  }

  /// The byte that a token such as `<0x0A>` names.
  private static func byte(_ token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: Array("<0x".utf8)), token[5] == UInt8(ascii: ">")
    else { return nil }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }

  /// Runs of byte tokens as characters; each byte of a run that is no UTF-8 as U+FFFD.
  private static func joinBytes(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var run: [UInt8] = []
    func flush() {
      guard !run.isEmpty else { return }
      if UTF8.isValid(run) {
        result.append(run)
      } else {
        result += run.map { _ in Array("\u{FFFD}".utf8) }
      }
      run = []
    }
    for token in tokens {
      if let byte = byte(token) {
        run.append(byte)
      } else {
        flush()
        result.append(token)
      }
    }
    flush()
    return result
  }

  /// Drops up to `start` characters at the start and `stop` at the end, as long as they are
  /// `character`.
  private static func strip(
    _ token: [UInt8], _ character: [UInt8], _ start: Int, _ stop: Int
  ) -> [UInt8] {
    guard !character.isEmpty else { return token }
    var rest = token[...]
    for _ in 0..<max(start, 0) {
      guard rest.starts(with: character) else { break }
      rest = rest.dropFirst(character.count)
    }
    for _ in 0..<max(stop, 0) {
      guard rest.suffix(character.count).elementsEqual(character) else { break }
      rest = rest.dropLast(character.count)
    }
    return Array(rest)
  }
}
