// Normalizer, pre-tokenizer and decoder of a SentencePiece model that no class stands for. Comes in:
// the model's normalizer spec. Leaves: parts of a tokenizer.json that do the same.

import Foundation

/// The parts that a SentencePiece model describes.
struct SentencePieceParts {
  private let model: SentencePieceModel
  /// Whether each stretch between added tokens gets its own space.
  private let isOld: Bool
  private let userDefined: [[UInt8]]

  init(_ model: SentencePieceModel, isOld: Bool, userDefined: [[UInt8]]) {
    self.model = model
    self.isOld = isOld
    self.userDefined = userDefined
  }

  func normalizer(characterMap: JSON?) -> JSON {
    var steps: [JSON] = []
    if let characterMap { steps.append(characterMap) }
    if model.removesExtraSpaces {
      steps.append(TokenizerRecipe.replacing(pattern: #"\A +| +\z"#, with: ""))
      steps.append(TokenizerRecipe.replacing(pattern: " {2,}", with: " "))
    }
    if model.escapesSpaces { steps.append(TokenizerRecipe.replacing(" ", with: "▁")) }
    if model.addsDummyPrefix, isOld {
      // The pre-tokenizer puts no mark before a mark.
      steps.append(TokenizerRecipe.replacing(pattern: #"\A▁"#, with: "▁▁"))
    }
    return ["type": "Sequence", "normalizers": .array(steps)]
  }

  var preTokenizer: JSON {
    var steps: [JSON] = []
    if model.addsDummyPrefix { steps.append(TokenizerRecipe.metaspace(isOld ? "always" : "first")) }
    if !userDefined.isEmpty {
      steps.append([
        "type": "Split", "pattern": ["Regex": .string(alternatives)], "behavior": "Isolated",
        "invert": .bool(false),
      ])
    }
    return steps.isEmpty ? .null : ["type": "Sequence", "pretokenizers": .array(steps)]
  }

  /// The user-defined pieces as a pattern, the longest first.
  private var alternatives: String {
    let texts = userDefined.map { String(decoding: $0, as: UTF8.self) }
    let ordered = texts.enumerated().sorted { left, right in
      let (a, b) = (left.element.unicodeScalars.count, right.element.unicodeScalars.count)
      return a == b ? left.offset < right.offset : a > b
    }
    return ordered.map { text in
      text.element.unicodeScalars.map { scalar in
        "()[]{}?*+-|^$\\.&~#".unicodeScalars.contains(scalar) ? "\\\(scalar)" : "\(scalar)"
      }.joined()
    }.joined(separator: "|")
  }

  var decoder: JSON {
    var steps = [TokenizerRecipe.markDecoders[0]]
    if model.fallsBackToBytes { steps.append(["type": "ByteFallback"]) }
    if model.addsDummyPrefix {
      steps += [["type": "Fuse"], TokenizerRecipe.stripDecoder]
    } else if model.fallsBackToBytes {
      steps.append(["type": "Fuse"])
    }
    return ["type": "Sequence", "decoders": .array(steps)]
  }
}

extension [UInt8] {
  /// In base 64.
  var base64: String { Data(self).base64EncodedString() }
}
