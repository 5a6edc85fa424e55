import Shared
import Support
import Testing

private func write(_ bytes: [UInt8], _ folder: borrowing TemporaryFolder) throws -> String {
  try folder.write(bytes, to: "shard-00000.safetensors.zst")
}

private func compressed(_ content: [UInt8]) -> [UInt8] { Zstandard.compress(content.span.raw) }

@Suite struct TokenShardTests {
  @Test("Sequences come back, in the narrower type that holds the vocabulary")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    for (vocabulary, width) in [(1 << 16, 2), ((1 << 16) + 1, 4)] {
      let tokens: [UInt32] = [0, 1, 2, 65_535, 4, 5]
      let path = folder.file("\(width).zst")
      var file = try AtomicFile.create(path)
      try TokenShard.write(
        tokens, contextSize: 3, vocabularySize: vocabulary, metadata: ["documents": "7"], to: &file)
      try file.publishReplacing()
      let shard = try TokenShard.read(path)
      #expect(shard.sequenceCount == 2 && shard.contextSize == 3 && shard.tokens == tokens)
      #expect(
        shard.metadata
          == ["saeline.format": "tokens/1", "saeline.rows": "2", "documents": "7"])
      let frame = try contents(of: path)
      let content = try Zstandard.decompress(
        frame.span.raw, path: path, limit: TokenShard.byteLimit)
      #expect(content.count == 4096 + tokens.count * width)
    }
  }

  @Test("A shard without sequences comes back")
  func empty() throws {
    let folder = try TemporaryFolder()
    let path = try write(TokenShard.encode([], contextSize: 8, vocabularySize: 10), folder)
    let shard = try TokenShard.read(path)
    #expect(shard.sequenceCount == 0 && shard.contextSize == 8 && shard.tokens.isEmpty)
  }

  @Test("The names of shards sort in their order")
  func names() {
    #expect(TokenShard.fileName(0) == "shard-00000.safetensors.zst")
    #expect(TokenShard.fileName(123_456) == "shard-123456.safetensors.zst")
    #expect(ActivationShard.fileName(42) == "shard-00042.safetensors")
  }

  @Test("A shard of another format, shape, type or length is refused with a sentence")
  func refused() throws {
    let folder = try TemporaryFolder()
    let hint = "Delete the folder \(folder.path) and run the stage that made it again."
    func check(_ content: [UInt8], _ sentence: (String) -> String, _ hint: String?) throws {
      let path = try write(compressed(content), folder)
      let error = #expect(throws: (any Error).self) { try TokenShard.read(path) }
      let failure = error as? any Failure
      #expect(failure?.sentence == sentence(path))
      #expect(failure?.hint == hint)
    }
    let tensor = SafetensorsWriter.Tensor("tokens", .uint16, shape: [1, 2], bytes: [0, 0, 1, 0])
    func file(_ tensor: SafetensorsWriter.Tensor, _ metadata: [String: String]) -> [UInt8] {
      SafetensorsWriter.encode([tensor], metadata: metadata)
    }
    let format = ["saeline.format": "tokens/1", "saeline.rows": "1"]
    try check(
      file(tensor, [:]), { "\($0) does not say its format; tokens/1 is expected." }, hint)
    try check(
      file(tensor, ["saeline.format": "tokens/2"]),
      { "\($0) has the format tokens/2 where tokens/1 is expected." }, hint)
    try check(
      file(tensor, ["saeline.format": "tokens/1"]),
      { "\($0): the metadata key saeline.rows is missing." }, hint)
    try check(
      file(tensor, ["saeline.format": "tokens/1", "saeline.rows": "2"]),
      { "\($0): the metadata key saeline.rows has the value “2”, which does not fit the tensors." },
      hint)
    try check(
      file(.init("tokens", .uint8, shape: [1, 2], bytes: [0, 1]), format),
      { "\($0): the tensor tokens has the type U8 where U16 or U32 is expected." },
      "Check that the file is the one you mean.")
    try check(
      file(.init("tokens", .uint16, shape: [2], bytes: [0, 0, 1, 0]), format),
      { "\($0): the tensor tokens has the shape [2] where [any, any] is expected." },
      "Check that the file is the one you mean.")
    let whole = file(tensor, format)
    try check(
      Array(whole.dropLast()),
      { "\($0) is cut short: it has 4099 bytes and its header promises 4100." },
      "Fetch or create the file again.")
  }

  @Test("A file that is missing is named")
  func missing() {
    let error = #expect(throws: SystemError.self) { try TokenShard.read("/nowhere/shard.zst") }
    #expect(error?.sentence == "/nowhere/shard.zst does not exist.")
  }
}
