// Data sets as targets: Parquet, compressed streams, tables, JSON Lines, text, cards, listings and answers of servers.

import Foundation

/// What is done with the bytes, by name.
let targets: [String: @Sendable ([UInt8]) throws -> Void] = [
  "parquet": { bytes in
    let file = try ParquetFile(Bytes(bytes))
    for (name, content) in file.columns.prefix(4) {
      for group in 0..<min(file.rowGroupCount, 3) {
        if let range = file.range(group, column: name) {
          precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        }
        var sink = DocumentCount()
        if let content {
          try file.read(column: name, as: content, rowGroup: group, into: &sink)
        }
      }
    }
  },
  "thrift": { bytes in
    let metadata = try ParquetMetadata(bytes)
    for column in try ParquetColumn.all(metadata.schema).prefix(8) {
      for group in 0..<min(metadata.rowGroups.count, 3) {
        _ = try metadata.chunk(group, leaf: column.leaf)?.start
      }
    }
    let header = try ParquetPageHeader(bytes)
    precondition(header.headerByteCount <= bytes.count)
  },
  "pages": { bytes in
    // Two bytes choose the compression and the column, the rest are its pages.
    guard bytes.count > 2 else { return }
    let file = Bytes(Array("PAR1".utf8) + bytes.dropFirst(2))
    let column = columns[Int(bytes[1]) % columns.count]
    var chunk = ParquetMetadata.Chunk()
    (chunk.codec, chunk.byteCount, chunk.dataOffset) = (Int(bytes[0]) % 8, bytes.count - 2, 4)
    let type = NumberType(byteCount: bytes[1] & 0x40 == 0 ? 4 : 8, isUnsigned: column.isUnsigned)
    let isText = column.content == .text
    let pages = try ParquetPages(file, chunk, isText ? nil : type)
    var rows = ParquetRows("p", pages, column, type, rowGroup: 0, rowCount: 5)
    var sink = DocumentCount()
    if isText { try rows.readText(into: &sink) } else { try rows.readTokens(into: &sink) }
    precondition(sink.count == 5)
  },
  "gzip": { bytes in
    try drain(bytes, .gzip)
    _ = try Gzip.decompress(bytes.span.raw, byteCount: 100, path: "g")
  },
  "zst": { bytes in try drain(bytes, .zstandard) },
  "snappy": { bytes in
    guard let size = bytes.first else { return }
    let content = Snappy.decompress(
      bytes.span.raw.extracting(1..<bytes.count), byteCount: Int(size))
    precondition(content == nil || content?.count == Int(size))
  },
  "table": { bytes in
    guard let choice = bytes.first else { return }
    var form = TableForm()
    if choice & 1 != 0 { form.separator = 0x09 }
    if choice & 2 != 0 { form.quote = nil }
    if choice & 4 != 0 { form.names = ["text", "b"] }
    if choice & 8 != 0 { form.header = .record(1) }
    if choice & 16 != 0 { form.header = .none }
    if choice & 32 != 0 { form.skipped = .those([1, 3]) }
    form.skipsInitialSpaces = choice & 64 != 0
    form.skipsLongRecords = choice & 128 != 0
    let table = TableFile(Bytes(Array(bytes.dropFirst())), form: form, limit: 256)
    for name in try table.columns().prefix(3) {
      var sink = DocumentCount()
      try table.read(column: name, as: .text, into: &sink)
    }
  },
  "lines": { bytes in
    // However a file is cut, its documents are the same.
    guard bytes.count > 1 else { return }
    let file = Bytes(Array(bytes.dropFirst()))
    let content: ColumnContent = bytes[0] & 1 == 0 ? .text : .tokens
    func read(_ ranges: [Range<Int>]) throws -> [UInt64] {
      var sink = DocumentCount()
      for range in ranges {
        var lines = JSONLines(file, column: "text", content: content, limit: 256)
        try lines.read(range, into: &sink)
      }
      return sink.digests
    }
    let whole = try read([0..<file.byteCount])
    let cut = Int(bytes[0]) * file.byteCount / 256
    let parts = try read([0..<cut, cut..<file.byteCount])
    precondition(parts == whole)
  },
  "values": { bytes in
    guard let choice = bytes.first else { return }
    let file = Bytes(Array(bytes.dropFirst()))
    let content: ColumnContent = choice & 1 == 0 ? .text : .tokens
    var sink = DocumentCount()
    switch choice >> 1 & 3 {
    case 0:
      var values = JSONValues(
        file, layout: .array, column: "text", content: content, limit: 256)
      try values.read(into: &sink)
    case 1:
      var values = JSONValues(
        file, layout: .objects, column: "text", content: content, limit: 256)
      try values.read(into: &sink)
    default:
      let field = JSONField(file, .none, name: "data", limit: 256)
      for column in try field.columns().prefix(2) {
        if let content = column.content {
          try field.read(column: column.name, as: content, into: &sink)
        }
      }
    }
  },
  "text": { bytes in
    guard let choice = bytes.first else { return }
    let ends: [DataOptions.LineEnds] = [.usual, .kept, .unified]
    let text = TextFile(
      Bytes(Array(bytes.dropFirst())), lineEnds: ends[Int(choice) % 3], limit: 256)
    var sink = DocumentCount()
    switch choice / 3 % 3 {
    case 0: try text.readWhole(into: &sink)
    case 1: try text.readLines(0..<bytes.count - 1, into: &sink)
    default: try text.readParagraphs(into: &sink)
    }
  },
  "rows": { bytes in
    // Any file as a part of a data set: what it is told by its first bytes.
    let tree = Fenced(["x": bytes])
    let data = DataTree.repository(tree, address: "hf://datasets/a/b")
    let file = try DataFile.open("x", in: data)
    let columns = try Documents.columns(file, limit: 1 << 16)
    var sink = DocumentCount()
    guard let column = columns.first(where: { $0.content != nil }) else { return }
    let rules = ReadingRules(
      column: ColumnChoice(name: column.name, content: column.content ?? .text),
      textDocuments: .line, documentByteCount: 1 << 16)
    let set = DataSet(files: [file])
    for block in try InputBlock.cut(set, rules).prefix(4) {
      for piece in block.pieces { try piece.read(rules, into: &sink) }
    }
  },
  "card": { bytes in
    guard let choice = bytes.first else { return }
    var files = others
    files["README.md"] = Array(bytes.dropFirst())
    try find(files, choice)
  },
  "state": { bytes in
    guard let choice = bytes.first else { return }
    var files = others
    files["train/state.json"] = Array(bytes.dropFirst())
    files["train/data-0.arrow"] = row
    files["dataset_dict.json"] = Array(#"{"splits": ["train"]}"#.utf8)
    try find(files, choice)
  },
  "listing": { bytes in
    let repository = try HubRepository(.dataset, "a/b")
    var listing = HubListing(repository)
    try listing.add(bytes, hasNext: false)
    let files = try listing.sorted()
    for file in files { precondition(file.path.staysInside && !file.path.isEmpty) }
    let kept = HubListing.kept(files)
    precondition(HubListing.read(Array(kept.utf8), of: repository) == files)
  },
  "kept": { bytes in
    let repository = try HubRepository(.dataset, "a/b")
    for file in HubListing.read(bytes, of: repository) ?? [] {
      precondition(file.path.staysInside && !file.path.isEmpty)
    }
  },
  "written": { bytes in
    let card = DataSetCard(
      features: [["name: input_ids", "list: int32"]], split: "train", rowCount: 3, byteCount: 9,
      fileByteCount: 9, files: "data/train-*", text: "# a/b\n")
    let old = String(decoding: bytes, as: UTF8.self)
    guard let new = card.written(over: old) else { return }
    precondition(card.written(over: new) != nil)
  },
  "names": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    if let name = RepositoryName(text) {
      precondition(!name.id.isEmpty && !name.address.isEmpty)
    }
    for term in try SplitExpression.terms(text) {
      for count in [0, 1, 99, 100, 12_345] {
        if let rows = try term.slice?.rows(of: count) {
          precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        }
      }
      _ = (term.slice?.mostRows, term.slice?.share)
    }
  },
  "pattern": { bytes in
    let pattern = String(decoding: bytes, as: UTF8.self)
    // A person may name any place.
    guard pattern.staysInside else { return }
    let tree = DataTree.repository(Fenced(others), address: "hf://datasets/a/b")
    for path in try FilePattern.matches(pattern, of: tree) {
      precondition(tree.files.exists(path))
    }
  },
  "answer": { bytes in
    // Lines of a head, and a body behind an empty one.
    var head = HTTPHead()
    head.status = bytes.first.map { 200 + Int($0) } ?? 200
    var lines = bytes.dropFirst().split(
      separator: 0x0A, maxSplits: 16, omittingEmptySubsequences: false)[...]
    while let line = lines.popFirst(), let colon = line.firstIndex(of: 0x3A) {
      head.headers.append(
        (
          String(decoding: line[..<colon], as: UTF8.self).lowercased(),
          String(decoding: line[(colon + 1)...], as: UTF8.self)
        ))
    }
    _ = head.contentRange
    if let seconds = HTTPRetry.asked(head, now: 1_700_000_000) { precondition(seconds >= 0) }
    if let target = head.redirection,
      let address = WebAddress.resolved(target, from: "https://hub.example/a/b?c")
    {
      _ = (WebAddress.origin(address), WebAddress.withoutQuery(address))
    }
    _ = HubClient.nextPage(head["link"] ?? "")
    let refusal = HTTPRefusal(
      address: "https://hub.example", isHub: true, head: head,
      body: Array(lines.first ?? []))
    let text = refusal.message ?? ""
    precondition(text.unicodeScalars.count < 4_000)
  },
]

/// Takes documents and keeps what tells them apart.
struct DocumentCount: DocumentSink {
  private(set) var digests: [UInt64] = []
  private(set) var count = 0
  private(set) var byteCount = 0

  mutating func text(_ bytes: Span<UInt8>) throws {
    var digest: UInt64 = 14_695_981_039_346_656_037
    for index in bytes.indices { digest = (digest ^ UInt64(bytes[index])) &* 1_099_511_628_211 }
    try add(digest, bytes.count)
  }

  mutating func tokens(_ ids: Span<UInt32>) throws {
    var digest: UInt64 = 1
    for index in ids.indices { digest = (digest ^ UInt64(ids[index])) &* 1_099_511_628_211 }
    try add(digest, 4 * ids.count)
  }

  mutating func invalid(_ problem: any Failure) throws {
    precondition(isShowable(problem), "\(problem)")
    try add(0, 0)
  }

  mutating func replaced(_ count: Int) { precondition(count >= 0) }

  private mutating func add(_ digest: UInt64, _ byteCount: Int) throws {
    if digests.count < 1 << 12 { digests.append(digest) }
    count += 1
    self.byteCount += byteCount
  }
}

private func drain(_ bytes: [UInt8], _ compression: DataFile.Compression) throws {
  var stream = ByteStream(Bytes(bytes), compression, pieceByteCount: 64)
  var (content, total) = ([UInt8](), 0)
  while total < 1 << 20, try stream.read(into: &content) {
    total += content.count
    content.removeAll(keepingCapacity: true)
  }
}

/// Columns of text and of ids, with and without what may be missing.
private let columns: [ParquetColumn] = {
  typealias Element = ParquetMetadata.Element
  func of(_ nodes: Element...) -> ParquetColumn? {
    (try? ParquetColumn.all([Element(name: "root", childCount: 1)] + nodes))?.first
  }
  return [
    of(Element(type: 6, name: "text", meaning: .text)),
    of(Element(type: 6, repetition: 1, name: "text", meaning: .text)),
    of(Element(type: 2, repetition: 2, name: "ids")),
    of(
      Element(repetition: 1, name: "ids", childCount: 1, meaning: .list),
      Element(repetition: 2, name: "list", childCount: 1),
      Element(type: 1, repetition: 1, name: "element")),
  ].compactMap(\.self)
}()

private let row = Array("{\"text\": \"x\"}\n".utf8)
private let others: [String: [UInt8]] = Dictionary(
  uniqueKeysWithValues: [
    "data/train-0.jsonl", "data/test.jsonl", "v1/a.jsonl", "v1/b.csv", "notes.txt", ".hidden/x.txt",
  ].map { ($0, row) })

private func find(_ files: [String: [UInt8]], _ choice: UInt8) throws {
  var settings = PretokenizeSettings()
  settings.datasetName = [nil, "a", "b", "c"][Int(choice & 3)]
  settings.split = ["train", "test", "all", "train[:50%]"][Int(choice >> 2 & 3)]
  let tree = DataTree.repository(Fenced(files), address: "hf://datasets/a/b")
  let found = try DataSet.find(settings, in: tree)
  precondition(!found.files.isEmpty && found.files.allSatisfy { files[$0.pathInTree] != nil })
}

/// A tree in memory that nobody may ask for what lies elsewhere.
private struct Fenced: FileTree {
  private let files: [String: [UInt8]]
  private let folders: [String: Set<String>]

  init(_ files: [String: [UInt8]]) {
    self.files = files
    var folders: [String: Set<String>] = ["": []]
    for path in files.keys {
      let parts = path.split(separator: "/").map { String($0) }
      for index in parts.indices {
        folders[parts[..<index].joined(separator: "/"), default: []].insert(parts[index])
      }
    }
    self.folders = folders
  }

  private func look(_ path: String) { precondition(path.staysInside, path) }

  func entry(_ path: String) -> FileTreeEntry? {
    look(path)
    if let bytes = files[path] { return .file(byteCount: bytes.count) }
    return folders[path] == nil ? nil : .folder
  }

  func list(_ folder: String) throws -> [String] {
    look(folder)
    return (folders[folder] ?? []).sorted()
  }

  func open(_ path: String) throws -> any ByteSource {
    look(path)
    guard let bytes = files[path] else { throw SystemError(call: "open", path: path, errno: 2) }
    return Bytes(bytes)
  }

  func identity(_ path: String) -> String? { nil }
}

/// Whether an error is a problem within a file, which its reader gives a sentence.
func isProblem(_ error: any Error) -> Bool { error is ThriftProblem || error is EncodingProblem }
