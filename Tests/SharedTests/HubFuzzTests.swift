// Listings of repositories, damaged at random. Comes in: pages and kept listings. Leaves: files that stay in their
// folder, or a sentence; SAELINE_FUZZ=100000 damages each so often.

import Foundation
import Shared
import Support
import Testing

@Suite("Damaged listings")
struct HubFuzzTests {
  private static let hash = String(repeating: "a1", count: 20)
  private static let content = String(repeating: "0f", count: 32)
  private static let turns = Mutator.turns(1_000)

  private static let tokens =
    [
      "{", "}", "[", "]", "[[", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\u202e", "null", "-1",
      "1e999",
      "18446744073709551616", "\"type\":\"file\",", "\"type\":\"directory\",", "\"path\":\"",
      "\"size\":",
      "\"lfs\":{", "\"lfs\":null,", "\"oid\":\"\(hash)\"", "\"oid\":\"\(content)\"",
      "{\"type\":\"file\",\"path\":\"",
    ] + parts

  /// Parts of paths: what leads elsewhere, what looks like it, and what is the same to some file systems.
  private static let parts = [
    ".", "..", "...", "../", "/", "//", "./", "/etc/passwd", "a", "A", "a.", " ", "~", "C:", "\\\\",
    "%2e%2e%2f",
    "\u{E9}", "e\u{301}", "\u{202E}", "\u{FEFF}", "\u{85}", "\u{2028}", "\u{10FFFF}", ".git", "con",
    String(repeating: "n", count: 255), String(repeating: "n", count: 256),
    String(repeating: "d/", count: 300),
  ]

  private static func page(_ paths: [String]) -> [UInt8] {
    let entries = paths.enumerated().map { index, path -> JSON in
      var entry: [String: JSON] = [
        "type": "file", "path": .string(path), "size": .integer(index), "oid": .string(hash),
      ]
      if index % 2 == 1 { entry["lfs"] = ["oid": .string(content), "size": 9, "pointerSize": 134] }
      return .object(entry)
    }
    return Array(JSON.array(entries).canonical.utf8)
  }

  /// Whether a path names a file below the folder that it is joined to, by what a file system makes of it.
  private func staysInside(_ path: String) -> Bool {
    path.utf8.first != UInt8(ascii: "/") && !path.unicodeScalars.contains("\0")
      && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !["", ".", ".."].contains($0) && $0.utf8.count <= 255
      }
  }

  /// Reads two pages: the files stay in their folder and none lies within another, or a sentence says why not.
  private func read(_ pages: [[UInt8]]) throws -> [HubFile]? {
    do {
      var listing = HubListing(try HubRepository(.dataset, "me/x"))
      for page in pages { try listing.add(page, hasNext: false) }
      let files = try listing.sorted()
      let paths = files.map(\.path)
      #expect(paths.allSatisfy(staysInside), "\(paths)")
      #expect(zip(paths, paths.dropFirst()).allSatisfy { !$1.hasPrefix($0 + "/") }, "\(paths)")
      return files
    } catch let error as any Failure {
      #expect(isShowable(error) && error.exitCode == .wrongInput, "\(error.sentence)")
      return nil
    }
  }

  @Test("Bytes and words that were changed anywhere end in files or in a sentence")
  func pages() throws {
    let page = Self.page(["a/b", "c", "data/train-0.parquet", "ü"])
    var mutator = Mutator(seed: 14, stream: "listings")
    var read = 0
    for _ in 0..<Self.turns {
      let damaged = mutator.below(2) == 0 ? mutator.damage(page) : mutator.weave(page, Self.tokens)
      if try self.read([damaged, Self.page(["z"])]) != nil { read += 1 }
    }
    #expect(read > 0 && read < Self.turns)
  }

  @Test("Paths of odd parts become a tree of exactly these files, or a sentence")
  func paths() throws {
    let folder = try TemporaryFolder()
    let commit = Self.hash
    let repository = folder.file("cache/datasets--me--x")
    try System.createDirectories(repository + "/snapshots/" + commit)
    try System.createDirectories(repository + "/trees")
    let environment = try HubEnvironment([
      "HF_HUB_CACHE": folder.file("cache"), "HF_HUB_OFFLINE": "1", "HOME": folder.path,
    ])
    var mutator = Mutator(seed: 15, stream: "paths")
    var read = 0
    for turn in 0..<Self.turns {
      let paths = (0...mutator.below(4)).map { _ in
        (0...mutator.below(4)).map { _ in
          mutator.below(3) == 0 ? Self.parts[mutator.below(Self.parts.count)] : "ab"
        }.joined(separator: mutator.below(4) > 0 ? "/" : "")
      }
      guard let files = try self.read([Self.page(paths)]) else { continue }
      read += 1
      // What was kept may have been damaged since, by whoever.
      var kept = Array(HubListing.kept(files).utf8)
      if mutator.below(2) == 0 { kept = mutator.weave(kept, Self.tokens) }
      try Data(kept).write(to: URL(fileURLWithPath: "\(repository)/trees/\(commit).json"))
      let client = HubClient(environment)
      let snapshot = try client.snapshot(
        HubRepository(.dataset, "me/x", revision: commit))
      let found = snapshot.files.map(\.path)
      #expect(found.allSatisfy(staysInside), "turn \(turn): \(found)")
      let tree = client.tree(snapshot)
      #expect(try Set(walk(tree)) == Set(found), "turn \(turn): \(found)")
    }
    #expect(read > 0 && read < Self.turns)
  }

  /// Every file that a walk through a tree meets.
  private func walk(_ tree: RemoteTree, below folder: String = "") throws -> [String] {
    try tree.list(folder).flatMap { name -> [String] in
      let path = folder.isEmpty ? name : folder + "/" + name
      return tree.isFolder(path) ? try walk(tree, below: path) : [path]
    }
  }
}
