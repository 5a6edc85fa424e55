// Folders and cards against what Hugging Face's datasets and PyYAML read of them.

import Foundation
import Pretokenizer
import Shared
import Support
import Testing

/// A folder, what was asked of it, and what `datasets` gave.
private struct FolderCase: Sendable, CustomTestStringConvertible {
  let json: JSON

  var label: String { json["label"]?.string ?? "" }
  var testDescription: String { label }

  static func all() -> [FolderCase] {
    let path = ProjectFiles.root + "/Tests/Fixtures/datasets/folders.json"
    return ((try? JSON(parsing: MappedFile.contents(path)))?.array ?? []).map(FolderCase.init)
  }

  /// The texts that `datasets` gives; nil where it refuses.
  var expected: [String?]? { json["texts"]?.array.map { $0.map(\.string) } }

  private func write(to folder: borrowing TemporaryFolder) throws {
    for (name, content) in json["files"]?.object ?? [:] {
      try System.createDirectories(Shared.folder(of: folder.path + "/" + name))
      let bytes = content["base64"]?.string.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) }
      try folder.write(bytes ?? Array((content.string ?? "").utf8), to: name)
    }
  }

  private func settings(_ folder: String) throws -> PretokenizeSettings {
    var settings = PretokenizeSettings()
    let path = json["path"]?.string ?? ""
    let isBuilder = path != "folder"
    settings.datasetPath = isBuilder ? path : folder
    settings.datasetName = json["name"]?.string
    settings.split = json["split"]?.string ?? "train"
    if let place = json["data_dir"]?.string {
      settings.dataDir = isBuilder ? folder + "/" + place : place
    }
    if let files = json["data_files"] {
      let given = try #require(DataFilePatterns(setting: files))
      settings.dataFiles = isBuilder ? given.map { folder + "/" + $0 } : given
    }
    if json["sample_by"]?.string == "paragraph" { settings.textDocuments = .paragraph }
    return settings
  }

  /// What is read here, null for a missing value; an error's words where it is refused.
  func found() throws -> Result<[String?], Words> {
    let folder = try TemporaryFolder()
    try write(to: folder)
    do {
      let settings = try settings(folder.path)
      let text = try DataSet.find(settings)
      let rules = try ReadingRules(settings, text)
      var sink = NullableTexts()
      for block in try InputBlock.cut(text, rules, targetByteCount: 50) {
        for piece in block.pieces { try piece.read(rules, into: &sink) }
      }
      return .success(sink.texts)
    } catch let failure as any Failure {
      return .failure(
        Words(text: failure.sentence.replacingOccurrences(of: folder.path, with: "D")))
    }
  }

  struct Words: Error { let text: String }
}

/// Keeps texts, and nil for a record without one.
private struct NullableTexts: DocumentSink {
  var texts: [String?] = []
  mutating func text(_ bytes: Span<UInt8>) throws {
    texts.append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
  }
  mutating func tokens(_ ids: Span<UInt32>) throws {}
  mutating func invalid(_ problem: any Failure) throws {
    // A missing value is null there; everything else ends the reading, as there.
    switch problem {
    case TableError.missingValue, RecordError.missingColumn: texts.append(nil)
    case RecordError.wrongType(_, _, "null", _): texts.append(nil)
    default: throw problem
    }
  }
  mutating func replaced(_ count: Int) {}
}

@Suite struct DataSetGoldenTests {
  @Test("What datasets reads of a folder is read here, row by row", arguments: FolderCase.all())
  fileprivate func folders(_ item: FolderCase) throws {
    guard let expected = item.expected else { return }
    switch try item.found() {
    case .success(let texts): #expect(texts == expected, "\(item.json.canonical)")
    case .failure(let words):
      let option = Self.unreadOptions[item.label].map {
        "D/README.md: the configuration “x” sets \($0), which is not done."
      }
      let said = option ?? Self.unreadFormats[item.label]
      #expect(words.text == said, "\(item.json.canonical)")
    }
  }

  /// Options that are done there and refused by name here, and their values.
  private static let unreadOptions: [String: String] = [
    "option csv long separator": #"sep to "::""#, "option csv quoting 2": "quoting to 2",
    "option csv no doublequote": "doublequote to false",
    "option csv escapechar": #"escapechar to "\\""#, "option csv comment": ##"comment to "#""##,
    "option csv nrows": "nrows to 1", "option csv usecols": #"usecols to ["text"]"#,
    "option csv index_col": "index_col to 0",
    "option csv skip_blank_lines": "skip_blank_lines to false",
    "option csv lineterminator": #"lineterminator to ";""#,
    "option csv latin-1": #"encoding to "latin-1""#,
    "option text latin-1": #"encoding to "latin-1""#,
    "option text windows": #"encoding to "cp1252""#, "option json utf-16": #"encoding to "utf-16""#,
    "option parquet on_bad_files": #"on_bad_files to "skip""#,
  ]

  /// Compressions that are undone there, and the words for them here.
  private static let unreadFormats: [String: String] = [
    "parquet of brotli":
      "D/a.parquet has, at byte 4, pages compressed with Brotli, which is not supported.",
    "parquet of lz4":
      "D/a.parquet has, at byte 4, pages compressed with LZ4, which is not supported.",
    "lines of xz": "D/a.jsonl.xz is an xz file, which is not read.",
    "lines of bzip2": "D/a.jsonl.bz2 is a bzip2 file, which is not read.",
  ]

  @Test("There are as many cases as were made")
  func count() {
    let cases = FolderCase.all()
    #expect(cases.count == 747)
    #expect(cases.filter { $0.expected == nil }.count == 227)
  }

  /// What is refused there and read here, each for a reason.
  private static let readHere: [String: String] = [
    "card two defaults, name b": "A name chooses, whatever is the default.",
    "card two defaults, name default": "A name chooses, whatever is the default.",
    "card folder and files, name None": "There files are looked for outside of data_dir too.",
    "card folder and files, name x": "There files are looked for outside of data_dir too.",
    "split test + train[:2]": "Blanks around + mean nothing.",
    "data_files **": "There LICENSE is read as JSON.",
    "data_files *": "There LICENSE is read as JSON.",
    "option json field with a mark": "A byte order mark is passed over.",
  ]

  @Test("What datasets refuses is refused here, or known to be read", arguments: FolderCase.all())
  fileprivate func refusals(_ item: FolderCase) throws {
    guard item.expected == nil else { return }
    if case .success(let texts) = try item.found(), !texts.isEmpty {
      #expect(Self.readHere[item.label] != nil, "\(texts) of \(item.json.canonical)")
    }
  }
}

@Suite struct CardGoldenTests {
  /// What YAML has and cards do not use, unless it stands in quotes: refused by name.
  private static let unread = ["? ", "!!", "&x", "[x:"]

  @Test("YAML is read as PyYAML reads it, or refused")
  func cards() throws {
    let path = ProjectFiles.root + "/Tests/Fixtures/datasets/cards.json"
    let cases = try JSON(parsing: MappedFile.contents(path)).array ?? []
    #expect(cases.count == 432)
    for item in cases {
      let text = try #require(item.array?.first?.string)
      let expected = item.array?.last ?? .null
      let found = try? YAML.parse(Array(text.utf8))
      if expected["error"] != nil {
        #expect(found == nil, "\(text)")
      } else if found != nil || !Self.unread.contains(where: text.contains) {
        #expect(found?.canonical == expected.canonical, "\(text)")
      }
    }
  }
}
