import Shared
import Testing

@Suite("Threads under a limit on address space")
struct ProductMemoryTests {
  private static let mebibyte = 1 << 20

  @Test(
    "As many threads as have room, and no more than are wanted",
    arguments: [
      (1000, 2), (1056, 3), (900, 2), (700, 1), (656, 1), (100_000, 8),
    ])
  func room(_ limit: Int, _ expected: Int) throws {
    let found = try ProductMemory.threads(
      atMost: 8, limit: limit * Self.mebibyte, used: 200 * Self.mebibyte)
    #expect(found == expected)
  }

  @Test("Where one thread has no room there is a sentence", arguments: [655, 300, 100])
  func noRoom(_ limit: Int) {
    let error = #expect(throws: AddressSpaceError.self) {
      try ProductMemory.threads(
        atMost: 8, limit: limit * Self.mebibyte, used: 200 * Self.mebibyte)
    }
    #expect(
      error?.sentence
        == "The address space is limited to \(limit) MiB (ulimit -v); at least 656 MiB are needed.")
    #expect(error?.hint == "Raise the limit: each thread takes about 200 MiB of it.")
    #expect(error?.exitCode == .wrongInput)
  }
}
