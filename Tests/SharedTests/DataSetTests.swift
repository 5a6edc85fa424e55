// What of a folder is a data set, and the words where none is.

import Shared
import Support
import Testing

private let table = "text\nx\n"

/// The files found, relative to the folder, or the words and the hint of the error.
private func find(
  _ files: [String: String], _ edit: (inout PretokenizeSettings) -> Void = { _ in }
) throws -> [String] {
  let folder = try TemporaryFolder()
  for (name, content) in files {
    try System.createDirectories(Shared.folder(of: folder.path + "/" + name))
    try folder.write(Array(content.utf8), to: name)
  }
  var settings = PretokenizeSettings()
  settings.datasetPath = folder.path
  edit(&settings)
  func short(_ text: String) -> String { text.replacing(folder.path, with: "D") }
  do {
    let found = try DataSet.find(settings)
    let notes = found.notes + [found.documentNote].compactMap { $0 }
    return found.files.map { short($0.path) } + notes.map(short)
  } catch let failure as any Failure {
    return [short(failure.sentence), short(failure.hint ?? "")]
  }
}

private func card(_ yaml: String, _ name: String? = nil) throws -> [String] {
  let files = [
    "README.md": "---\nlicense: mit\n\(yaml)---\n", "v1/a.csv": table, "v2/b.csv": table,
  ]
  return try find(files) { $0.datasetName = name }
}

private let repair =
  "Repair the YAML head of that file, or name the files as pretokenize.data_files."

@Suite struct DataSetTests {
  @Test("The head of a README.md says which files are the data")
  func cards() throws {
    #expect(try card("configs:\n- config_name: x\n  data_files: v1/*\n") == ["D/v1/a.csv"])
    let two =
      "configs:\n- config_name: a\n  data_files: v1/*\n- config_name: b\n  data_dir: v2\n"
    #expect(try card(two, "b") == ["D/v2/b.csv"])
    #expect(
      try card(two) == [
        "D/README.md has several configurations and no default: “a”, “b”.",
        "Set pretokenize.dataset_name to one of them.",
      ])
    #expect(
      try card(two, "c") == [
        "D/README.md has no configuration “c”; it has “a”, “b”.",
        "Set pretokenize.dataset_name to one of them.",
      ])
    #expect(
      try card(two + "  default: true\n- config_name: default\n  data_files: v1/*\n") == [
        "D/README.md has two default configurations, “b” and “default”.", repair,
      ])
  }

  @Test(
    "A head that cannot be used is named with its line",
    arguments: [
      ("configs: x\n", "D/README.md: “configs” is no list."),
      ("configs:\n- data_files: x\n", "D/README.md: a configuration has no “config_name”."),
      (
        "configs:\n- config_name: x\n  data_files: 3\n",
        "D/README.md: “data_files” of “x” is neither text, nor a list of texts or of split and path."
      ),
      (
        "configs:\n- config_name: [x\n",
        "D/README.md, line 4: a list or a mapping that has no end."
      ),
      (
        "configs: &a\n- config_name: x\n", "D/README.md, line 3: an anchor (&a), which is not read."
      ),
      (
        "configs:\n- config_name: x\n  data_files: ../secret\n",
        "D/README.md: the configuration “x” names ../secret, which is not inside its folder."
      ),
      (
        "configs:\n- config_name: x\n  data_files: ../\u{301}secret\n",
        "D/README.md: the configuration “x” names ../\u{301}secret, which is not inside its folder."
      ),
      (
        "configs:\n- config_name: x\n  data_files: /etc/*\n",
        "D/README.md: the configuration “x” names /etc/*, which is not inside its folder."
      ),
      (
        "configs:\n- config_name: x\n  data_files: hf://datasets/x\n",
        "D/README.md: the configuration “x” names hf://datasets/x, which is not inside its folder."
      ),
      (
        "configs:\n- config_name: \"\\e[2J\"\n  data_files: x\n",
        "D/README.md: a name or path in it has control characters: \u{FFFD}[2J."
      ),
      (
        "configs:\n- config_name: x\n  data_files: \(String(repeating: "x", count: 4_001))\n",
        "D/README.md: a name or path in it is longer than 4000 bytes."
      ),
    ])
  func brokenCards(yaml: String, expected: String) throws {
    #expect(try card(yaml) == [expected, repair])
  }

  @Test("A split of no files is refused")
  func noFiles() throws {
    let hint = "Name the files, as pretokenize.data_files, and leave split at “train”."
    #expect(
      try card("configs:\n- config_name: x\n  data_files: []\n") == [
        "No file of D is named for the split “train”.", hint,
      ])
    #expect(
      try find(["a.txt": "x"]) { $0.dataFiles = [] } == [
        "No file of D is named for the split “train”.", hint,
      ])
  }

  @Test("An option of a builder that is not done here is refused by name")
  func optionsOfCards() throws {
    func said(_ option: String) throws -> [String] {
      try card("configs:\n- config_name: x\n  data_files: v1/*\n  \(option)\n")
    }
    let advice = "Write the rows as JSON Lines, such as with to_json of Hugging Face's datasets."
    for (option, words) in [
      ("skipfooter: 1", "skipfooter to 1"), ("sep: '::'", #"sep to "::""#),
      ("names: x", #"names to "x""#),
      ("names: [x, x]", #"names to ["x","x"]"#), ("skiprows: -1", "skiprows to -1"),
      ("header: [0, 1]", "header to [0,1]"), ("quotechar: null", "quotechar to null"),
      ("keep_default_na: 1", "keep_default_na to 1"), ("na_values: [1]", "na_values to [1]"),
      ("on_bad_lines: x", #"on_bad_lines to "x""#),
      ("encoding_errors: ignore", #"encoding_errors to "ignore""#),
    ] {
      #expect(
        try said(option)
          == ["D/README.md: the configuration “x” sets \(words), which is not done.", advice])
    }
    #expect(
      try said("encoding: latin-1") == [
        #"D/README.md: the configuration “x” sets encoding to "latin-1", which is not done."#,
        "Write the files as UTF-8, such as by iconv, and remove that line of the card.",
      ])
    // What is of no builder or of another one, and values that change nothing.
    for option in [
      "whatever: 1", "field: data", "filters: x", "sample_by: word", "skipfooter: 0", "nrows: null",
      "encoding: utf8", "thousands: ','",
    ] {
      #expect(try said(option) == ["D/v1/a.csv"])
    }
  }

  @Test("What options say of the rows determines the stage")
  func identitiesOfOptions() throws {
    func identities(_ file: String, _ option: String) throws -> [String: String] {
      let folder = try TemporaryFolder()
      try folder.write(Array("{}".utf8), to: file)
      let card = "---\nconfigs:\n- config_name: x\n  data_files: \(file)\n  \(option)\n---\n"
      try folder.write(Array(card.utf8), to: "README.md")
      var settings = PretokenizeSettings()
      settings.datasetPath = folder.path
      return try DataSet.find(settings).identities(settings)
    }
    #expect(try identities("a.csv", "header: infer") == [:])
    #expect(try identities("a.csv", "sep: ';'") == ["separator": "59"])
    #expect(
      try identities("a.csv", "names: [text]\n  skiprows: 2\n  quoting: 3\n  na_values: [x]") == [
        "table": #"{"missing_values":["x"],"names":["text"],"quote":null,"skipped":2}"#
      ])
    #expect(
      try identities(
        "a.csv",
        "header: 1\n  skiprows: [3, 1]\n  skipinitialspace: true\n  on_bad_lines: skip\n  na_filter: false"
      ) == [
        "table":
          #"{"header":1,"skipped":[1,3],"skips_initial_spaces":true,"skips_long_records":true,"#
          + #""usual_missing_values":false}"#
      ])
    #expect(try identities("a.json", "field: data") == ["field": "data"])
    #expect(
      try identities("a.txt", "keep_linebreaks: true") == [
        "line_ends": "kept", "text_documents": "line",
      ])
    #expect(try identities("a.txt", "sample_by: document") == ["line_ends": "unified"])
    #expect(try identities("a.txt", "field: data") == ["text_documents": "line"])
  }

  @Test("A head that says nothing of files may be of any form")
  func headsWithoutFiles() throws {
    #expect(try card("tags: &a [x]\nmore: *a\n") == ["D/v1/a.csv", "D/v2/b.csv"])
  }

  @Test("The kind of most files is read, and the others are named")
  func mostFiles() throws {
    #expect(
      try find(["a.csv": table, "b.csv": table, "c.json": "{}", "d.txt": "x"]) == [
        "D/a.csv", "D/b.csv",
        "2 files are not read, such as D/c.json: most files are of the kind csv.",
      ])
    #expect(
      try find(["a.txt": "x"]) == [
        "D/a.txt",
        "Every line of a text file is a document, as in datasets; with text_documents: \"file\" every "
          + "file is one.",
      ])
    #expect(try find(["a.txt": "x"]) { $0.textDocuments = .file } == ["D/a.txt"])
  }

  @Test("What datasets reads by a builder that is not there is refused")
  func otherBuilders() throws {
    let hint =
      "Name the files that hold the text, as pretokenize.data_files; json, text, csv, parquet and "
      + "arrow are read."
    #expect(
      try find(["a.png": "", "b.png": "", "metadata.jsonl": "{}"]) == [
        "Most files in D are for “imagefolder”, a builder of datasets that is not there.", hint,
      ])
    #expect(
      try find(["a.csv": table]) {
        $0.datasetPath = "webdataset"
        $0.dataFiles = "x.tar"
      } == ["“webdataset” is a builder of datasets that is not there.", hint])
    #expect(
      try find([:]) { $0.datasetPath = "json" } == [
        "“json” is a builder of datasets, and no files are named for it.",
        "Set pretokenize.data_files or pretokenize.data_dir.",
      ])
  }

  @Test(
    "What is packed in other ways is refused with the tool that unpacks it",
    arguments: [
      ("a.jsonl.bz2", "BZh9", "a bzip2 file", "bunzip2 --keep D/a.jsonl.bz2"),
      ("a.jsonl.xz", "\u{FFFD}", "an xz file", "unxz --keep D/a.jsonl.xz"),
      ("a.txt", "PK\u{3}\u{4}", "a zip archive", "unzip D/a.txt"),
      ("a.jsonl.lz4", "\u{4}\"M\u{18}", "an LZ4 file", "unlz4 D/a.jsonl.lz4"),
      ("a.jsonl.br", "x", "a Brotli file", "brotli --decompress --keep D/a.jsonl.br"),
      ("a.zip", "PK\u{3}\u{4}", "a zip archive", "unzip D/a.zip"),
    ])
  func packed(name: String, content: String, words: String, command: String) throws {
    let folder = try TemporaryFolder()
    let xz: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
    try folder.write(content == "\u{FFFD}" ? xz : Array(content.utf8), to: name)
    var settings = PretokenizeSettings()
    settings.datasetPath = folder.path
    let error = #expect(throws: DataError.self) { try DataSet.find(settings) }
    #expect(
      error?.sentence.replacing(folder.path, with: "D")
        == "D/\(name) is \(words), which is not read.")
    #expect(
      error?.hint?.replacing(folder.path, with: "D")
        == "Unpack it first: \(command); gzip and zstd are read as they are.")
  }

  @Test("Addresses of other places than the Hub are not fetched")
  func addresses() throws {
    #expect(
      try find([:]) { $0.dataFiles = ["https://x/y.jsonl"] } == [
        "https://x/y.jsonl is an address that is not read.",
        "Fetch the file and give its path, or name files of one data set on the Hugging Face Hub as "
          + "hf://datasets/owner/name/path.",
      ])
  }

  @Test(
    "An expression that means nothing is refused with its reason",
    arguments: [
      ("train[", "a “[” has no “]”"), ("train[1]", "“[1]” is not “[from:to]”"),
      ("train[:101%]", "“101%” lies beyond 100 percent"),
      ("train[:5](closest)", "rounding goes with percent alone"),
      ("train(closest)", "rounding goes with percent alone"),
      ("train[:5%](up)", "“(up)” is neither (closest) nor (pct1_dropremainder)"),
      ("train[1.5:]", "“1.5” is no whole number"), ("train[:%]", "“%” is no whole number"),
      ("train[-9223372036854775808:]", "“-9223372036854775808” is no whole number"),
      ("train+", "“” names no split"), ("train[:1]x", "“x” means nothing here"),
      (
        "train[:5%]+test[:5%](pct1_dropremainder)", "its slices are rounded in different ways"
      ),
    ])
  func malformedSplits(split: String, why: String) throws {
    #expect(
      try find(["a.csv": table]) { $0.split = split } == [
        "The split “\(split)” cannot be read: \(why).",
        "Set pretokenize.split to a text such as train[:80%] or train[1000:]+test.",
      ])
  }

  @Test("Slices have the rows that ReadInstruction gives them")
  func slices() throws {
    func rows(_ split: String, of count: Int) throws -> Range<Int>? {
      let folder = try TemporaryFolder()
      try folder.write(Array(table.utf8), to: "a.csv")
      var settings = PretokenizeSettings()
      (settings.datasetPath, settings.split) = (folder.path, split)
      return try DataSet.find(settings).parts[0].slice?.rows(of: count)
    }
    #expect(try rows("train[:80%]", of: 23) == 0..<18)
    // Halves go to the even number.
    #expect(try rows("train[:50%]", of: 5) == 0..<2)
    #expect(try rows("train[:50%]", of: 7) == 0..<4)
    #expect(try rows("train[-10%:]", of: 25) == 23..<25)
    #expect(try rows("train[:-1_0]", of: 25) == 0..<15)
    #expect(try rows("train[50:40]", of: 100) == 50..<50)
    #expect(try rows("train[1000:]", of: 10) == 10..<10)
    #expect(try rows("train[:10%](pct1_dropremainder)", of: 199) == 0..<10)
    #expect(try rows("train", of: 10) == nil)
    #expect(throws: DataError.tooFewForPercent(count: 99)) {
      try rows("train[:10%](pct1_dropremainder)", of: 99)
    }
    #expect(
      DataError.tooFewForPercent(count: 99).sentence
        == "A split of 99 rows is cut by pct1_dropremainder, which leaves nothing below 100 rows.")
    #expect(DataError.tooFewForPercent(count: 99).hint == "Leave (pct1_dropremainder) out.")
  }

  @Test("Files may be stated as text, list, mapping, or list of split and path")
  func formsOfDataFiles() throws {
    func form(_ text: String) throws -> String? {
      try DataFilePatterns(setting: JSON(parsing: Array(text.utf8), as: .json5)).map { files in
        files.splits.map { "\($0.name)=\($0.patterns.joined(separator: "|"))" }
          .joined(separator: " ") + " " + files.json.canonical
      }
    }
    #expect(try form("'a'") == #"train=a "a""#)
    #expect(try form("['a', 'b']") == #"train=a|b ["a","b"]"#)
    #expect(
      try form("{test: 'b', train: ['a']}") == #"test=b train=a {"test":["b"],"train":["a"]}"#)
    #expect(
      try form("[{split: 'x', path: 'a'}, {split: 'y', path: ['b', 'c']}]")
        == #"x=a y=b|c {"x":["a"],"y":["b","c"]}"#)
    for text in [
      "3", "[3]", "{a: 3}", "[{split: 'x'}]", "[{split: 'x', path: 'a'}, 'b']",
      "[{split: 'x', path: 'a'}, {split: 'x', path: 'b'}]",
    ] {
      #expect(try form(text) == nil)
    }
    #expect(
      try find(["a.csv": table]) {
        $0.dataFiles = DataFilePatterns(setting: ["x": "a.csv"])
        $0.split = "y"
      } == [
        "pretokenize.data_files has no split “y”; there is “x”.",
        "Set pretokenize.split to one of them.",
      ])
  }

  @Test("Which rows are meant, and how lines are documents, changes the key of a stage")
  func identities() throws {
    let folder = try TemporaryFolder()
    for name in ["train.txt", "test.txt"] { try folder.write(Array("x\n".utf8), to: name) }
    var settings = PretokenizeSettings()
    settings.datasetPath = folder.path
    func identities() throws -> [String: String] {
      try DataSet.find(settings).identities(settings)
    }
    #expect(try identities() == ["text_documents": "line"])
    settings.split = "train[:1]+test"
    #expect(try identities() == ["parts": "1+1", "text_documents": "line"])
    settings.textDocuments = .file
    #expect(try identities() == ["parts": "1+1"])
    settings.split = "train"
    #expect(try identities() == [:])
    settings.datasetPath += "/train.txt"
    settings.textDocuments = nil
    #expect(try identities() == [:])
  }
}
