// Cards of data sets, damaged at random. Comes in: the head of a README.md. Leaves: files of the repository, or a
// sentence; SAELINE_FUZZ=100000 damages each so often.

import Shared
import Support
import Synchronization
import Testing

@Suite("Damaged cards")
struct DataCardFuzzTests {
  private static let turns = Mutator.turns(2_000)

  private static let card = """
    ---
    license: mit
    dataset_info:
      config_name: a
      features:
      - {name: text, dtype: string}
    configs:
    - config_name: a
      default: true
      data_files:
      - split: train
        path: "data/train-*"
      - split: test
        path: ["data/test.jsonl", 'v1/*.jsonl'] # both
    - config_name: b
      data_dir: v1
      sep: ","
      sample_by: line
    - config_name: c
      data_files: '**/*.jsonl'
    description: >-
      folded
      text
    ---
    # A data set
    """

  private static let tokens = [
    "&a ", "*a", "<<: *a\n", "!!python/object/apply:os.system ", "!!binary ", "- ", "? ", ": ", ":",
    "|\n", ">-\n",
    "|9+\n", "[", "]", "{", "}", "{a: ", ",", "\"", "'", "#", "\t", "  ", "\n", "\r", "\r\n",
    "---\n", "...\n",
    "%YAML 1.1\n", "\u{FEFF}", "\u{85}", "\u{2028}", "\u{0}", "\u{1B}[2J", "\u{202E}", "e\u{301}",
    "\\u0000", "\\x",
    "\\U0010FFFF", "configs:\n", "configs: [", "- config_name: ", "  data_files: ", "  data_dir: ",
    "- split: ",
    "path: ", "default: true\n", "sep: ", "../", "/etc/passwd", "~/.ssh", "file:///etc/",
    "hf://datasets/me/y/",
    "**/", "*", "**", "?", "[a-", "[!", "]", "1e999", ".inf", "-0x1", "9223372036854775808",
    "2001-01-01", "null",
    String(repeating: " ", count: 70), String(repeating: "k", count: 5_000),
    String(repeating: "[", count: 70),
    String(repeating: "- ", count: 70), String(repeating: "a: ", count: 70),
  ]

  private static let files = [
    "data/train-0.jsonl", "data/train-1.jsonl", "data/test.jsonl", "v1/a.jsonl", "v1/b.csv",
    "notes.txt",
    ".hidden/x.jsonl",
  ]

  /// A tree that asks nothing of another one that leads out of it.
  private final class FencedTree: FileTree {
    private let tree: MemoryTree
    private let strayed = Mutex<[String]>([])

    init(_ tree: MemoryTree) { self.tree = tree }

    /// The paths that were asked for and lead out of the tree.
    var outside: [String] { strayed.withLock { $0 } }

    private func look(_ path: String) {
      let leaves = path.hasPrefix("/") || path.split(separator: "/").contains("..")
      if leaves { strayed.withLock { $0.append(path) } }
    }

    func entry(_ path: String) -> FileTreeEntry? {
      look(path)
      return tree.entry(path)
    }
    func list(_ folder: String) throws -> [String] {
      look(folder)
      return try tree.list(folder)
    }
    func open(_ path: String) throws -> any ByteSource {
      look(path)
      return try tree.open(path)
    }
    func identity(_ path: String) -> String? { nil }
  }

  @Test(
    "Bytes and words that were changed anywhere end in files of the repository or in a sentence")
  func files() throws {
    let row = Array("{\"text\": \"x\"}\n".utf8)
    let others = Dictionary(uniqueKeysWithValues: Self.files.map { ($0, row) })
    var mutator = Mutator(seed: 16, stream: "cards")
    var read = 0
    for turn in 0..<Self.turns {
      let card = mutated(&mutator)
      let tree = FencedTree(MemoryTree(others.merging(["README.md": card]) { $1 }))
      var settings = PretokenizeSettings()
      settings.datasetName = [nil, "a", "b", "c"][mutator.below(4)]
      settings.split = ["train", "test", "all", "train[:50%]"][mutator.below(4)]
      do {
        let text = try DataSet.find(
          settings, in: DataTree.repository(tree, address: "hf://datasets/me/x"))
        #expect(text.files.allSatisfy { Self.files.contains($0.pathInTree) }, "turn \(turn)")
        #expect(!text.files.isEmpty, "turn \(turn)")
        read += 1
      } catch let error as any Failure {
        #expect(
          isShowable(error) && error.exitCode == .wrongInput, "turn \(turn): \(error.sentence)")
      }
      #expect(tree.outside.isEmpty, "turn \(turn): \(tree.outside)")
    }
    #expect(read > 0 && read < Self.turns)
  }

  @Test("A card that was changed anywhere is written over as a whole, or left alone")
  func written() {
    let card = DataSetCard(
      features: [["name: input_ids", "list: int32"]], split: "train", rowCount: 3, byteCount: 9,
      fileByteCount: 9, files: "data/train-*", text: "# me/tokens\n")
    var mutator = Mutator(seed: 17, stream: "written")
    for turn in 0..<Self.turns {
      let old = String(decoding: mutated(&mutator), as: UTF8.self)
      guard let text = card.written(over: old) else { continue }
      #expect(text.hasPrefix("---\ndataset_info:\n"), "turn \(turn)")
      #expect(card.written(over: text) == text, "turn \(turn)")
    }
  }

  private func mutated(_ mutator: inout Mutator) -> [UInt8] {
    let card = Array(Self.card.utf8)
    return mutator.below(2) == 0 ? mutator.damage(card) : mutator.weave(card, Self.tokens)
  }
}
