import Shared
import Testing

import Trainer

@Suite("The memory of looking at latents")
struct LatentMemoryTests {
  @Test("It is bounded whatever the rows, and counts what a row's codes take")
  func bytes() {
    func bytes(_ rows: Int) -> Int {
      var settings = TrainSettings()
      settings.architecture = .topk
      settings.dSae = 1000
      settings.k = 10
      return LatentMemory.kept(SAEConfiguration(settings, dIn: 16), rows: rows)
    }
    // Ten codes of eight bytes, a row of twelve bytes and its end; twelve bytes a latent.
    #expect(bytes(1) == 10 * 8 + 12 + 8 + 12_000)
    #expect(bytes(100) == 100 * (10 * 8 + 12 + 8) + 12_000)
    // Beyond 2^24 codes only the rows themselves count.
    #expect(bytes(4_000_000) - bytes(3_000_000) == 20_000_000)
  }
}
