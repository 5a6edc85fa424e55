// Data sets by their names on the Hub: which files of a repository they mean, and the words where none.

import Shared
import Support
import Testing

private let row = Array("{\"text\": \"x\"}\n".utf8)
private let parquet = Array("PAR1".utf8)
private let address = "hf://datasets/me/set"

private func tree(_ names: [String], card: String? = nil) -> MemoryTree {
  var files: [String: [UInt8]] = [:]
  for name in names { files[name] = name.hasSuffix("parquet") ? parquet : row }
  if let card { files["README.md"] = Array("---\n\(card)---\n".utf8) }
  return MemoryTree(files)
}

/// The files and notes found, or the words and the hint of what stands against it.
private func find(
  _ repositories: [String: MemoryTree], _ edit: (inout PretokenizeSettings) -> Void = { _ in }
) -> [String] {
  var settings = PretokenizeSettings()
  settings.datasetPath = "me/set"
  edit(&settings)
  let found = InputResolver.text(settings, through: MemoryHub(repositories))
  do {
    let text = try found.required()
    return text.files.map(\.path) + text.notes
  } catch let failure as any Failure {
    return [failure.sentence, failure.hint ?? ""]
  } catch { return ["\(error)"] }
}

@Suite struct HubTextTests {
  @Test("A name is read with its revision and the place inside")
  func names() {
    #expect(RepositoryName("c4") == RepositoryName(id: "c4"))
    #expect(RepositoryName("me/set@v1") == RepositoryName(id: "me/set", revision: "v1"))
    #expect(
      RepositoryName("me/set@refs/pr/1") == RepositoryName(id: "me/set", revision: "refs/pr/1"))
    #expect(
      RepositoryName("hf://datasets/me/set@a%2Fb/data/*.json")
        == RepositoryName(id: "me/set", revision: "a/b", path: "data/*.json"))
    #expect(
      RepositoryName("hf://datasets/me/set@refs/convert/parquet/x")
        == RepositoryName(id: "me/set", revision: "refs/convert/parquet", path: "x"))
    for name in [
      "", "/a", "a/", "a/b/c", "./a", "../a", "a b", "me/set@", "me/a--b", "me/a..b", "-a/b",
      "stories.jsonl", "data/stories.txt", "hf://models/a/b", "hf://datasets/", "a/b.git",
    ] {
      #expect(RepositoryName(name) == nil, "\(name)")
    }
  }

  @Test("Repositories have the splits and files that datasets finds in such folders")
  func layouts() throws {
    let fixture = ProjectFiles.root + "/Tests/Fixtures/splits/layouts.json"
    for item in try JSON(parsing: MappedFile.contents(fixture)).array ?? [] {
      let names = (item["files"]?.array ?? []).compactMap(\.string)
      let files = MemoryTree(Dictionary(uniqueKeysWithValues: names.map { ($0, []) }))
      for split in ["train", "validation", "test"] {
        let expected = (item["splits"]?[split]?.array ?? []).compactMap(\.string)
        var settings = PretokenizeSettings()
        settings.split = split
        let root = DataTree.repository(files, address: address)
        let found = (try? DataSet.find(settings, in: root))?.files ?? []
        #expect(found.map(\.pathInTree) == expected, "\(split) of \(names)")
      }
    }
  }

  @Test("The card, folders, files and splits choose among the files")
  func choices() {
    let card =
      "configs:\n- config_name: a\n  data_files: v1/*\n- config_name: b\n  data_dir: v2\n"
    let files = tree(["v1/a.json", "v2/b.json"], card: card)
    #expect(find(["me/set": files]) { $0.datasetName = "b" } == [address + "/v2/b.json"])
    #expect(
      find(["me/set": files]) == [
        "\(address)/README.md has several configurations and no default: “a”, “b”.",
        "Set pretokenize.dataset_name to one of them.",
      ])
    #expect(find(["me/set": files]) { $0.dataFiles = "v*/a.json" } == [address + "/v1/a.json"])
    #expect(find(["me/set": files]) { $0.dataDir = "v2" } == [address + "/v2/b.json"])
    #expect(
      find(["me/set": files]) { $0.dataDir = "v3" } == [
        "There is no text at \(address)/v3: no such file or folder.",
        "Set pretokenize.dataset_name, data_dir and data_files to what the repository holds.",
      ])
    #expect(
      find(["me/set": files]) { $0.dataFiles = "../x" } == [
        "No file matches \(address)/../x.",
        "data_files are relative to dataset_path where that is a folder.",
      ])
  }

  @Test("Patterns without end for files without end are refused before they are compared")
  func manyPatterns() {
    func card(_ pattern: String, _ count: Int) -> String {
      "configs:\n- config_name: a\n  data_files:\n"
        + String(repeating: "  - '\(pattern)'\n", count: count)
    }
    let long = (0..<2_000).map { "\($0)-\(String(repeating: "n", count: 240)).json" }
    let never = String(repeating: "x", count: 3_990) + "*"
    #expect(
      find(["me/set": tree(long, card: card(never, 20))]) == [
        "The card of \(address) has too many patterns for so many files.",
        "Name the files, as pretokenize.data_files or pretokenize.data_dir.",
      ])
    let short = (0..<200).map { "\($0).json" }
    #expect(
      find(["me/set": tree(short, card: card("*", 1_001))]) == [
        "\(address) holds more than 200000 files, which are not looked through.",
        "Name the files, as pretokenize.data_files or pretokenize.data_dir.",
      ])
  }

  @Test("Addresses name a revision and files, also for a builder of datasets")
  func addresses() {
    let one = "configs:\n- config_name: x\n  data_files: b.json\n"
    let repositories = [
      "me/set": tree(["a.json"]), "me/set@v1": tree(["b.json", "c/d.txt"], card: one),
    ]
    #expect(find(repositories) { $0.datasetPath += "@v1" } == [address + "@v1/b.json"])
    #expect(
      find(repositories) { $0.datasetPath = address + "@v1/c/d.txt" } == [address + "@v1/c/d.txt"])
    #expect(
      find(repositories) {
        ($0.datasetPath, $0.dataFiles) = ("json", "hf://datasets/me/set@v1/*.json")
      } == [address + "@v1/b.json"])
    #expect(
      find(repositories) { $0.datasetPath += "@v2" } == [
        "me/set has no revision “v2”.", "Name a branch, a tag or a commit that it has.",
      ])
  }

  @Test("What is neither here nor on the Hub is missing, with the words of who was asked")
  func missing() {
    #expect(find([:]) == ["There is no repository me/set.", "Check the name."])
    #expect(
      find([:]) { $0.datasetPath = "/none/stories.jsonl" } == [
        "There is no text at /none/stories.jsonl: no such file or folder.",
        "Give a file, a folder or a name on the Hugging Face Hub (owner/name) as "
          + "pretokenize.dataset_path.",
      ])
  }

  @Test("A local folder comes before a repository of its name")
  func localFirst() throws {
    let folder = try TemporaryFolder()
    try folder.write(row, to: "a.jsonl")
    #expect(find([:]) { $0.datasetPath = folder.path } == [folder.path + "/a.jsonl"])
  }

  @Test("Where there is a loading script or no format that is read, the converted branch is read")
  func converted() {
    let branch = "me/set@refs/convert/parquet"
    let place = address + "@refs%2Fconvert%2Fparquet"
    let note = "\(place) is read, where the Hub keeps this data set as Parquet files."
    let files = tree([
      "default/train/0001.parquet", "default/train/0000.parquet", "default/train/index.duckdb",
      "default/partial-test/0000.parquet",
    ])
    let some = "Of the split “test” only the first gigabytes are in \(place)."
    for main in [tree(["set.py", "a.json"]), tree(["a.h5"]), tree(["notes.md"])] {
      let repositories = ["me/set": main, branch: files]
      let train = ["0000", "0001"].map { "\(place)/default/train/\($0).parquet" }
      #expect(find(repositories) == train + [note, some])
      #expect(
        find(repositories) { $0.split = "test" }
          == [place + "/default/partial-test/0000.parquet", note, some])
      #expect(
        find(repositories) { $0.split = "dev" } == [
          "\(place)/default has no split “dev”; there is “train”, “test”.",
          "Set pretokenize.split to one of them.",
        ])
      #expect(
        find(repositories) { $0.datasetName = "x" } == [
          "\(place) has no configuration “x”; it has “default”.",
          "Set pretokenize.dataset_name to one of them.",
        ])
    }
    let several = tree(["a/train/0000.parquet", "b/train/0000.parquet"])
    #expect(
      find(["me/set": tree(["set.py"]), branch: several]) == [
        "\(place) has several configurations and no default: “a”, “b”.",
        "Set pretokenize.dataset_name to one of them.",
      ])
  }

  @Test("Without a converted branch it is said what the repository holds")
  func unconverted() {
    #expect(
      find(["me/set": tree(["set.py"])]) == [
        "\(address) is made by a loading script (set.py), which is not run. Nor does the Hub keep "
          + "it as Parquet files.",
        "Name files of it that hold the text, as pretokenize.data_files.",
      ])
    #expect(
      find(["me/set": tree(["notes.md"])]) == [
        "The folder \(address) holds no .jsonl, .ndjson, .json, .csv, .tsv, .txt, .parquet or "
          + ".arrow file. Nor does the Hub keep it as Parquet files.",
        "Give other files by name, as pretokenize.data_files.",
      ])
    #expect(
      find(["me/set": tree(["set.py", "a.json"])]) { $0.dataFiles = "a.json" }
        == [address + "/a.json"])
  }
}

@Suite struct HostileRepositoryTests {
  @Test("A card is refused by its size before it is read")
  func sizes() {
    let large = [UInt8](repeating: 0x20, count: 16 << 20 + 1)
    let files = MemoryTree(["README.md": large, "a.json": row])
    #expect(
      find(["me/set": files]).first == "\(address)/README.md: the file is larger than 16 MiB.")
    #expect(files.byteCount == 0)
  }

  @Test("A head that has no end is refused, and what follows a head is not read")
  func heads() {
    let line = Array("---\nconfigs:\n".utf8)
    let open = MemoryTree([
      "README.md": line + [UInt8](repeating: 0x0A, count: 5 << 20), "a.json": row,
    ])
    #expect(
      find(["me/set": open]).first == "\(address)/README.md: its YAML head is longer than 4 MiB.")
    let head = Array("---\nconfigs:\n- config_name: x\n  data_files: a.json\n---\n".utf8)
    let long = MemoryTree([
      "README.md": head + [UInt8](repeating: 0x41, count: 5 << 20), "a.json": row,
    ])
    #expect(find(["me/set": long]) == [address + "/a.json"])
    #expect(long.byteCount < 300_000)
  }

  @Test("Of many configurations a hundred are named")
  func configurations() {
    let card =
      "configs:\n" + (0..<20_000).map { "- config_name: c\($0)\n  data_dir: d\n" }.joined()
    let sentence = find(["me/set": tree(["a.json"], card: card)])[0]
    #expect(sentence.hasSuffix(", “c99” and 19900 more."))
  }

  @Test("A repository of too many files is looked through only by names")
  func manyFiles() {
    var files: [String: [UInt8]] = [:]
    for index in 0...200_000 { files["d\(index % 300)/\(index).txt"] = [] }
    let tree = MemoryTree(files)
    #expect(
      find(["me/set": tree]) == [
        "\(address) holds more than 200000 files, which are not looked through.",
        "Name the files, as pretokenize.data_files or pretokenize.data_dir.",
      ])
    #expect(find(["me/set": tree]) { $0.dataFiles = "d7/7.txt" } == [address + "/d7/7.txt"])
  }

  @Test("Paths of any depth and patterns of many parts end")
  func depth() {
    let deep = Array(repeating: "a", count: 3000).joined(separator: "/") + "/x.json"
    let files = tree([deep])
    #expect(find(["me/set": files]).count == 1)
    #expect(find(["me/set": files]) { $0.dataFiles = "**/**/**/*.json" }.count == 1)
  }
}
