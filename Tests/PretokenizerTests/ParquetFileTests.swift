import Pretokenizer
import Shared
import Support
import Testing

/// Parquet files of unusual shapes, and what pyarrow reads out of those that can be read.
private enum UnusualFiles {
  private static let content: [UInt8] = {
    let path = ProjectFiles.root + "/Tests/Fixtures/parquet/files.safetensors.zst"
    guard let file = try? MappedFile.open(path) else { return [] }
    return (try? Zstandard.decompress(file.bytes, path: path, limit: 1 << 24)) ?? []
  }()

  private static let header = try? SafetensorsHeader.parse(content.span.raw, path: "files")
  static let rows =
    (try? JSON(parsing: Array((header?.metadata["rows"] ?? "").utf8)))?.object ?? [:]
  static let readable = rows.keys.sorted()
  static let refused = (header?.tensors.keys.sorted() ?? []).filter {
    rows[$0] == nil && $0 != "types.parquet"
  }

  static func bytes(_ name: String) -> [UInt8] {
    header?.tensors[name].map { Array(content[$0.range]) } ?? []
  }
}

/// Reads all row groups of a file's column `c`.
private func read(_ name: String) throws -> CollectingSink {
  let folder = try TemporaryFolder()
  let file = try ParquetFile(InputFile(folder.write(UnusualFiles.bytes(name), to: name)))
  var sink = CollectingSink(skipsInvalid: true)
  let content = file.columns.first { $0.name == "c" }?.content ?? .text
  for rowGroup in 0..<file.rowGroupCount {
    try file.read(column: "c", as: content, rowGroup: rowGroup, into: &sink)
  }
  return sink
}

@Suite struct ParquetFileTests {
  @Test func thereAreFiles() {
    #expect(UnusualFiles.readable.count == 31)
    #expect(UnusualFiles.refused.count == 37)
  }

  @Test(arguments: UnusualFiles.readable)
  func anUnusualFileGivesWhatPyarrowReads(name: String) throws {
    let rows = UnusualFiles.rows[name]?.array ?? []
    let sink = try read(name)
    // Nulls, lists with nulls and lists with what is no token id are invalid.
    let texts = rows.compactMap(\.string)
    let lists = rows.compactMap { row -> [UInt32]? in
      guard let items = row.array else { return nil }
      let ids = items.compactMap { $0.integer.flatMap { UInt32(exactly: $0) } }
      return ids.count == items.count ? ids : nil
    }
    let (isSameText, isSameTokens) = (sink.texts == texts, sink.lists == lists)
    #expect(isSameText, "\(sink.texts)")
    #expect(isSameTokens, "\(sink.lists)")
    #expect(sink.problems.count == rows.count - texts.count - lists.count)
  }

  @Test(arguments: UnusualFiles.refused)
  func aHostileFileIsRefusedInASentence(name: String) throws {
    do {
      _ = try read(name)
      Issue.record("\(name) was read")
    } catch let failure as any Failure {
      #expect(failure.sentence.contains(name) && failure.sentence.hasSuffix("."))
    }
  }

  @Test("A footer whose last name states a byte more than there is is refused")
  func nameBeyondTheFooter() throws {
    // Field 2, a list of structures; field 4 of the first one, a text of `stated` bytes.
    func footer(stated: UInt8) -> [UInt8] { [0x29, 0x1C, 0x48, stated] + Array("name".utf8) }
    let folder = try TemporaryFolder()
    for stated: UInt8 in [4, 5, 6] {
      let footer = footer(stated: stated)
      let magic = Array("PAR1".utf8)
      let bytes = magic + footer + [UInt8(footer.count), 0, 0, 0] + magic
      let path = try folder.write(bytes, to: "name.parquet")
      do {
        _ = try ParquetFile(InputFile(path))
        Issue.record("a text of \(stated) bytes was read")
      } catch let failure as any Failure {
        #expect(failure.sentence.contains("name.parquet") && failure.sentence.hasSuffix("."))
      }
    }
  }

  @Test func onlyColumnsOfTextAndTokensAreOffered() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(UnusualFiles.bytes("types.parquet"), to: "types.parquet")
    let columns = try ParquetFile(InputFile(path)).columns
    #expect(columns.contains { $0.content == .text })
    #expect(columns.contains { $0.content == .tokens })
    #expect(columns.contains { $0.content == nil })
  }
}
