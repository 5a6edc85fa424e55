import Foundation
import Shared
import Support
import Testing

/// The speed of encoding alone: documents in memory, ids to memory, one thread.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SAELINE_BENCH"] != nil))
struct TokenizerBenchmark {
  private static let environment = ProcessInfo.processInfo.environment

  /// Bytes per second of the best of some rounds.
  private func best(_ byteCount: Int, _ body: () -> Void) -> Double {
    (0..<5).map { _ in
      let start = System.uptime
      body()
      return Double(byteCount) / (System.uptime - start)
    }.max() ?? 0
  }

  @Test func encodingOnOneThread() throws {
    let environment = TokenizerBenchmark.environment
    let root = ProjectFiles.root + "/"
    func place(_ key: String, _ usual: String) -> String {
      let given = environment[key].flatMap { $0.isEmpty ? nil : $0 } ?? usual
      return given.hasPrefix("/") ? given : root + given
    }
    let path = place("SAELINE_BENCH_TOKENIZER", "pipelines/demo/model")
    let text = place("SAELINE_BENCH_TEXT", ".build/demo/stories.jsonl")
    let tokenizer = try Tokenizer.open(path)
    let documents = try MappedFile.contents(text).split(separator: 0x0A).compactMap {
      try JSON(parsing: Array($0))["text"]?.string.map { Array($0.utf8) }
    }
    let byteCount = documents.reduce(0) { $0 + $1.count }
    var encoder = TokenEncoder(tokenizer)
    var ids: [UInt32] = []
    var tokenCount = 0
    let encoding = best(byteCount) {
      tokenCount = 0
      for document in documents {
        ids.removeAll(keepingCapacity: true)
        encoder.encode(document.span, into: &ids)
        tokenCount += ids.count
      }
    }
    var copy: [UInt8] = []
    let copying = best(byteCount) {
      for document in documents {
        copy.removeAll(keepingCapacity: true)
        copy.append(copying: document.span)
      }
    }
    let tokens = encoding * Double(tokenCount) / Double(byteCount)
    print(
      "encoding, one thread: \(Readable.bytes(Int(encoding)))/s, \(Readable.count(Int(tokens))) "
        + "tokens/s of \(Readable.bytes(byteCount)); copying the text: "
        + "\(Readable.bytes(Int(copying)))/s")
  }
}
