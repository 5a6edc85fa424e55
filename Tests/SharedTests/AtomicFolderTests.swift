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

  @Test func severalMayRemoveATreeAtOnce() throws {
    let folder = try TemporaryFolder()
    for round in 0..<20 {
      let path = folder.path + "/tree\(round)"
      for part in 0..<8 {
        try System.createDirectories(path + "/\(part)/inner")
        for file in 0..<8 { try AtomicFile.replace(path + "/\(part)/inner/\(file)", with: "x") }
      }
      let failures = Counter()
      Parallel.onThreads(4) { _ in
        do { try System.removeTree(path) } catch { _ = failures.take() }
      }
      #expect(failures.take() == 0)
      #expect(!System.exists(path))
    }
  }
}
