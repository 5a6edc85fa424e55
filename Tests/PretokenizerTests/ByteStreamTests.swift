import Pretokenizer
import Shared
import Support
import Testing

private let plain = (0..<3000).flatMap { "\($0 * $0) and \($0)\n".utf8 }

/// What a stream gives that reads a file in pieces of some size.
private func read(
  _ bytes: [UInt8], _ compression: DataFile.Compression, pieceByteCount: Int
) throws -> [UInt8] {
  let folder = try TemporaryFolder()
  let file = try InputFile(folder.write(bytes, to: "x"))
  var stream = ByteStream(file, compression, pieceByteCount: pieceByteCount)
  var content: [UInt8] = []
  while try stream.read(into: &content) {}
  return content
}

@Suite struct ByteStreamTests {
  @Test("The content does not depend on where the input is cut")
  func pieces() throws {
    let names = ["text-members.jsonl.gz", "text-frames.jsonl.zst"]
    let whole = DataFixtures.bytes("text-lines.jsonl")
    for pieceByteCount in [1, 2, 3, 5, 7, 8, 13, 64, 1000, 1 << 18] {
      #expect(try read(whole, .none, pieceByteCount: pieceByteCount) == whole)
      let gzip = try read(DataFixtures.bytes(names[0]), .gzip, pieceByteCount: pieceByteCount)
      #expect(gzip == whole)
      let frames = try read(
        DataFixtures.bytes(names[1]), .zstandard, pieceByteCount: pieceByteCount)
      #expect(frames == whole)
    }
  }

  @Test("A frame that is larger than the room for output comes out whole")
  func smallOutput() throws {
    let frame = Zstandard.compress(plain.span.raw)
    for pieceByteCount in [1, 10, 100, 1000, frame.count] {
      let content = try read(frame + frame, .zstandard, pieceByteCount: pieceByteCount)
      #expect(content == plain + plain)
    }
  }

  @Test("A file that ends at any byte is cut short, or complete where a part ends")
  func everyEnd() throws {
    let whole = DataFixtures.bytes("text-lines.jsonl")
    let gzip = DataFixtures.bytes("text-members.jsonl.gz")
    let frames = DataFixtures.bytes("text-frames.jsonl.zst")
    for (bytes, compression) in [(gzip, DataFile.Compression.gzip), (frames, .zstandard)] {
      var complete = 0
      for end in stride(from: 1, to: bytes.count, by: 11) {
        do {
          let content = try read(Array(bytes[..<end]), compression, pieceByteCount: 4096)
          #expect(whole.starts(with: content))
          complete += 1
        } catch {
          #expect(error as? CompressionError == .cutShort(path: pathOf(error), byte: end))
        }
      }
      #expect(complete < 6)
    }
  }

  private func pathOf(_ error: any Error) -> String {
    if case .cutShort(let path, _)? = error as? CompressionError { path } else { "" }
  }

  @Test("Bytes behind the last part are an error")
  func trailing() throws {
    for (name, compression) in [
      ("text-members.jsonl.gz", DataFile.Compression.gzip), ("text-frames.jsonl.zst", .zstandard),
    ] {
      let bytes = DataFixtures.bytes(name) + Array("more".utf8)
      #expect(throws: CompressionError.self) {
        try read(bytes, compression, pieceByteCount: 100)
      }
    }
  }
}
