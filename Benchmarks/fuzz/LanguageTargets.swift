// Tokenizers and models as targets: tokenizer.json and its parts, SentencePiece, tiktoken, config.json, indexes.

import Foundation

/// What is done with the bytes, by name.
let targets: [String: @Sendable ([UInt8]) throws -> Void] = [
  "tokenizer": { bytes in
    let file = try TokenizerFile(bytes, path: "t")
    try use(Tokenizer(PublishedTokenizer(json: file, folder: nowhere), path: "t"))
  },
  "published": { bytes in
    // What stands beside a vocabulary, up to a byte of zero, and the vocabulary.
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return }
    files.write(["tokenizer_config.json": parts[0], "tokenizer.json": parts[1]])
    try use(Tokenizer.open(files.path))
  },
  "vocabulary": { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return }
    files.write([
      "tokenizer_config.json": parts[0], "vocab.json": parts[1], "merges.txt": parts[2],
    ])
    try use(Tokenizer.open(files.path))
  },
  "words": { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return }
    files.write(["tokenizer_config.json": parts[0], "vocab.txt": parts[1]])
    try use(Tokenizer.open(files.path))
  },
  "sentencepiece": { bytes in
    try use(
      Tokenizer(SentencePieceConversion.open(bytes, "m", folder: nowhere), path: "m"))
  },
  "tiktoken": { bytes in
    // The tables of a file are as large as its greatest rank.
    guard !bytes.split(whereSeparator: { $0 &- 0x30 > 9 }).contains(where: { $0.count > 5 }) else {
      return
    }
    try use(
      Tokenizer(RankFileConversion.open(bytes, "x.tiktoken", folder: nowhere), path: "x"))
  },
  "charsmap": { bytes in
    // Two bytes for the size of the text, which stands behind the map.
    guard bytes.count > 1 else { return }
    let size = min(Int(bytes[0]), bytes.count - 1)
    let text = Array(String(decoding: bytes[1..<1 + size], as: UTF8.self).utf8)
    let map = Data(bytes[(1 + size)...]).base64EncodedString()
    let component = TokenizerComponent(
      path: "t", part: "normalizer", type: "Precompiled",
      value: ["precompiled_charsmap": .string(map)])
    if let changed = try PrecompiledMap(component).apply(text.span) {
      precondition(UTF8.isValid(changed))
    }
  },
  "regex": { bytes in
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, first.count <= 200 else { return }
    let pattern = try RegexPattern(String(decoding: first, as: UTF8.self))
    let text = Array(String(decoding: parts.last ?? [], as: UTF8.self).utf8).prefix(200)
    let valid = Array(String(decoding: text, as: UTF8.self).utf8)
    var (scratch, end) = (RegexPattern.Scratch(), 0)
    pattern.forEachMatch(in: valid.span, &scratch) { match in
      precondition(match.lowerBound >= end && match.upperBound <= valid.count)
      end = match.upperBound
    }
  },
  "number": { bytes in
    if let value = SerdeNumber.value(bytes), value.isFinite { _ = SerdeNumber.text(of: value) }
  },
  "config": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    let model = try ModelDescription.read(text: text, path: "c")
    let points = HookPoint.all(in: model)
    for point in points.prefix(200) {
      let found = try HookPoint.find(point.name, in: model)
      precondition(found == point)
    }
    let plan = WeightPlan(
      model, layers: min(2, model.layerCount), includesFinalNorm: true, unembeds: true)
    precondition(plan.vectorCount >= 0)
  },
  "index": { bytes in
    for name in try ModelFiles.shards(index: bytes, path: "i") {
      precondition(name.staysInside && !name.utf8.contains(UInt8(ascii: "/")))
    }
  },
  "hook": { bytes in
    // Longer names only take longer to be compared with those that there are.
    let name = String(decoding: bytes.prefix(64), as: UTF8.self)
    _ = try HookPoint.find(name, in: small)
  },
]

private let nowhere = "/nowhere"

/// Encodes and decodes a few texts.
private func use(_ tokenizer: Tokenizer) throws {
  for text in texts {
    let ids = tokenizer.encode(text)
    for id in ids { precondition(Int(id) < max(tokenizer.vocabularySize, 1)) }
    _ = tokenizer.decode(ids)
    if let first = ids.first { _ = tokenizer.tokenText(first) }
  }
  _ = tokenizer.configuration
}

private let texts: [[UInt8]] = [
  Array("Hello wörld, it's 12345 \n\n  ▁x <s>é\u{301}漢字 ab".utf8), [0x61, 0xFF, 0xC3, 0x20, 0x0A],
  [],
]

private let small: ModelDescription = {
  let text =
    #"{"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 8, "vocab_size": 9, "n_positions": 8}"#
  guard let model = try? ModelDescription.read(text: text, path: "c") else {
    preconditionFailure("no model")
  }
  return model
}()

/// Whether an error is a problem within a file, which its reader gives a sentence.
func isProblem(_ error: any Error) -> Bool { error is RegexProblem || error is ProtobufProblem }
