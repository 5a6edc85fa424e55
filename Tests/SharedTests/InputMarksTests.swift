import Shared
import Support
import Testing

@Suite("Files that have to stay as they are")
struct InputMarksTests {
  @Test("A file that stays is as it was; one that was written to, replaced or removed is named")
  func changes() throws {
    let folder = try TemporaryFolder()
    let paths = try ["a", "b", "c", "d"].map { try folder.write([1, 2, 3], to: $0) }
    let marks = try InputMarks(paths + ["hf://datasets/me/set/x", folder.file("never")])
    try marks.check()
    let descriptor = try System.openForUpdating(paths[1])
    System.sleep(seconds: 0.02)
    try System.write([9] as [UInt8], at: 0, to: descriptor)
    System.close(descriptor)
    try folder.write([1, 2, 3], to: "c")
    try System.remove(paths[3])
    try marks.check([paths[0]])
    for path in paths.dropFirst() {
      let error = #expect(throws: ChangedFile.self) { try marks.check([path]) }
      #expect(error == ChangedFile(path: path))
    }
    #expect(throws: ChangedFile.self) { try marks.check() }
  }
}

extension System {
  fileprivate static func write(
    _ bytes: [UInt8], at offset: Int, to descriptor: Int32
  ) throws(SystemError) {
    try write(bytes.span.raw, at: offset, to: descriptor, path: "b")
  }
}
