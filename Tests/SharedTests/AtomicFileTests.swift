import Shared
import Support
import Testing

@Suite struct AtomicFileTests {
  @Test("A file appears whole and in place of its predecessor")
  func replace() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a")
    for text in ["first", "second"] {
      var file = try AtomicFile.create(path)
      try file.write(text)
      #expect((try? contents(of: path)) != Array(text.utf8))
      try file.publishReplacing()
      #expect(try contents(of: path) == Array(text.utf8))
    }
    try AtomicFile.replace(path, with: "third")
    #expect(try contents(of: path) == Array("third".utf8))
    #expect(try System.list(folder.path) == ["a"])
  }

  @Test("Of two that publish if absent the first wins and the second vanishes")
  func firstWins() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("a")
    var first = try AtomicFile.create(path)
    var second = try AtomicFile.create(path)
    try first.write("first")
    try second.write("second")
    #expect(try first.publishIfAbsent())
    #expect(try second.publishIfAbsent() == false)
    #expect(try contents(of: path) == Array("first".utf8))
    #expect(try System.list(folder.path) == ["a"])
  }

  @Test("A file that is never published leaves nothing")
  func thrownAway() throws {
    let folder = try TemporaryFolder()
    do {
      var file = try AtomicFile.create(folder.file("a"))
      try file.write("half")
      #expect(try System.list(folder.path).count == 1)
    }
    #expect(try System.list(folder.path) == [])
  }

  @Test("The digest is that of what was written so far")
  func digest() throws {
    let folder = try TemporaryFolder()
    var file = try AtomicFile.create(folder.file("a"))
    #expect(try file.digest() == Digest.of(""))
    try file.write("abc")
    #expect(try file.digest() == Digest.of("abc"))
  }

  @Test("A folder that is missing is named")
  func missingFolder() {
    let error = #expect(throws: SystemError.self) {
      try AtomicFile.replace("/nowhere/a", with: "x")
    }
    #expect(error?.isNotFound == true)
    #expect(error?.path.hasPrefix("/nowhere/a") == true)
  }

  @Test("The folder of a path is what stands before its last slash")
  func folderOfPath() {
    #expect(folder(of: "a/b/c") == "a/b")
    #expect(folder(of: "/c") == "/")
    #expect(folder(of: "c") == ".")
  }
}
