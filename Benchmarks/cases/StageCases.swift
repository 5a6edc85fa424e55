// The inner loops of the two stages before training. Comes in: a model or a tokenizer with text. Leaves: a
// forward pass over one batch, and the tokens of the text.

import Foundation
import Shared

/// A forward pass to one hook point.
final class PassCase: Case {
  private let transformer: Transformer
  private var pass: ForwardPass
  private let tokens: [UInt32]
  private let operationsPerToken: Double

  init(_ sizes: Sizes) throws {
    let model = try ModelDescription.open(folder: sizes.model)
    guard let hookPoint = HookPoint.all(in: model).first(where: { $0.name == sizes.hook }) else {
      throw CaseError(sentence: "\(sizes.model) has no hook point \(sizes.hook).")
    }
    transformer = try Transformer.open(sizes.model, for: [hookPoint])
    pass = ForwardPass(
      transformer, sequenceLimit: sizes.sequences, contextSize: sizes.contextSize,
      hookPoints: [hookPoint])
    tokens = drawn(sizes.sequences * sizes.contextSize, seed: 6).map {
      UInt32(($0 + 2) / 4 * Float(model.vocabularySize))
    }
    operationsPerToken = PassTrial.operationsPerToken(
      model, [hookPoint], contextSize: sizes.contextSize)
  }

  func run() throws {
    let tokens = tokens
    try pass.run(transformer, tokens: tokens.span) { _, _, _ in }
  }

  var operations: Double { operationsPerToken * Double(tokens.count) }
  var items: (count: Double, name: String) { (Double(tokens.count), "tokens") }
}

/// Text to ids.
final class TextCase: Case {
  /// Whether the encoder has seen the words before.
  enum Words { case known, new }

  private let tokenizer: Tokenizer
  private let documents: [[UInt8]]
  private let words: Words
  private var encoder: TokenEncoder
  private var ids: [UInt32] = []
  private var tokenCount = 0

  init(_ words: Words, _ sizes: Sizes) throws {
    tokenizer = try Tokenizer.open(sizes.tokenizer)
    var (documents, left) = ([[UInt8]](), sizes.textByteCount)
    for line in try MappedFile.contents(sizes.text).split(separator: 0x0A) where left > 0 {
      guard let text = try JSON(parsing: Array(line))["text"]?.string else { continue }
      documents.append(Array(text.utf8.prefix(left)))
      left -= text.utf8.count
    }
    self.documents = documents
    self.words = words
    encoder = TokenEncoder(tokenizer)
  }

  func run() {
    if words == .new { encoder = TokenEncoder(tokenizer, cachedPieces: 1 << 12) }
    tokenCount = 0
    for document in documents {
      ids.removeAll(keepingCapacity: true)
      encoder.encode(document.span, into: &ids)
      tokenCount += ids.count
    }
  }

  var byteCount: Double { Double(documents.reduce(0) { $0 + $1.count }) }
  var items: (count: Double, name: String) { (Double(tokenCount), "tokens") }
}
