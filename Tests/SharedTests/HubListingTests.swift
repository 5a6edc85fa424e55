import Shared
import Support
import Testing

@Suite struct HubListingTests {
  private let hash = String(repeating: "a1", count: 20)

  private func entry(_ path: String, size: Int = 3) -> JSON {
    ["type": "file", "path": .string(path), "size": .integer(size), "oid": .string(hash)]
  }

  private func files(_ page: JSON, hasNext: Bool = false) throws -> [HubFile] {
    var listing = HubListing(try HubRepository(.model, "me/x"))
    try listing.add(Array(page.canonical.utf8), hasNext: hasNext)
    return try listing.sorted()
  }

  @Test(
    "A path that may lead out of its folder is refused",
    arguments: [
      "../x", "/etc/passwd", "a/../../b", "a//b", "a\\b", "a\u{0}b", "a\nb", ".", "a/.", "a/", "",
      "..", "a/..", "a/\u{301}b", "a\u{7F}", String(repeating: "n", count: 256),
    ])
  func paths(_ path: String) {
    let shown = JSON.string(String(path.prefix(80))).canonical
    #expect(
      failure { _ = try files(.array([entry(path)])) }
        == "The Hub's list of the files of me/x is refused: "
        + "the path \(shown) may lead out of its folder. |  | 2")
  }

  @Test("Dots and odd letters inside of names are names")
  func names() throws {
    let paths = ["..a", "a..", ".gitattributes", "a b/ü+%.txt", "…"]
    let found = try files(.array(paths.map { entry($0) })).map(\.path)
    #expect(Set(found) == Set(paths))
    #expect(found == found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
  }

  @Test("What a listing has wrong is said in a sentence")
  func wrong() {
    func said(_ page: JSON, hasNext: Bool = false) -> String {
      let text = failure { _ = try files(page, hasNext: hasNext) }
      return String(
        text.dropFirst("The Hub's list of the files of me/x is refused: ".count)
          .prefix { $0 != "|" }.dropLast(2))
    }
    #expect(said(["a": 1]) == "it is no list")
    #expect(
      said(.array([entry("a\u{9B}2J")])) == #"the path "a\u009b2J" may lead out of its folder"#)
    #expect(said(.array([]), hasNext: true) == "it has an empty page")
    #expect(said(.array([entry("x"), entry("x")])) == "x comes twice")
    #expect(said(.array([entry("x"), entry("x/y/z")])) == "x is both a file and a folder")
    #expect(said(.array([entry("x", size: -1)])) == "x has no size")
    #expect(said(.array([entry("x", size: .max)])) == "x has no size")
    #expect(said(.array([["type": "file", "path": "x", "size": 1]])) == "x has no hash")
    #expect(said(.array([["type": "file"]])) == "a file has no path")
  }

  @Test("Large files go by the hash of their content, others by that of git's blob")
  func digests() throws {
    let sha256 = String(repeating: "0f", count: 32)
    let large: JSON = [
      "type": "file", "path": "l", "size": 134, "oid": .string(hash),
      "lfs": ["oid": .string(sha256), "size": 99, "pointerSize": 134],
    ]
    let found = try files(.array([large, entry("s"), ["type": "directory", "path": "d"]]))
    #expect(found.map(\.digest) == [.sha256(sha256), .gitBlob(hash)])
    #expect(found.map(\.byteCount) == [99, 3])
    #expect(found.map(\.digest.identity) == ["sha256:\(sha256)", "git-sha1:\(hash)"])
  }

  @Test("A listing that was kept is read again as it was")
  func kept() throws {
    let repository = try HubRepository(.model, "me/x")
    let found = try files(.array([entry("ü \"x\""), entry("b/c"), entry("🙂")]))
    #expect(HubListing.read(Array(HubListing.kept(found).utf8), of: repository) == found)
    #expect(HubListing.kept([]) == "{\n \"format_version\": 1,\n \"files\": {}\n}")
  }

  @Test("Few files in very many folders are refused")
  func folders() throws {
    let deep = String(repeating: "/a", count: 1_900)
    let many: JSON = .array((0..<100).map { entry("\($0)\(deep)/x") })
    #expect(
      failure { _ = try files(many) }
        == "The Hub's list of the files of me/x is refused: the paths of its folders are longer than "
        + "268 MB. |  | 2")
    #expect(try files(.array([entry("0\(deep)/x"), entry("0\(deep)/y")])).count == 2)
  }

  @Test(
    "Names of repositories follow the Hub's rules",
    arguments: [
      ("gpt2", true), ("EleutherAI/pythia-70m", true), ("a/b.c_d-e", true), ("a/b/c", false),
      ("", false), ("/a", false), ("a/", false), ("a--b", false), ("a..b", false), ("-a", false),
      ("a.", false), ("a b", false), ("a/b.git", false), ("ü", false), ("../x", false),
    ])
  func repositoryNames(_ id: String, _ isName: Bool) {
    #expect(RepositoryRules.isName(id) == isName)
  }
}
