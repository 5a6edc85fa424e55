import Pretokenizer
import Shared
import Support
import Synchronization
import Testing

/// Takes everything and keeps nothing.
private struct CountingSink: DocumentSink {
  var count = 0
  mutating func text(_ bytes: Span<UInt8>) throws { count += bytes.count }
  mutating func tokens(_ ids: Span<UInt32>) throws { count += ids.count }
  mutating func invalid(_ problem: any Failure) throws { count += 1 }
  mutating func replaced(_ count: Int) {}
}

/// A file with some of its bytes changed, cut out, doubled or replaced by extreme numbers.
private func mutated(_ bytes: [UInt8], _ random: Random) -> [UInt8] {
  var bytes = bytes
  var draws = 0
  func draw(_ bound: Int) -> Int {
    draws += 1
    return random.integer(draws, below: max(bound, 1))
  }
  for _ in 0...draw(4) where !bytes.isEmpty {
    let place = draw(bytes.count)
    switch draw(8) {
    case 0: bytes[place] ^= UInt8(1 << draw(8))
    case 1: bytes[place] = UInt8(draw(256))
    case 2: bytes[place] = [0x00, 0xFF, 0x7F, 0x80][draw(4)]
    case 3:
      for index in place..<min(place + 4, bytes.count) { bytes[index] = draw(2) == 0 ? 0 : 0xFF }
    case 4: bytes.removeSubrange(place..<min(place + 1 + draw(8), bytes.count))
    case 5: bytes.removeSubrange(place...)
    case 6:
      let copy = Array(bytes[place..<min(place + 1 + draw(16), bytes.count)])
      bytes.insert(contentsOf: copy, at: draw(bytes.count))
    default: bytes.insert(UInt8(draw(256)), at: place)
    }
  }
  return bytes
}

/// Every read of a damaged file ends in documents or in a sentence; anything else stops the process.
@Suite struct FuzzTests {
  /// Mutated files for each format; together more than 100,000.
  private static let rounds = 15_000

  private static func files(_ prefix: String, _ suffix: String) -> [[UInt8]] {
    DataFixtures.names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }.map {
      DataFixtures.bytes($0)
    }
  }

  /// Reads mutated files as the stage does, and counts how many gave documents.
  private func read(_ files: [[UInt8]], name: String, rounds: Int = rounds) throws -> Int {
    let folder = try TemporaryFolder()
    let results = Disposition()
    Parallel.forEach(rounds) { round in
      let random = Random(seed: 7, stream: name, index: round)
      let bytes = mutated(files[round % files.count], random)
      let path = folder.path + "/\(round)-" + name
      do {
        var file = try AtomicFile.create(path)
        try file.write(bytes.span.raw)
        try file.publishReplacing()
        defer { try? System.remove(path) }
        let data = try DataFile.open(path)
        let columns = try Documents.columns(data, limit: 1 << 20)
        let rules = ReadingRules(
          column: ColumnChoice(columns, PretokenizeSettings()), textDocuments: .file,
          documentByteCount: 1 << 20)
        var sink = CountingSink()
        for block in try InputBlock.cut([data], rules) {
          for piece in block.pieces { try piece.read(rules, into: &sink) }
        }
        results.add(sink.count > 0 ? .read : .refused)
      } catch let failure as any Failure {
        results.add(failure.sentence.isEmpty ? .wordless : .refused)
      } catch { results.add(.wordless) }
    }
    #expect(results.count(.wordless) == 0)
    #expect(results.count(.read) + results.count(.refused) == rounds)
    return results.count(.read)
  }

  @Test func jsonLines() throws {
    #expect(try read(Self.files("t", "lines.jsonl"), name: "a.jsonl") > 1000)
  }

  @Test func jsonArrays() throws {
    #expect(try read(Self.files("t", "array.json"), name: "a.json") > 100)
  }

  @Test func gzip() throws {
    _ = try read(Self.files("text", ".gz"), name: "a.jsonl.gz")
  }

  @Test func zstandard() throws {
    _ = try read(Self.files("text", ".zst"), name: "a.jsonl.zst")
  }

  @Test func parquet() throws {
    #expect(try read(Self.files("", ".parquet"), name: "a.parquet", rounds: 40_000) > 1000)
  }

  @Test func arrow() throws {
    #expect(try read(Self.files("", ".arrow"), name: "a.arrow", rounds: 20_000) > 1000)
  }

  @Test func tokenizers() throws {
    let folder = ProjectFiles.root + "/Tests/Fixtures/tokenizer/families/"
    let files = try ["bert", "words", "llama2", "t5"].map {
      try MappedFile.contents(folder + $0 + ".json")
    }
    let temporary = try TemporaryFolder()
    let results = Disposition()
    let text = Array("It's 12 naïve cafés … 東京 <s>[CLS] river\n".utf8)
    Parallel.forEach(6000) { round in
      let bytes = mutated(files[round % files.count], Random(seed: 8, stream: "json", index: round))
      let path = temporary.path + "/\(round).json"
      do {
        var file = try AtomicFile.create(path)
        try file.write(bytes.span.raw)
        try file.publishReplacing()
        defer { try? System.remove(path) }
        let tokenizer = try Tokenizer.open(path)
        _ = tokenizer.decode(tokenizer.encode(text))
        results.add(.read)
      } catch let failure as any Failure {
        results.add(failure.sentence.isEmpty ? .wordless : .refused)
      } catch { results.add(.wordless) }
    }
    #expect(results.count(.wordless) == 0)
    #expect(results.count(.read) > 100)
  }
}

/// How reads ended.
private final class Disposition: Sendable {
  enum Ending: Int { case read, refused, wordless }

  private let counts = Mutex([0, 0, 0])

  func add(_ ending: Ending) { counts.withLock { $0[ending.rawValue] += 1 } }
  func count(_ ending: Ending) -> Int { counts.withLock { $0[ending.rawValue] } }
}
