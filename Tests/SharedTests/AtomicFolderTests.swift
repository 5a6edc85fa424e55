import Shared
import Support
import Testing

@Suite struct AtomicFolderTests {
  @Test("A folder appears whole, also where an empty one is")
  func publish() throws {
    let outer = try TemporaryFolder()
    for name in ["new", "below/new", "empty"] {
      let path = outer.file(name)
      if name == "empty" { try System.createDirectories(path) }
      let folder = try AtomicFolder.create(path)
      try AtomicFile.replace(folder.temporary + "/a", with: "x")
      #expect(!System.exists(path + "/a"))
      try folder.publish()
      #expect(try System.list(path) == ["a"])
    }
    #expect(try System.list(outer.path) == ["below", "empty", "new"])
  }

  @Test("A folder may take the place of one with files, and leaves nothing aside")
  func replacing() throws {
    let outer = try TemporaryFolder()
    let path = outer.file("full")
    try System.createDirectories(path)
    try AtomicFile.replace(path + "/old", with: "x")
    let folder = try AtomicFolder.create(path)
    try AtomicFile.replace(folder.temporary + "/new", with: "x")
    #expect(try System.list(path) == ["old"])
    try folder.publishReplacing()
    #expect(try System.list(outer.path) == ["full"])
    #expect(try System.list(path) == ["new"])
  }

  @Test("A folder with files is not replaced, and what was written aside is removed")
  func occupied() throws {
    let outer = try TemporaryFolder()
    let path = outer.file("full")
    try System.createDirectories(path)
    try AtomicFile.replace(path + "/mine", with: "x")
    #expect(throws: SystemError.self) {
      let folder = try AtomicFolder.create(path)
      try AtomicFile.replace(folder.temporary + "/a", with: "x")
      try folder.publish()
    }
    #expect(try System.list(outer.path) == ["full"])
    #expect(try System.list(path) == ["mine"])
  }
}
