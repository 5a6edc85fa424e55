// How text is cut into the pieces that are encoded one by one, as a tokenizer file describes it.
// Comes in: the file's components, then valid UTF-8. Leaves: pieces.

/// Pieces of text, back to back.
package struct Pieces: Sendable, Equatable {
  package var bytes: [UInt8] = []
  /// Where each piece ends in `bytes`; none is empty.
  package var ends: [Int] = []

  package init() {}

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  /// Ends a piece where the bytes end; an empty one vanishes.
  mutating func endPiece() {
    if bytes.count > ends.last ?? 0 { ends.append(bytes.count) }
  }
}

/// How text is cut into pieces: the steps of a tokenizer file, one after the other.
package struct PreTokenizer: Sendable {
  /// Whether pieces are bytes, as the byte alphabet spells them, rather than text.
  package let isByteLevel: Bool
  /// The pattern whose pieces are all that the steps come to, after the prefix space; nil where
  /// there is more to do.
  package let fast: SplitPattern?
  /// Of use beside `fast` only.
  package let prefixSpace: PrefixSpace
  private let steps: [SplitStep]
  /// Whether the start of the whole input is cut otherwise than what follows an added token.
  let distinguishesStart: Bool

  /// Whether a text that starts with no space gets one.
  package enum PrefixSpace: Sendable { case added, asGiven }

  /// Takes the components in their order; none leaves text as one piece.
  init(_ components: [TokenizerComponent]) throws {
    var steps: [SplitStep] = []
    var isByteLevel = false
    for component in components {
      if isByteLevel, component.type == "ByteLevel" || component.type == "Metaspace" {
        throw component.unsupported("\(component.type) behind ByteLevel")
      }
      steps.append(try SplitStep(component))
      if component.type == "ByteLevel" { isByteLevel = true }
    }
    (self.steps, self.isByteLevel) = (steps, isByteLevel)
    (fast, prefixSpace) = PreTokenizer.fast(steps)
    distinguishesStart = steps.contains { step in
      if case .metaspace(_, .first, _) = step { true } else { false }
    }
  }

  /// Takes the value of `pre_tokenizer` in the file at `path`, null included.
  package init(_ description: JSON, path: String) throws {
    try self.init(PreTokenizer.components(description, path: path, part: "pre_tokenizer"))
  }

  private static func components(
    _ description: JSON, path: String, part: String
  ) throws -> [TokenizerComponent] {
    if description == .null { return [] }
    guard let type = description["type"]?.string else {
      throw TokenizerError.wrongValue(path: path, key: part, expected: "null or have a type")
    }
    guard type == "Sequence" else {
      return [TokenizerComponent(path: path, part: part, type: type, value: description)]
    }
    let list = description["pretokenizers"]?.array ?? []
    return try list.enumerated().flatMap { index, item in
      try components(item, path: path, part: "\(part).pretokenizers[\(index)]")
    }
  }

  /// Looks for a compiled pattern that does what all steps do together.
  private static func fast(_ steps: [SplitStep]) -> (SplitPattern?, PrefixSpace) {
    switch steps.count {
    case 1:
      switch steps[0] {
      case .byteLevel(let prefixSpace, let pattern?): return (.gpt2(pattern), prefixSpace)
      case .split(.compiled(let pattern), let behavior, let isInverted)
      where behavior.keepsTiles(isInverted: isInverted):
        return (pattern, .asGiven)
      default: return (nil, .asGiven)
      }
    case 2:
      guard case .byteLevel(.asGiven, let pattern) = steps[1] else { return (nil, .asGiven) }
      switch (steps[0], pattern) {
      case (.split(.compiled(let compiled), let behavior, let isInverted), nil)
      where behavior.keepsTiles(isInverted: isInverted):
        return (compiled, .asGiven)
      case (.digits(_, .isolated), .some): return (.gpt2(GPT2Pattern(numbers: .alone)), .asGiven)
      default: return (nil, .asGiven)
      }
    default: return (nil, .asGiven)
    }
  }

  /// Cuts valid UTF-8 into pieces.
  ///
  /// Text that is removed is left out; pieces hold what the steps put in its place. `isFirst` says
  /// that nothing of the whole input comes before `text`.
  package func pieces(_ text: borrowing Span<UInt8>, isFirst: Bool, into result: inout Pieces) {
    result.removeAll()
    result.bytes.append(copying: text)
    result.endPiece()
    var work = SplitWork(isFirst: isFirst)
    for (index, step) in steps.enumerated() {
      step.apply(&result, &work)
      guard case .byteLevel = step, index < steps.count - 1 else { continue }
      work.spell(&result)
    }
    work.unspell(&result)
  }
}
