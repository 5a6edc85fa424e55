import Foundation
import Shared
import Support
import Testing

@Suite("Mapped files")
struct MappedFileTests {
  @Test("A file that is cut short under its mapping ends the program in words")
  func cutShort() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("mapped")
    try Data(count: 1 << 16).write(to: URL(fileURLWithPath: path))
    let result = await #expect(
      processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
    ) { [path = path as String] in
      System.catchInterrupts()
      let file = try MappedFile.open(path)
      let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try writer.truncate(atOffset: 0)
      let octet = file.bytes.octets[1 << 15]
      precondition(octet == 1)
    }
    let words = try #require(result).standardErrorContent
    #expect(
      String(decoding: words, as: UTF8.self) == """
        error: A file was cut short while it was read, or its disk failed.
        hint: Run the same command again; it names the file. What is finished is kept.

        """)
  }
}
