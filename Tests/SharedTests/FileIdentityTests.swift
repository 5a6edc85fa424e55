import Foundation
import Shared
import Support
import Testing

@Suite struct FileIdentityTests {
  @Test("The identity of a file is the SHA-256 of its content")
  func file() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("abc".utf8), to: "a")
    let identity = try FileIdentity.of(folder.file("a"))
    #expect(
      identity == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(throws: SystemError.self) { try FileIdentity.of(folder.file("b")) }
  }

  @Test("The identity of a folder covers names and contents, not hidden files")
  func folder() throws {
    let folder = try TemporaryFolder()
    try System.createDirectories(folder.file("f/g"))
    try System.createDirectories(folder.file("f/.cache"))
    try folder.write([1], to: "f/b")
    try folder.write([2], to: "f/g/a")
    let first = try FileIdentity.of(folder.file("f"))
    try folder.write([3], to: "f/.cache/x")
    #expect(try FileIdentity.of(folder.file("f")) == first)
    try folder.write([3], to: "f/g/a")
    let second = try FileIdentity.of(folder.file("f"))
    try System.rename(folder.file("f/g/a"), to: folder.file("f/g/c"))
    let third = try FileIdentity.of(folder.file("f"))
    #expect(Set([first, second, third]).count == 3)
  }

  @Test("A large file is hashed once and again when it changes")
  func remembered() throws {
    let folder = try TemporaryFolder()
    let store = Store(folder.file("store"))
    let path = try folder.write([1], to: "large")
    let small = try FileIdentity.of(path, store: store)
    #expect(try small == FileIdentity.of(path))
    #expect(!System.exists(store.path))
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.truncate(atOffset: 64 << 20)
    let identity = try FileIdentity.of(path, store: store)
    let notes = try System.list(store.path + "/.identities")
    #expect(notes.count == 1)
    #expect(!notes[0].contains("large"))
    let note = store.path + "/.identities/" + notes[0]
    #expect(try "sha256:" + String(decoding: contents(of: note), as: UTF8.self) == identity)
    // What is noted is believed.
    try AtomicFile.replace(note, with: String(repeating: "0", count: 64))
    #expect(
      try FileIdentity.of(path, store: store) == "sha256:" + String(repeating: "0", count: 64))
    try handle.write(contentsOf: Data([7]))
    try handle.close()
    let changed = try FileIdentity.of(path, store: store)
    #expect(changed != identity && changed.utf8.count == 71)
  }
}
