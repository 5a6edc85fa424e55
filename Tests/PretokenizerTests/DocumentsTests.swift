import Pretokenizer
import Shared
import Support
import Testing

@Suite struct DocumentsTests {
  @Test func largeFilesAreCutAndSmallOnesJoined() {
    func file(_ name: String, _ kind: DataFile.Kind, _ size: Int) -> DataFile {
      DataFile(path: name, kind: kind, byteCount: size)
    }
    let blocks = InputBlock.cut(
      [
        file("a", .jsonLines, 250), file("b", .text, 300), file("c", .text, 40),
        file("d", .text, 50), file("e", .jsonLines, 0), file("f", .jsonLines, 20),
      ], targetByteCount: 100)
    #expect(
      blocks.map { $0.pieces.map { "\($0.file.path)\($0.range)" } } == [
        ["a0..<100"], ["a100..<200"], ["a200..<250"], ["b0..<300"], ["c0..<40", "d0..<50"],
        ["f0..<20"],
      ])
  }

  @Test func aFileThatChangedIsNoticed() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("text".utf8), to: "a.txt")
    let blocks = InputBlock.cut([DataFile(path: path, kind: .text, byteCount: 5)])
    #expect(throws: ChangedFile(path: path)) {
      _ = try blocks[0].forEachDocument(column: "text") { _ in }
    }
    #expect(ChangedFile(path: "a").sentence == "a changed while it was read.")
  }
}
