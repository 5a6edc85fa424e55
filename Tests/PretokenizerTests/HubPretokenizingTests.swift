// The token stage of a text on the Hub: the same shards and the same fingerprint whichever way it is read,
// in few requests.

import Pretokenizer
import Shared
import Support
import Testing

private func lines(_ count: Int) -> [UInt8] {
  var text: [UInt8] = []
  for index in 0..<count {
    text += Array("{\"text\": \"The river carries lantern \(index) past the stones.\"}\n".utf8)
  }
  return text
}

private func pipeline(_ folder: borrowing TemporaryFolder, store: String) -> Pipeline {
  var pipeline = Pipeline()
  pipeline.name = "test"
  pipeline.store = folder.file(store)
  pipeline.pretokenize.tokenizerName = ProjectFiles.root + "/Tests/Fixtures/tokenizer/plain"
  pipeline.pretokenize.datasetPath = "me/set"
  pipeline.pretokenize.contextSize = 16
  return pipeline
}

private func shards(_ result: PretokenizeResult) throws -> [UInt32] {
  let names = try System.list(result.folder).filter { $0.hasPrefix("shard-") }
  return try names.flatMap { try TokenShard.read(result.folder + "/" + $0).tokens }
}

@Suite(.serialized) struct HubPretokenizingTests {
  @Test("Streamed, downloaded and local text give the same folder and the same tokens")
  func ways() throws {
    let folder = try TemporaryFolder()
    let content = lines(4000)
    let tree = MemoryTree(["train.jsonl": content, "test.jsonl": lines(3)])
    let hub = MemoryHub(["me/set": tree], folder: folder.file("cache"))

    var streamed = pipeline(folder, store: "streamed")
    streamed.pretokenize.streaming = true
    let first = try Pretokenizing(streamed, through: hub, mode: .quiet).run()
    #expect(hub.fetched == [])
    let downloaded = pipeline(folder, store: "downloaded")
    let second = try Pretokenizing(downloaded, through: hub, mode: .quiet).run()
    #expect(hub.fetched == ["train.jsonl"])
    // A listing states the hash that a local file has.
    var local = pipeline(folder, store: "local")
    local.pretokenize.datasetPath = try folder.write(content, to: "train.jsonl")
    let third = try Pretokenizing(local, mode: .quiet).run()

    #expect(first.fingerprint == second.fingerprint)
    #expect(first.fingerprint == third.fingerprint)
    #expect(try shards(first) == shards(second))
    #expect(try shards(first) == shards(third))
    // What is finished is found without a download.
    let again = MemoryHub(["me/set": tree])
    _ = try Pretokenizing(downloaded, through: again, mode: .quiet).run()
    #expect(again.fetched == [])
  }

  @Test("A block of lines is read in requests of 8 MiB")
  func requests() throws {
    let content = lines(500_000)
    let tree = MemoryTree(["a.jsonl": content])
    let root = DataTree.repository(tree, address: "hf://datasets/me/set")
    let file = try DataFile.open("a.jsonl", in: root)
    let rules = ReadingRules(
      column: ColumnChoice([], PretokenizeSettings()), textDocuments: .line,
      documentByteCount: 1 << 20)
    var sink = CollectingSink()
    let blocks = try InputBlock.cut([file], rules)
    for piece in blocks.flatMap(\.pieces) { try piece.read(rules, into: &sink) }
    #expect(sink.texts.count == 500_000)
    let most = content.count / RangedSource.rangeByteCount + 2 + 2 * blocks.count
    #expect(tree.reads("a.jsonl").count <= most)
    #expect(tree.byteCount < content.count + 200_000 * blocks.count)
  }

  @Test("A bill of a text on the Hub reads a few hundred kilobytes and says what would come")
  func bill() throws {
    let folder = try TemporaryFolder()
    let tree = MemoryTree(["a.jsonl": lines(200_000)])
    let hub = MemoryHub(["me/set": tree])
    let bill = try PretokenizeEstimate.make(pipeline(folder, store: "store"), through: hub)
    #expect(tree.byteCount < 400_000)
    #expect(bill.missing == [])
    #expect(bill.json.canonical.contains("\"text_bytes_from_hub\":\(lines(200_000).count)"))
    #expect(hub.fetched == [])
  }
}
