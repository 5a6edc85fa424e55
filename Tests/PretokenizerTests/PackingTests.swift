import Pretokenizer
import Shared
import Support
import Testing

/// One corpus of the fixture: documents of one-digit ids, and a digest for each case.
private struct Corpus {
  let contextSize: Int
  let documents: [[UInt32]]
  let digests: [Substring]
}

private struct Fixture {
  let corpora: [Corpus]
  let examples: [(corpus: Int, rules: PackingRules, rows: [[UInt32]])]

  init() throws {
    let path = ProjectFiles.root + "/Tests/Fixtures/packing/packing.json"
    let json = try JSON(parsing: try MappedFile.contents(path))
    let corpora = (json["corpora"]?.array ?? []).map { item in
      let digits = item["digests"]?.string ?? ""
      return Corpus(
        contextSize: item["context"]?.integer ?? 0,
        documents: (item["documents"]?.array ?? []).map { text in
          (text.string ?? "").utf8.map { UInt32($0 - UInt8(ascii: "0")) }
        },
        digests: stride(from: 0, to: digits.count, by: 8).map { digits.dropFirst($0).prefix(8) })
    }
    self.corpora = corpora
    examples = (json["examples"]?.array ?? []).map { item in
      let index = item["corpus"]?.integer ?? 0
      let options = item["options"]?.array ?? []
      func token(_ index: Int) -> UInt32? { options[index].integer.map { UInt32($0) } }
      let rules = PackingRules(
        contextSize: corpora[index].contextSize, beginBatch: token(0), beginSequence: token(1),
        separator: token(2),
        joining: options[3].bool == true ? .oneDocumentPerSequence : .concatenated,
        batchSize: options[4].integer)
      let rows = (item["rows"]?.array ?? []).map { row in
        (row.array ?? []).compactMap { $0.integer.map { UInt32($0) } }
      }
      return (index, rules, rows)
    }
  }
}

/// Every combination of options, in the order of the fixture.
private func combinations(_ contextSize: Int) -> [PackingRules] {
  let tokens: [UInt32?] = [nil, 0, 1]
  var all: [PackingRules] = []
  for begin in tokens {
    for sequence in tokens {
      for separator in tokens {
        for joining in [PackingRules.Joining.concatenated, .oneDocumentPerSequence] {
          for batch in [nil, 1, 3] {
            all.append(
              PackingRules(
                contextSize: contextSize, beginBatch: begin, beginSequence: sequence,
                separator: separator, joining: joining, batchSize: batch))
          }
        }
      }
    }
  }
  return all
}

/// Documents cut into parts at pseudorandom places.
private func cut(_ documents: [[UInt32]], seed: Int, begin: UInt32?) -> DocumentList {
  let random = Random(seed: seed, stream: "cut")
  var parts: [[[UInt32]]] = [[]]
  for (index, document) in documents.enumerated() {
    for _ in 0..<random.integer(index, below: 3) { parts.append([]) }
    parts[parts.count - 1].append(document)
  }
  return DocumentList(parts: parts, begin: begin)
}

/// What SEMANTICS says, in as few words as possible: every token is put one by one.
private func packedNaively(_ documents: [[UInt32]], _ rules: PackingRules) -> [[UInt32]] {
  var rows: [[UInt32]] = []
  var row: [UInt32] = []
  let size = rules.contextSize
  for (index, document) in documents.enumerated() {
    if let batch = rules.batchSize, index % batch == 0 { row = [] }
    var owed = rules.beginSequence.map { document.first == $0 ? [] : [$0] } ?? []
    var rest = document[...]
    while !rest.isEmpty {
      var prefix = owed
      let head = prefix.first ?? rest.first
      if let lead = row.isEmpty ? rules.beginBatch : rules.separator, lead != head {
        prefix.insert(lead, at: 0)
      }
      let room = size - row.count
      row += prefix.prefix(room)
      if prefix.count <= room { owed = [] }
      let taken = rest.prefix(max(0, room - prefix.count))
      row += taken
      rest = rest.dropFirst(taken.count)
      if row.count == size {
        rows.append(row)
        row = []
      }
    }
  }
  return rows
}

@Suite struct PackingTests {
  @Test("Every combination of options packs as SAELens does, however documents lie in parts")
  func documentsArePackedAsSAELensDoes() throws {
    let fixture = try Fixture()
    #expect(fixture.corpora.count == 20)
    for (index, corpus) in fixture.corpora.enumerated() {
      let all = combinations(corpus.contextSize)
      #expect(corpus.digests.count == all.count && all.count == 162)
      for (number, rules) in all.enumerated() {
        let source = cut(
          corpus.documents, seed: 1000 * index + number, begin: rules.beginBatch)
        let packed = try rows(try Packing(source, rules))
        let text = packed.map { $0.map { String($0) }.joined(separator: " ") + "\n" }.joined()
        #expect(Digest.of(text).prefix(8) == corpus.digests[number], "\(index) \(rules)")
      }
    }
  }

  @Test("Rows that the fixture writes out are these rows")
  func examples() throws {
    let fixture = try Fixture()
    #expect(fixture.examples.count == 28)
    for example in fixture.examples {
      let documents = fixture.corpora[example.corpus].documents
      let source = DocumentList(documents, begin: example.rules.beginBatch)
      #expect(try rows(try Packing(source, example.rules)) == example.rows)
    }
  }

  @Test("Packing is the same as its plain definition on random documents")
  func naiveTwin() throws {
    for seed in 0..<200 {
      let random = Random(seed: seed, stream: "documents")
      var counter = 0
      func draw(_ bound: Int) -> Int {
        counter += 1
        return random.integer(counter, below: bound)
      }
      let size = 2 + draw(7)
      let documents = (0..<draw(20)).map { _ in
        (0..<draw(draw(5) == 0 ? 60 : 6)).map { _ in UInt32(draw(4)) }
      }
      for rules in combinations(size) where rules.joining == .concatenated {
        let source = cut(documents, seed: seed, begin: rules.beginBatch)
        #expect(
          try rows(try Packing(source, rules)) == packedNaively(documents, rules),
          "\(seed) \(rules)")
      }
    }
  }

  @Test("Sequences can be read in any order, however few places are remembered")
  func anyOrder() throws {
    for (index, corpus) in try Fixture().corpora.enumerated() {
      for (number, rules) in combinations(corpus.contextSize).enumerated() where number % 7 == 0 {
        let source = cut(corpus.documents, seed: index, begin: rules.beginBatch)
        let whole = try rows(try Packing(source, rules))
        let order = Random(seed: index, stream: "order").permutation(whole.count).map { Int($0) }
        for most in [2, 3, 7, 1 << 20] {
          let packing = try Packing(source, rules, mostMarks: most)
          #expect(packing.sequenceCount == whole.count)
          let wanted = order + order
          #expect(try rows(packing, wanted) == wanted.map { whole[$0] })
        }
      }
    }
  }

  @Test("What fills no sequence is counted")
  func dropped() throws {
    let documents: [[UInt32]] = [[7, 7, 7], [8, 8, 8, 8]]
    let rules = PackingRules(contextSize: 4, beginBatch: 1)
    // [1 7 7 7] [1 8 8 8] and one token that is left.
    #expect(try Packing(DocumentList(documents), rules).droppedCount == 1)
    let alone = PackingRules(contextSize: 5, joining: .oneDocumentPerSequence)
    #expect(try Packing(DocumentList(documents), alone).droppedCount == 7)
    #expect(try Packing(DocumentList(documents), alone).sequenceCount == 0)
    // [8 8 8] after the three of the first batch were thrown away.
    let batches = PackingRules(contextSize: 4, batchSize: 1)
    let short = try Packing(DocumentList(documents + [[9]]), batches)
    #expect(short.sequenceCount == 1 && short.droppedCount == 4)
  }
}
