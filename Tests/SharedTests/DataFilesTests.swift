import Foundation
import Shared
import Support
import Testing

/// The files found, relative to the folder, or the words of the error.
private func find(
  _ folder: borrowing TemporaryFolder, _ edit: (inout PretokenizeSettings) -> Void = { _ in }
) throws -> [String] {
  var settings = PretokenizeSettings()
  settings.datasetPath = folder.path
  edit(&settings)
  do {
    return try DataFiles.find(settings).map {
      "\($0.path.replacingOccurrences(of: folder.path + "/", with: "")) \($0.kind) \($0.byteCount)"
    }
  } catch let failure as any Failure {
    return [failure.sentence.replacingOccurrences(of: folder.path, with: "D")]
  }
}

@Suite struct DataFilesTests {
  @Test func aFolderGivesItsTextFilesInOrderOfName() throws {
    let folder = try TemporaryFolder()
    try System.createDirectories(folder.path + "/sub")
    for name in ["b.jsonl", "a.txt", "sub/c.ndjson", "README.md", ".hidden.txt", "d.json"] {
      try folder.write(Array("{}".utf8), to: name)
    }
    #expect(
      try find(folder) == [
        "a.txt text 2", "b.jsonl jsonLines 2", "d.json jsonLines 2", "sub/c.ndjson jsonLines 2",
      ])
  }

  @Test func splitsAreReadOutOfFileNames() throws {
    let folder = try TemporaryFolder()
    for name in ["train-0.jsonl", "train-1.jsonl", "test.jsonl", "other.jsonl"] {
      try folder.write([], to: name)
    }
    #expect(try find(folder) == ["train-0.jsonl jsonLines 0", "train-1.jsonl jsonLines 0"])
    #expect(try find(folder) { $0.split = "test" } == ["test.jsonl jsonLines 0"])
    #expect(
      try find(folder) { $0.split = "validation" }
        == ["No file name in D tells that it belongs to the split “validation”."])
    #expect(
      try find(folder) { $0.split = "train[:1%]" }
        == ["Slices of a split are not read: “train[:1%]”."])
  }

  @Test func namedFilesAndPatternsKeepTheirOrder() throws {
    let folder = try TemporaryFolder()
    for name in ["x2.jsonl", "x1.jsonl", "notes", "lines"] {
      try folder.write(Array((name == "lines" ? "{\"text\": \"\"}" : "some text").utf8), to: name)
    }
    #expect(
      try find(folder) { $0.dataFiles = ["notes", "x*.js?nl", "lines"] }
        == ["notes text 9", "x1.jsonl jsonLines 9", "x2.jsonl jsonLines 9", "lines jsonLines 12"])
    #expect(
      try find(folder) { settings in
        settings.dataFiles = [settings.datasetPath + "/x1.jsonl"]
        settings.datasetPath = "text"
      } == ["x1.jsonl text 9"])
    #expect(
      try find(folder) { $0.dataFiles = ["y*.jsonl"] } == ["No file matches D/y*.jsonl."])
    #expect(
      try find(folder) {
        $0.dataFiles = ["notes"]
        $0.split = "test"
      } == [
        "These files have no split “test”: files that are named, and files whose names tell no "
          + "split, are “train”."
      ])
  }

  @Test(arguments: [
    ("a.parquet", "PAR1", "D/a.parquet is a Parquet file, which is not read yet."),
    ("a.jsonl.gz", "x", "D/a.jsonl.gz is a gzip file, which is not read yet."),
    ("a.txt", "PAR1", "D/a.txt is a Parquet file, which is not read yet."),
    ("a.json", " [{}]", "D/a.json is one JSON array, which is not read yet."),
    ("a.md", "", "The folder D holds no .jsonl, .ndjson, .json or .txt file."),
  ])
  func kindsThatAreNotReadAreNamed(name: String, content: String, expected: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Array(content.utf8), to: name)
    #expect(try find(folder) == [expected])
  }

  @Test func aPlaceThatIsNotThereIsNamed() throws {
    let folder = try TemporaryFolder()
    #expect(
      try find(folder) { $0.datasetPath = "NeelNanda/c4-10k" }
        == ["There is no text at NeelNanda/c4-10k: no such file or folder."])
    #expect(
      DataError.absent("x").hint
        == "Give a file or folder as pretokenize.dataset_path; this version does not download from "
        + "the Hugging Face Hub.")
  }
}
