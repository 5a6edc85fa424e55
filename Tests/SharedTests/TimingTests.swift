import Foundation
import Shared
import Testing

@Suite("The timing of a stage")
struct TimingTests {
  @Test("What is written is read again; its bytes are plain JSON")
  func roundTrip() throws {
    let folder = NSTemporaryDirectory() + "/timing-" + UUID().uuidString
    try System.createDirectories(folder)
    defer { try? System.removeTree(folder) }
    #expect(Timing.read(folder: folder) == nil)
    let timing = Timing(tokens: 1000, seconds: 8)
    try timing.write(folder: folder)
    #expect(Timing.read(folder: folder) == timing)
    #expect(timing.tokensPerSecond == 125)
    let text = String(decoding: try MappedFile.contents(folder + "/timing.json"), as: UTF8.self)
    #expect(
      text == """
        {
          "seconds": 8,
          "tokens": 1000,
          "tokens_per_second": 125
        }

        """)
    try AtomicFile.replace(folder + "/timing.json", with: "{")
    #expect(Timing.read(folder: folder) == nil)
  }
}
