// A token that is looked for in the text, as tokenizer.json and the files beside it describe it.

/// The spelling of a token that stands beside a vocabulary, and how it is looked for.
struct TokenDescription: Sendable {
  var content: [UInt8]
  /// Matches only where no word character stands beside it.
  var isSingleWord = false
  /// Swallows the white space before it.
  var stripsLeft = false
  /// Swallows the white space behind it.
  var stripsRight = false
  var isSpecial: Bool
  private var statedNormalized: Bool?

  /// Is looked for in the normalized text rather than in the text as given.
  ///
  /// Where nothing else is said, that holds of tokens that are not special.
  var isNormalized: Bool {
    get { statedNormalized ?? !isSpecial }
    set { statedNormalized = newValue }
  }

  /// A token without options.
  init(_ content: [UInt8], isSpecial: Bool, isNormalized: Bool? = nil) {
    self.content = content
    self.isSpecial = isSpecial
    statedNormalized = isNormalized
  }

  /// An object with `content` and flags; nil where it has no content.
  init?(_ value: JSON) {
    guard let text = value["content"]?.string else { return nil }
    let isSpecial = value["special"]?.bool ?? false
    self.init(Array(text.utf8), isSpecial: isSpecial, isNormalized: value["normalized"]?.bool)
    isSingleWord = value["single_word"]?.bool ?? false
    stripsLeft = value["lstrip"]?.bool ?? false
    stripsRight = value["rstrip"]?.bool ?? false
  }

  /// The entry of a tokenizer.json.
  func json(id: UInt32) -> JSON {
    [
      "id": .integer(Int(id)), "content": .string(String(decoding: content, as: UTF8.self)),
      "single_word": .bool(isSingleWord), "lstrip": .bool(stripsLeft),
      "rstrip": .bool(stripsRight), "normalized": .bool(isNormalized),
      "special": .bool(isSpecial),
    ]
  }
}

extension TokenDescription: Equatable {
  static func == (left: TokenDescription, right: TokenDescription) -> Bool {
    left.content == right.content && left.isSingleWord == right.isSingleWord
      && left.stripsLeft == right.stripsLeft && left.stripsRight == right.stripsRight
      && left.isNormalized == right.isNormalized && left.isSpecial == right.isSpecial
  }
}

/// A described token with its id.
struct AddedToken: Sendable, Equatable {
  let id: UInt32
  var description: TokenDescription

  var content: [UInt8] { description.content }
}
