import Shared
import Support
import Testing

/// What Hugging Face's normalizers make of every character and of hard sequences.
private let goldens =
  (try? JSON(
    parsing: MappedFile.contents(
      ProjectFiles.root + "/Tests/Fixtures/normalizers/normalizers.json")))?.array ?? []

/// A tokenizer with one normalizer.
private func tokenizer(_ normalizer: JSON) throws -> Tokenizer {
  let folder = try TemporaryFolder()
  let file: JSON = [
    "normalizer": normalizer, "pre_tokenizer": .null,
    "model": ["type": "WordLevel", "vocab": ["a": .integer(0)], "unk_token": "a"],
  ]
  try folder.write(Array(file.canonical.utf8), to: "tokenizer.json")
  return try Tokenizer.open(folder.path)
}

private func normalized(_ text: [UInt8], _ tokenizer: Tokenizer) -> [UInt8] {
  tokenizer.normalize(text.span) ?? text
}

private func complaint(_ normalizer: JSON) -> String {
  do {
    _ = try tokenizer(normalizer)
    return ""
  } catch let failure as any Failure {
    return failure.sentence.split(separator: "/").last.map { String($0) } ?? ""
  } catch { return "\(error)" }
}

@Suite struct NormalizerTests {
  @Test func thereAreGoldens() { #expect(goldens.count == 17) }

  @Test(arguments: goldens.indices)
  func hardSequencesBecomeWhatHuggingFaceMakesOfThem(index: Int) throws {
    let tokenizer = try tokenizer(try #require(goldens[index]["normalizer"]))
    for item in goldens[index]["cases"]?.array ?? [] {
      let (text, expected) = (item.array?.first?.string ?? "", item.array?.last?.string)
      let result = String(decoding: normalized(Array(text.utf8), tokenizer), as: UTF8.self)
      // Compared as characters are: Swift takes canonically equal strings for equal.
      #expect(Array(result.utf8) == Array((expected ?? "").utf8), "\(text.debugDescription)")
    }
  }

  @Test(arguments: goldens.indices)
  func everyCharacterBecomesWhatHuggingFaceMakesOfIt(index: Int) throws {
    let tokenizer = try tokenizer(try #require(goldens[index]["normalizer"]))
    var digest = Digest()
    var results: [UInt8] = []
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      results += normalized(Array(String(scalar).utf8), tokenizer)
      results.append(0x0A)
      if results.count > 1 << 16 {
        digest.update(results.span.raw)
        results.removeAll(keepingCapacity: true)
      }
    }
    digest.update(results.span.raw)
    #expect(digest.finish() == goldens[index]["sha256"]?.string)
  }

  @Test func damagedCharacterMapsAreRefusedOrHarmless() throws {
    let golden = goldens.last?["normalizer"]?["precompiled_charsmap"]?.string ?? ""
    let random = Random(seed: 3, stream: "charsmap")
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let text = Array("ﬁe\u{301}か\u{3099} ¼\t가é\r\nx".utf8)
    for round in 0..<200 {
      var map = Array(golden)
      for change in 0..<8 {
        let place = random.integer(16 * round + 2 * change, below: map.count)
        map[place] = letters[random.integer(16 * round + 2 * change + 1, below: 64)]
      }
      let damaged: JSON = [
        "type": "Precompiled", "precompiled_charsmap": .string(String(map)),
      ]
      guard let tokenizer = try? tokenizer(damaged) else { continue }
      #expect(String(validating: normalized(text, tokenizer), as: UTF8.self) != nil)
    }
  }

  @Test func whatIsWrongIsNamed() {
    #expect(
      complaint(["type": "Sentence"])
        == "tokenizer.json: normalizer: the type “Sentence” is not supported.")
    #expect(
      complaint(["type": "Prepend"]) == "tokenizer.json: normalizer.prepend must be a string.")
    #expect(
      complaint(["type": "Replace", "content": "x", "pattern": ["String": ""]])
        == "tokenizer.json: normalizer: an empty pattern is not supported.")
    #expect(
      complaint(["type": "Replace", "content": "x", "pattern": .null])
        == "tokenizer.json: normalizer.pattern must be an object with Regex or String.")
    #expect(
      complaint(["type": "Precompiled", "precompiled_charsmap": "?"])
        == "tokenizer.json: normalizer.precompiled_charsmap must be a text in base 64.")
    #expect(
      complaint(["type": "Precompiled", "precompiled_charsmap": "AAAA"])
        == "tokenizer.json: normalizer.precompiled_charsmap must be longer than 4 bytes.")
    #expect(
      complaint(["type": "Precompiled", "precompiled_charsmap": "/////w=="])
        == "tokenizer.json: normalizer.precompiled_charsmap must be as long as its trie says.")
  }
}
