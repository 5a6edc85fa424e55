import Shared
import Support
import Testing

private func decompress(_ bytes: [UInt8], limit: Int = 1 << 20) throws(ZstandardError) -> [UInt8] {
  try Zstandard.decompress(bytes.span.raw, path: "x", limit: limit)
}

private func error(_ bytes: [UInt8], limit: Int = 1 << 20) -> ZstandardError? {
  do { _ = try decompress(bytes, limit: limit) } catch { return error }
  return nil
}

@Suite struct ZstandardTests {
  @Test("What is compressed comes back", arguments: [0, 1, 255, 70_000])
  func roundTrip(_ count: Int) throws {
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
    let frame = Zstandard.compress(content.span.raw)
    #expect(try decompress(frame) == content)
    #expect(Zstandard.compress(content.span.raw) == frame)
  }

  @Test("A frame carries a checksum of its content and its size")
  func frameHeader() {
    let content = [UInt8](repeating: 5, count: 300)
    let frame = Zstandard.compress(content.span.raw)
    #expect(Array(frame[0..<4]) == [0x28, 0xB5, 0x2F, 0xFD])
    // RFC 8878, 3.1.1.1.1: bit 2 says checksum; bits 6 and 7, or bit 5, say that a size is there.
    #expect(frame[4] & 0x04 != 0)
    #expect(frame[4] & 0xE0 != 0)
  }

  @Test("Frames that are not sound are refused with a sentence")
  func refused() {
    let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 31 ^ ($0 >> 3)) }
    let frame = Zstandard.compress(content.span.raw)
    let hint = "Fetch or create the file again."
    func check(_ bytes: [UInt8], limit: Int = 1 << 20, _ sentence: String) {
      let problem = error(bytes, limit: limit)
      #expect(problem?.sentence == sentence)
      #expect(problem?.hint == hint)
      #expect(problem?.exitCode == .wrongInput)
    }
    check([], "x is no zstd file.")
    check(Array("{\"json\": true}".utf8), "x is no zstd file.")
    check(frame, limit: 999, "x states that it holds 1000 bytes, above the limit of 999.")
    check(Array(frame.dropLast(5)), "x is cut short: its zstd frame has no end.")
    check(
      frame + [0], "x has \(frame.count + 1) bytes, but its zstd frame ends after \(frame.count).")
    var wrong = frame
    wrong[frame.count - 1] ^= 1
    check(wrong, "x is damaged: Restored data doesn't match checksum.")
    // A frame without a stated size: descriptor 0x04 (checksum, no size), a window, one raw block.
    let open: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x09, 0x00, 0x00, 0x41]
    check(open, "x does not state the size of what it holds.")
  }

  @Test("A frame that holds less than it states is refused")
  func wrongSize() {
    // Single segment, stated size 2, one raw block of one byte, no checksum.
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x02, 0x09, 0x00, 0x00, 0x41]
    let problem = error(frame)
    #expect(problem != nil)
    #expect(
      ZstandardError.wrongSize(path: "x", stated: 2, found: 1).sentence
        == "x is damaged: it states 2 bytes and holds 1.")
  }

  @Test("Damaged frames give the content or an error, never a crash", arguments: 0..<4)
  func fuzz(_ seed: Int) {
    let content = (0..<500).map { UInt8(truncatingIfNeeded: $0 * 7 ^ ($0 >> 2)) }
    let frame = Zstandard.compress(content.span.raw)
    var mutator = Mutator(seed: seed, stream: "zstandard")
    for round in 0..<5_000 {
      let bytes = mutator.damage(frame)
      guard let result = try? decompress(bytes) else { continue }
      // The checksum leaves one chance in four thousand million; frames without one may differ.
      let hasChecksum = bytes[4] & 0x04 != 0
      #expect(result == content || !hasChecksum, "seed \(seed), round \(round)")
    }
  }

  @Test(
    "A frame that is written piece by piece states its size and ends in its checksum",
    arguments: [0, 1, 70_000, 1_000_000])
  func writtenInPieces(_ count: Int) throws {
    let folder = try TemporaryFolder()
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7 ^ $0 >> 9) }
    var frames: [[UInt8]] = []
    for size in [count, 100_000, 8191] {
      let path = folder.file("\(size).zst")
      var file = try AtomicFile.create(path)
      var writer = ZstandardWriter(contentByteCount: count)
      for start in stride(from: 0, to: count, by: max(1, size)) {
        let piece = Array(content[start..<min(count, start + size)])
        try writer.write(piece.span.raw, to: &file)
      }
      try writer.finish(to: &file)
      try file.publishReplacing()
      frames.append(try contents(of: path))
    }
    for frame in frames {
      #expect(frame[4] & 0x04 != 0 && frame[4] & 0xE0 != 0)
      #expect(try decompress(frame) == content)
    }
    #expect(frames.allSatisfy { $0 == frames[0] })
  }
}
