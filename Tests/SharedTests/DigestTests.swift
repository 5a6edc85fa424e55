import Shared
import Support
import Testing

@Suite struct DigestTests {
  @Test(
    "The digests of FIPS 180-4's examples",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func examples(_ text: String, _ expected: String) {
    #expect(Digest.of(text) == expected)
  }

  @Test(
    "MD5 as RFC 1321's examples have it",
    arguments: [
      ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
    ])
  func md5(_ text: String, _ expected: String) {
    #expect(Digest.of(text, .md5) == expected)
  }

  @Test("A text in portions has the digest of the whole, and so has a file")
  func portions() throws {
    let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
    var digest = Digest()
    for start in stride(from: 0, to: 1_000, by: 77) {
      let portion = Array(bytes[start..<min(1_000, start + 77)])
      digest.update(portion.span.raw)
    }
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "a")
    #expect(try digest.finish() == Digest.ofFile(path))
    // Files are read in pieces of 2¹⁸ bytes.
    for count in [1 << 18, 1 << 19, 600_000] {
      let long = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
      var digest = Digest()
      digest.update(long.span.raw)
      #expect(try digest.finish() == Digest.ofFile(folder.write(long, to: "long")))
    }
    try folder.write([], to: "empty")
    #expect(try Digest.ofFile(folder.file("empty")) == Digest.of(""))
  }
}
