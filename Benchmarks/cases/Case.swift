// A piece of work of the programs that can be done again and again: what is counted and timed. Comes in: sizes.
// Leaves: work, and what it is.

import Shared

/// Work on inputs that it made beforehand.
protocol Case: AnyObject {
  func run() throws
  /// Where the time of the last run went, in seconds.
  var parts: [(String, Double)] { get }
  /// Floating-point operations of the products in one run.
  var operations: Double { get }
  /// Bytes that one run reads and writes at least, each counted once.
  var byteCount: Double { get }
  /// What one run goes through, and its name.
  var items: (count: Double, name: String) { get }
}

extension Case {
  var parts: [(String, Double)] { [] }
  var operations: Double { 0 }
  var byteCount: Double { 0 }
  var items: (count: Double, name: String) { (1, "run") }
}

/// How large the inputs are.
struct Sizes {
  var dIn = 128
  var dSae = 1024
  var rows = 128
  var k = 16
  /// Elements of the vectors of a kernel.
  var elements = 1 << 16
  var model = "pipelines/demo/model"
  var hook = "blocks.2.hook_resid_post"
  var contextSize = 64
  var sequences = 1
  var tokenizer = "pipelines/demo/model"
  var text = ".build/demo/stories.jsonl"
  var textByteCount = 1 << 16

  /// Sets what a word such as `d_sae=4096` names.
  mutating func set(_ word: String) throws {
    let sides = word.split(separator: "=", maxSplits: 1).map(String.init)
    guard sides.count == 2 else { throw CaseError(sentence: "\(word) is no size.") }
    switch (sides[0], Int(sides[1])) {
    case ("d_in", let value?): dIn = value
    case ("d_sae", let value?): dSae = value
    case ("rows", let value?): rows = value
    case ("k", let value?): k = value
    case ("elements", let value?): elements = value
    case ("context_size", let value?): contextSize = value
    case ("sequences", let value?): sequences = value
    case ("text_bytes", let value?): textByteCount = value
    case ("model", _): model = sides[1]
    case ("hook", _): hook = sides[1]
    case ("tokenizer", _): tokenizer = sides[1]
    case ("text", _): text = sides[1]
    default: throw CaseError(sentence: "\(word) is no size.")
    }
  }
}

struct CaseError: Error {
  let sentence: String
}

/// Numbers of mean 0 and variance 1 that are the same everywhere, cheaply drawn.
func drawn(_ count: Int, seed: UInt64) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return (Float(state >> 40) * 0x1p-23 - 1) * 1.732_050_8
  }
}
