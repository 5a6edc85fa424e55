// A store made up for tests: sequences of six words, activations that are one-hot in the word.

import Foundation
import Shared

import Trainer

/// Sixty sequences of eight words in two token shards, and their rows in two activation shards.
final class TinyStore {
  static let words = [" red", " blue", " dog", " cat", " the", "\n"]
  static let sequences = 60
  static let contextSize = 8

  let path = NSTemporaryDirectory() + "/store-" + UUID().uuidString
  let fingerprint: String
  let tokens: [[UInt32]]
  let shards: [CachedShard]

  init() throws {
    let random = Random(seed: 5, stream: "words")
    let tokens = (0..<TinyStore.sequences).map { sequence in
      (0..<TinyStore.contextSize).map {
        UInt32(random.integer(sequence * 8 + $0, below: TinyStore.words.count))
      }
    }
    self.tokens = tokens
    let key = StageKey(stage: .tokens, label: "tiny", settings: .object([:]))
    fingerprint = key.fingerprint
    let folder = Store(path).folder(key)
    try System.createDirectories(folder.path)
    try AtomicFile.replace(folder.path + "/tokenizer.json", with: TinyStore.tokenizer)
    var listed: [Manifest.Shard] = []
    for (index, range) in [0..<25, 25..<60].enumerated() {
      let name = TokenShard.fileName(index)
      var file = try AtomicFile.create(folder.path + "/" + name)
      try TokenShard.write(
        tokens[range].flatMap { $0 }, contextSize: TinyStore.contextSize, vocabularySize: 40,
        to: &file)
      try file.publishReplacing()
      listed.append(try folder.shard(name, rows: range.count))
    }
    try folder.finish(
      Manifest(key: key, name: "tiny", tool: "test", shards: listed, details: .object([:])))
    let root = path
    shards = try [0..<40, 40..<60].enumerated().map { index, range in
      CachedShard(
        path: try TinyStore.writeRows(tokens, range, to: "\(root)/rows-\(index)"),
        rows: range.count * TinyStore.contextSize)
    }
  }

  deinit { try? System.removeTree(path) }

  /// The rows of some sequences, permuted.
  private static func writeRows(
    _ tokens: [[UInt32]], _ range: Range<Int>, to path: String
  ) throws -> String {
    let rows = range.count * contextSize
    var builder = ActivationShardBuilder(
      rows: rows, dIn: words.count, type: .float32, vocabularySize: 40, contextSize: contextSize)
    let ids = tokens[range].flatMap { $0 }
    let sequences = range.flatMap { [UInt32](repeating: UInt32($0), count: contextSize) }
    let positions = range.flatMap { _ in 0..<UInt32(contextSize) }
    let values = ids.indices.flatMap { activation(ids[$0], sequences[$0], positions[$0]) }
    builder.put(
      values.span, at: Random(seed: 1, stream: "rows").permutation(rows).span, tokens: ids.span,
      sequences: sequences.span, positions: positions.span)
    var file = try AtomicFile.create(path)
    try builder.write(to: &file)
    try file.publishReplacing()
    return path
  }

  /// One-hot in the word, higher in later sequences, lower at later positions.
  static func activation(_ token: UInt32, _ sequence: UInt32, _ position: UInt32) -> [Float] {
    words.indices.map { $0 == Int(token) ? 1 + Float(sequence) - Float(position) / 16 : 0 }
  }

  /// Words are whole tokens after a space; letters are there for all else.
  private static var tokenizer: String {
    let names =
      ["Ġred", "Ġblue", "Ġdog", "Ġcat", "Ġthe", "Ċ", "Ġ"]
      + "abcdefghijklmnopqrstuvwxyz"
      .map(String.init)
    let vocabulary = Dictionary(
      uniqueKeysWithValues: names.enumerated().map { ($1, JSON.integer($0)) })
    return JSON.object([
      "added_tokens": .array([]),
      "decoder": .object(["type": .string("ByteLevel")]),
      "pre_tokenizer": .object([
        "type": .string("ByteLevel"), "add_prefix_space": .bool(false), "use_regex": .bool(true),
      ]),
      "model": .object([
        "type": .string("BPE"), "vocab": .object(vocabulary), "merges": .array([]),
        "ignore_merges": .bool(true),
      ]),
    ]).pretty
  }
}

/// An SAE whose latent j is active where column j is, and whose reconstruction is half the row.
struct HalvingEncoder: RowEncoder {
  let batchRows = 100

  func encode(
    _ batch: Span<Float>, rows: Int,
    _ body: (Span<Int32>, Span<Int32>, Span<Float>, Span<Float>) throws -> Void
  ) throws {
    let width = TinyStore.words.count
    var offsets: [Int32] = [0]
    var latents: [Int32] = []
    var values: [Float] = []
    var reconstruction: [Float] = []
    for row in 0..<rows {
      for column in 0..<width {
        let value = batch[row * width + column]
        reconstruction.append(value / 2)
        guard value > 0 else { continue }
        latents.append(Int32(column))
        values.append(value)
      }
      offsets.append(Int32(latents.count))
    }
    try body(offsets.span, latents.span, values.span, reconstruction.span)
  }
}
