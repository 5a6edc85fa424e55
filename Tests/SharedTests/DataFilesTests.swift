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
    // As for datasets, the one text file among files of JSON is not read.
    #expect(
      try find(folder) == [
        "b.jsonl jsonLines 2", "d.json jsonLines 2", "sub/c.ndjson jsonLines 2",
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
      try find(folder) { $0.split = "test+train[:1%]" } == [
        "test.jsonl jsonLines 0", "train-0.jsonl jsonLines 0", "train-1.jsonl jsonLines 0",
      ])
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
    ("a.jsonl.bz2", "BZh9", "D/a.jsonl.bz2 is a bzip2 file, which is not read."),
    ("a.txt", "PK\u{3}\u{4}", "D/a.txt is a zip archive, which is not read."),
    ("a.parquet", "x", "D/a.parquet is named as Parquet and does not start as such."),
    ("a.arrow", "PAR", "D/a.arrow is named as Arrow and does not start as such."),
    (
      "a.md", "",
      "The folder D holds no .jsonl, .ndjson, .json, .csv, .tsv, .txt, .parquet or .arrow file."
    ),
  ])
  func kindsThatAreNotReadAreNamed(name: String, content: String, expected: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Array(content.utf8), to: name)
    #expect(try find(folder) == [expected])
  }

  @Test func theContentOfAFileSaysMoreThanItsName() throws {
    let folder = try TemporaryFolder()
    func kind(_ content: [UInt8], _ name: String) throws -> String {
      let file = try DataFile.open(folder.write(content, to: name))
      return "\(file.kind) \(file.compression)"
    }
    #expect(try kind(Array("PAR1".utf8), "a.txt") == "parquet none")
    #expect(try kind([0xFF, 0xFF, 0xFF, 0xFF, 0], "data-00000") == "arrow none")
    #expect(try kind(Array("ARROW1".utf8), "x.arrow") == "arrow none")
    #expect(try kind(Array(" \n[{}]".utf8), "a.jsonl") == "jsonArray none")
    #expect(try kind(Array("[{}]".utf8), "noname") == "jsonArray none")
    #expect(try kind(Array("[1]".utf8), "noname") == "text none")
    #expect(try kind(Array("{}".utf8), "a.json") == "jsonLines none")
    #expect(try kind([0x1F, 0x8B, 8], "a.txt.gz") == "text gzip")
    #expect(try kind([0x1F, 0x8B, 8], "c4-train.json") == "jsonLines gzip")
    #expect(try kind([0x28, 0xB5, 0x2F, 0xFD], "a.ndjson.zst") == "jsonLines zstandard")
    #expect(try kind([0x52, 0x2A, 0x4D, 0x18, 0], "a.zst") == "jsonLines zstandard")
    #expect(try kind(Array("x".utf8), "a.jsonl.gz") == "jsonLines none")
  }

  @Test func namedFoldersAndConfigurationsAreInsideTheDataSet() throws {
    let folder = try TemporaryFolder()
    for name in ["en/train.jsonl", "en/sub/x.jsonl", "de/train.jsonl"] {
      try System.createDirectories(
        folder.path + "/" + String(name.split(separator: "/")[0]) + "/sub")
      try folder.write([], to: name)
    }
    #expect(try find(folder) { $0.datasetName = "de" } == ["de/train.jsonl jsonLines 0"])
    #expect(try find(folder) { $0.dataDir = "en/sub" } == ["en/sub/x.jsonl jsonLines 0"])
    #expect(
      try find(folder) {
        $0.datasetName = "en"
        $0.dataDir = "sub"
      } == ["en/sub/x.jsonl jsonLines 0"])
    #expect(
      try find(folder) { $0.datasetName = "fr" }
        == ["There is no text at D/fr: no such file or folder."])
    #expect(
      try find(folder) { $0.dataFiles = ["**/*.jsonl"] } == [
        "de/train.jsonl jsonLines 0", "en/sub/x.jsonl jsonLines 0", "en/train.jsonl jsonLines 0",
      ])
    #expect(
      try find(folder) { $0.dataFiles = ["[a-d]*/tr?in.[!x]sonl"] }
        == ["de/train.jsonl jsonLines 0"])
  }

  @Test func numberedFilesTellTheirSplit() throws {
    let folder = try TemporaryFolder()
    try System.createDirectories(folder.path + "/data")
    for name in ["train_sft-00000-of-00002", "train_sft-00001-of-00002", "test-00000-of-00001"] {
      try folder.write(Array("PAR1".utf8), to: "data/" + name + ".parquet")
    }
    try folder.write(Array("{}".utf8), to: "about.json")
    #expect(
      try find(folder) { $0.split = "train_sft" } == [
        "data/train_sft-00000-of-00002.parquet parquet 4",
        "data/train_sft-00001-of-00002.parquet parquet 4",
      ])
    #expect(
      try find(folder) { $0.split = "test" } == ["data/test-00000-of-00001.parquet parquet 4"])
  }

  @Test func foldersOfSaveToDiskGiveTheFilesTheyList() throws {
    let folder = try TemporaryFolder()
    let mark: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    for split in ["train", "test"] {
      try System.createDirectories(folder.path + "/" + split)
      try folder.write(mark, to: split + "/b.arrow")
      try folder.write(mark, to: split + "/a.arrow")
      try folder.write(
        Array(#"{"_data_files": [{"filename": "b.arrow"}, {"filename": "a.arrow"}]}"#.utf8),
        to: split + "/state.json")
    }
    #expect(
      try find(folder) { $0.datasetPath += "/train" }
        == ["train/b.arrow arrow 4", "train/a.arrow arrow 4"])
    try folder.write(Array(#"{"splits": ["train", "test"]}"#.utf8), to: "dataset_dict.json")
    #expect(
      try find(folder) { $0.split = "test" } == ["test/b.arrow arrow 4", "test/a.arrow arrow 4"])
    #expect(
      try find(folder) { $0.split = "validation" }
        == ["No file name in D tells that it belongs to the split “validation”."])
    try folder.write(
      Array(#"{"_data_files": [{"filename": "../secret"}]}"#.utf8), to: "train/state.json")
    #expect(try find(folder) == ["D/train/state.json does not list the files of a data set."])
    try folder.write(
      Array("{\"_data_files\": [{\"filename\": \"a/\u{301}secret\"}]}".utf8), to: "train/state.json"
    )
    #expect(try find(folder) == ["D/train/state.json does not list the files of a data set."])
  }

  @Test func aPlaceThatIsNotThereIsNamed() throws {
    let folder = try TemporaryFolder()
    #expect(
      try find(folder) { $0.datasetPath = "NeelNanda/c4-10k" }
        == ["There is no text at NeelNanda/c4-10k: no such file or folder."])
    #expect(
      DataError.absent("x").hint
        == "Give a file, a folder or a name on the Hugging Face Hub (owner/name) as "
        + "pretokenize.dataset_path." + HomeFolder.rule(for: "x"))
  }

  @Test("Folders have the splits and files that Hugging Face's datasets finds in them")
  func splitsOfDatasets() throws {
    let fixture = ProjectFiles.root + "/Tests/Fixtures/splits/layouts.json"
    let cases = try JSON(parsing: MappedFile.contents(fixture)).array ?? []
    #expect(cases.count == 120)
    for item in cases {
      let folder = try TemporaryFolder()
      let files = (item["files"]?.array ?? []).compactMap(\.string)
      for file in files {
        try System.createDirectories(Shared.folder(of: folder.path + "/" + file))
        try folder.write([], to: file)
      }
      for split in ["train", "validation", "test"] {
        let expected = (item["splits"]?[split]?.array ?? []).compactMap(\.string)
        var settings = PretokenizeSettings()
        (settings.datasetPath, settings.split) = (folder.path, split)
        let found = (try? DataFiles.find(settings)) ?? []
        #expect(
          found.map { $0.path.replacingOccurrences(of: folder.path + "/", with: "") } == expected,
          "\(split) of \(files)")
      }
    }
  }

  @Test("Numbered files outside of data are found by the name they state")
  func statedSplits() throws {
    let folder = try TemporaryFolder()
    for name in ["chat_sft-00000-of-00001.jsonl", "chat_gen-00000-of-00001-1a2b.jsonl"] {
      try folder.write([], to: name)
    }
    #expect(
      try find(folder) { $0.split = "chat_gen" }
        == ["chat_gen-00000-of-00001-1a2b.jsonl jsonLines 0"])
    #expect(try find(folder).count == 2)
    #expect(
      try find(folder) { $0.split = "test" } == [
        "These files have no split “test”: files that are named, and files whose names tell no "
          + "split, are “train”."
      ])
  }

  @Test("A link to a folder around it is not followed, nor are folders with two underscores read")
  func linkedFolders() throws {
    let folder = try TemporaryFolder()
    try System.createDirectories(folder.path + "/sub")
    try System.createDirectories(folder.path + "/__cache")
    for name in ["a.jsonl", "sub/b.jsonl", "__cache/c.jsonl"] { try folder.write([], to: name) }
    for name in ["sub/up", "sub/again"] {
      try FileManager.default.createSymbolicLink(
        atPath: folder.path + "/" + name, withDestinationPath: folder.path)
    }
    #expect(try find(folder) == ["a.jsonl jsonLines 0", "sub/b.jsonl jsonLines 0"])
  }
}
