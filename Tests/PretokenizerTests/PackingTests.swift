import Pretokenizer
import Shared
import Support
import Testing

private struct Example {
  let rules: PackingRules
  let documents: [[UInt32]]
  let rows: [[UInt32]]
}

private func tokens(_ value: JSON?) -> [[UInt32]] {
  (value?.array ?? []).map { ($0.array ?? []).compactMap { $0.integer.map { UInt32($0) } } }
}

private func examples() throws -> [Example] {
  let path = ProjectFiles.root + "/Tests/Fixtures/packing/packing.json"
  return (try JSON(parsing: try MappedFile.contents(path)).array ?? []).map { item in
    let rules = item["rules"]?.array ?? []
    func token(_ index: Int) -> UInt32? { rules[index].integer.map { UInt32($0) } }
    return Example(
      rules: PackingRules(
        contextSize: rules[0].integer ?? 0, beginBatch: token(1), beginSequence: token(2),
        separator: token(3),
        joining: rules[4].bool == true ? .oneDocumentPerSequence : .concatenated),
      documents: tokens(item["documents"]), rows: tokens(item["rows"]))
  }
}

/// The same documents in several blocks.
private struct Blocks: TokenSource {
  let blocks: [DocumentList]
  var blockCount: Int { blocks.count }
  func documentCount(_ block: Int) -> Int { blocks[block].documentCount(0) }
  func length(_ block: Int, _ document: Int) -> Int { blocks[block].length(0, document) }
  func token(_ block: Int, _ index: Int) -> UInt32 { blocks[block].token(0, index) }
  func read(_ block: Int, _ index: Int, into target: inout MutableSpan<UInt32>) {
    blocks[block].read(0, index, into: &target)
  }
}

@Suite struct PackingTests {
  @Test func documentsArePackedAsSAELensDoes() throws {
    let examples = try examples()
    #expect(examples.count == 216)
    for example in examples {
      let packing = Packing(DocumentList(example.documents), example.rules)
      #expect(packing.sequenceCount == example.rows.count, "\(example)")
      let all = packing.sequences((0..<UInt32(packing.sequenceCount)).map { $0 })
      #expect(all == example.rows.flatMap { $0 }, "\(example)")
    }
  }

  @Test func sequencesCanBeReadInAnyOrderAndFromAnyBlocks() throws {
    for (index, example) in try examples().enumerated() where example.rows.count > 1 {
      let middle = example.documents.count / 2
      let source = Blocks(blocks: [
        DocumentList(Array(example.documents[..<middle])), DocumentList([]),
        DocumentList(Array(example.documents[middle...])),
      ])
      let packing = Packing(source, example.rules, stride: 2)
      let order = Random(seed: index, stream: "order").permutation(example.rows.count)
      let wanted = order + order
      #expect(packing.sequences(wanted) == wanted.flatMap { example.rows[Int($0)] })
    }
  }

  @Test func whatFillsNoSequenceIsCounted() {
    let documents: [[UInt32]] = [[7, 7, 7], [8, 8, 8, 8]]
    let rules = PackingRules(contextSize: 4, beginBatch: 1)
    // [1 7 7 7] [1 8 8 8] and one token that is left.
    #expect(Packing(DocumentList(documents), rules).droppedCount == 1)
    let alone = PackingRules(contextSize: 5, joining: .oneDocumentPerSequence)
    #expect(Packing(DocumentList(documents), alone).droppedCount == 7)
    #expect(Packing(DocumentList(documents), alone).sequenceCount == 0)
  }

  @Test func shardsHoldEverySequenceOnce() {
    let plan = ShardPlan(sequenceCount: 103, rowsPerShard: 10, seed: 4)
    #expect(plan.count == 11)
    #expect((0..<plan.count).flatMap { plan.sequences($0) }.sorted() == (0..<103).map { $0 })
    #expect((0..<plan.count).flatMap { plan.sequences($0) } != (0..<103).map { $0 })
    #expect(plan.rows(10) == 100..<103)
    let plain = ShardPlan(sequenceCount: 103, rowsPerShard: 10, seed: nil)
    #expect((0..<plain.count).flatMap { plain.sequences($0) } == (0..<103).map { $0 })
  }
}
