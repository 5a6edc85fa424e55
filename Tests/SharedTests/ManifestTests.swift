import Shared
import Support
import Testing

private let sample = Manifest(
  key: StageKey(
    stage: .tokens, label: "gpt2", settings: .object(["context_size": .integer(128)]),
    identities: ["tokenizer.json": "sha256:ab"], input: "cd"),
  name: "gpt2", tool: "saeline-pretokenize 0.1.0",
  shards: [.init(file: "shard-00000.safetensors.zst", rows: 7, bytes: 4100, sha256: "ef")],
  details: .object(["tokens": .integer(896)]))

private func parse(_ text: String) throws(ManifestError) -> Manifest {
  try Manifest(parsing: Array(text.utf8), path: "f/manifest.json")
}

@Suite struct ManifestTests {
  @Test("A manifest reads back")
  func roundTrip() throws {
    let read = try parse(sample.json.pretty)
    #expect(read == sample)
    #expect(read.rows == 7)
    var withoutInput = sample
    withoutInput.input = nil
    #expect(try parse(withoutInput.json.pretty) == withoutInput)
  }

  @Test("The text of a manifest is this")
  func exactText() {
    #expect(
      sample.json.pretty == """
        {
          "details": {
            "tokens": 896
          },
          "fingerprint": "\(sample.fingerprint)",
          "format_version": 1,
          "identities": {
            "tokenizer.json": "sha256:ab"
          },
          "input": "cd",
          "name": "gpt2",
          "settings": {
            "context_size": 128
          },
          "sha256": "\(sample.json["sha256"]?.string ?? "")",
          "shards": [
            {
              "bytes": 4100,
              "file": "shard-00000.safetensors.zst",
              "rows": 7,
              "sha256": "ef"
            }
          ],
          "stage": "tokens",
          "tool": "saeline-pretokenize 0.1.0"
        }

        """)
  }

  @Test(
    "A manifest with something missing or malformed is refused with a sentence",
    arguments: [
      "fingerprint", "format_version", "identities", "name", "settings", "shards", "stage", "tool",
      "details",
    ])
  func missingKey(_ key: String) throws {
    let text = sample.json.pretty.replacing("\"\(key)\"", with: "\"_\"")
    let error = #expect(throws: ManifestError.self) { try parse(text) }
    #expect(error?.sentence == "f/manifest.json: \(key) is missing or malformed.")
    #expect(error?.hint == "Delete the folder f and run the stage that made it again.")
    #expect(error?.exitCode == .wrongInput)
  }

  @Test(
    "A shard may not lie outside its folder",
    arguments: ["../x", "/etc/x", "a/b", "", "..", "../\u{301}x", "a/\u{301}b"])
  func escapingShard(_ file: String) {
    let text = sample.json.pretty.replacing("shard-00000.safetensors.zst", with: file)
    #expect(
      #expect(throws: ManifestError.self) { try parse(text) }
        == .missingKey(path: "f/manifest.json", key: "shards"))
  }

  @Test(
    "A manifest states the digest of what else it says, and one that does not have it is refused")
  func selfDigest() throws {
    var members = try #require(sample.json.object)
    let stated = try #require(members.removeValue(forKey: "sha256")?.string)
    #expect(stated == Digest.of(JSON.object(members).canonical))
    // An older one states none.
    #expect(try parse(JSON.object(members).pretty) == sample)
    for (old, new) in [("896", "897"), ("\"gpt2\"", "\"gpt3\""), ("4100", "4101"), (stated, "0")] {
      let text = sample.json.pretty.replacing(old, with: new)
      let error = #expect(throws: ManifestError.self) { try parse(text) }
      #expect(error == .damaged(path: "f/manifest.json"))
      #expect(
        error?.sentence
          == "f/manifest.json is damaged: what it says does not have the SHA-256 that it states.")
      #expect(
        error?.hint
          == "Delete f/manifest.json and run the stage that made it again; its shards are kept.")
    }
  }

  @Test(
    "Numbers beyond every stage are refused", arguments: ["4611686018427387904", "-1", "1e300"])
  func hugeNumbers(_ number: String) {
    for old in ["\"rows\": 7", "\"bytes\": 4100"] {
      let key = old.prefix { $0 != ":" }
      let text = sample.json.pretty.replacing(old, with: "\(key): \(number)")
      let error = #expect(throws: ManifestError.self) { try parse(text) }
      #expect(error == .missingKey(path: "f/manifest.json", key: "shards"))
    }
  }

  @Test("A manifest of another kind or version is refused with a sentence")
  func refused() {
    func failure(_ text: String) -> ManifestError? {
      #expect(throws: ManifestError.self) { try parse(text) }
    }
    let again = "Delete the folder f and run the stage that made it again."
    for text in ["", "[]", "{", "7"] {
      #expect(
        failure(text)?.sentence == "f/manifest.json is no manifest: it is not a JSON object.")
      #expect(failure(text)?.hint == again)
    }
    let newer = failure(
      sample.json.pretty.replacing("\"format_version\": 1", with: "\"format_version\": 2"))
    #expect(
      newer?.sentence
        == "f/manifest.json has the format version 2; this program reads version 1.")
    #expect(newer?.hint == "Use the version of the program that wrote it, or another store.")
  }

  @Test("Damaged manifests give a value or an error, never a crash", arguments: 0..<4)
  func fuzz(_ seed: Int) {
    let text = Array(sample.json.pretty.utf8)
    var mutator = Mutator(seed: seed, stream: "manifest")
    var accepted = 0
    for _ in 0..<1_500 {
      let bytes = mutator.damage(text)
      if (try? Manifest(parsing: bytes, path: "x")) != nil { accepted += 1 }
    }
    #expect(accepted < 1_500, "seed \(seed)")
  }
}
