// Added tokens one after the other, with the ids that Hugging Face's add_tokens gives them. Comes in:
// descriptions in their order. Leaves: tokens with ids.

/// The added tokens of a tokenizer in the making.
struct AddedTokenList {
  private let spelling: Vocabulary
  private var places: [[UInt8]: Int] = [:]
  private var greatest: UInt32?
  private(set) var tokens: [AddedToken] = []

  init(_ spelling: Vocabulary) { self.spelling = spelling }

  func id(of content: [UInt8]) -> UInt32? {
    places[content].map { tokens[$0].id } ?? spelling.id(of: content)
  }

  func contains(_ content: [UInt8]) -> Bool { places[content] != nil }

  /// The id that a token gets: its own, or the next one behind vocabulary and added tokens.
  func nextId(_ content: [UInt8]) -> UInt32 {
    if let id = id(of: content) { return id }
    let size = UInt32(spelling.tokenCount)
    guard let greatest else { return size }
    return greatest >= size || size == 0 ? greatest + 1 : size
  }

  /// Adds a token; one that is there is looked for as this one says from now on.
  mutating func add(_ description: TokenDescription) {
    guard !description.content.isEmpty else { return }
    let token = AddedToken(id: nextId(description.content), description: description)
    if let place = places[description.content] {
      tokens[place] = token
    } else {
      places[description.content] = tokens.count
      tokens.append(token)
    }
    greatest = max(greatest ?? token.id, token.id)
  }
}
