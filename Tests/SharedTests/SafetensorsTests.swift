import Shared
import Support
import Testing

/// Header texts that must be refused, with what is said about them.
private let refusedHeaders: [(header: String, payload: Int, sentence: String)] = [
  ("[]", 0, "x: the header is malformed at byte 8: expected “{”."),
  (" {}", 0, "x: the header is malformed at byte 8: expected “{”."),
  ("{} x", 0, "x: the header is malformed at byte 11: expected nothing but spaces."),
  ("{\"a\"}", 0, "x: the header is malformed at byte 12: expected “:”."),
  ("{\"a\":1}", 0, "x: the header is malformed at byte 13: expected “{”."),
  ("{1:{}}", 0, "x: the header is malformed at byte 9: expected a key in quotes."),
  (
    "{\"a", 0,
    "x: the header is malformed at byte 9: the string that starts here has no end."
  ),
  ("{\"\\x\":1}", 0, "x: the header is malformed at byte 10: an escape that JSON does not have."),
  (
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
    "x: the header is malformed at byte 59: a needs dtype, shape and two data_offsets."
  ),
  (
    "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 4,
    "x: the header is malformed at byte 36: dtype of a is unknown or comes twice."
  ),
  (
    "{\"a\":{\"strides\":[1]}}", 4,
    "x: the header is malformed at byte 24: strides of a is unknown or comes twice."
  ),
  (
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
    "x: the header is malformed at byte 37: expected a number that is not negative."
  ),
  (
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4,
    "x: the header is malformed at byte 37: expected a whole number."
  ),
  (
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1000000000000000000],\"data_offsets\":[0,4]}}", 4,
    "x: the header is malformed at byte 37: expected a whole number."
  ),
  (
    "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0,
    "x: the header is malformed at byte 37: the key k comes twice."
  ),
  (
    "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
    "x: the header is malformed at byte 42: __metadata__ comes twice."
  ),
  (
    "{\"__metadata__\":{\"k\":1}}", 0,
    "x: the header is malformed at byte 29: expected “\"”."
  ),
  (
    "{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
    "x: the tensor a has the type F4, which is none of F64, F32, F16, BF16, I64, I32, I16, I8, "
      + "U64, U32, U16, U8, BOOL."
  ),
  (
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387,1000],\"data_offsets\":[0,4]}}", 4,
    "x: the tensor a of shape [4611686018427387, 1000] is too large to count."
  ),
  (
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
    "x: the tensor a of shape [2] in F32 needs 8 bytes and has 4."
  ),
  (
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
    "x: the tensor a of shape [1] in U8 needs 1 bytes and has -4."
  ),
  (
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
    "x: the tensor a begins at payload byte 1 instead of 0."
  ),
  (
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
      + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
    "x: the tensor b begins at payload byte 1 instead of 2."
  ),
  (
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
      + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2,
    "x names the tensor a twice."
  ),
  (
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 3,
    "x is cut short: it has 64 bytes and its header promises 65."
  ),
  (
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 5,
    "x has 66 bytes, more than the 65 its header promises."
  ),
  (
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[999999999999999999],"
      + "\"data_offsets\":[0,999999999999999999]}}", 0,
    "x is cut short: it has 95 bytes and its header promises 1000000000000000094."
  ),
]

private func parse(_ bytes: [UInt8]) throws(SafetensorsError) -> SafetensorsHeader {
  try SafetensorsHeader.parse(bytes.span.raw, path: "x")
}

@Suite struct SafetensorsTests {
  @Test("A header that is not sound is refused with a sentence", arguments: refusedHeaders.indices)
  func refusedHeader(_ index: Int) throws {
    let (header, payload, sentence) = refusedHeaders[index]
    let error = #expect(throws: SafetensorsError.self) {
      try parse(SafetensorsParts.file(header, payload: payload))
    }
    #expect(error?.sentence == sentence)
    #expect(error?.hint == "Fetch or create the file again.")
    #expect(error?.exitCode == .wrongInput)
  }

  @Test("A file without room for its header is refused")
  func noHeader() {
    func sentence(_ bytes: [UInt8]) -> String? {
      #expect(throws: SafetensorsError.self) { try parse(bytes) }?.sentence
    }
    #expect(sentence([1, 2]) == "x has 2 bytes; a safetensors file has at least 10.")
    #expect(
      sentence(SafetensorsParts.length(100) + [0x7B, 0x7D])
        == "x is cut short: it has 10 bytes and its header alone needs 108.")
    #expect(
      sentence(SafetensorsParts.length(100_000_001) + [0x7B, 0x7D])
        == "x states a header of 100000001 bytes, above the limit of 100000000: "
        + "this is no safetensors file.")
    #expect(
      sentence([UInt8](repeating: 0xFF, count: 10))
        == "x states a header of 9223372036854775807 bytes, above the limit of 100000000: "
        + "this is no safetensors file.")
    #expect(
      sentence(SafetensorsParts.length(5) + [0x7B, 0x22, 0xFF, 0x22, 0x3A])
        == "x: the header is malformed at byte 13: a string that is not UTF-8.")
  }

  @Test("A missing file is named")
  func missingFile() {
    let error = #expect(throws: SafetensorsError.self) {
      _ = try SafetensorsFile.open("/nowhere/x.safetensors")
    }
    #expect(error?.sentence == "/nowhere/x.safetensors does not exist.")
    #expect(error?.hint == "Check the path.")
    #expect(error?.exitCode == .wrongInput)
  }

  @Test("Names with escapes, spaces between tokens and any order of keys are read")
  func lenientHeader() throws {
    let header = """
      { "a\\n\\u00e9\\ud83d\\ude00/\\"" : { "data_offsets" : [ 0 , 2 ] , "shape":[ ],"dtype":"I16"},
      "empty":{"dtype":"F32","shape":[0,3],"data_offsets":[2,2]},"__metadata__":{"k":""} }   \t
      """
    let parsed = try parse(SafetensorsParts.file(header, payload: 2))
    let start = 8 + header.utf8.count
    #expect(parsed.metadata == ["k": ""])
    #expect(Set(parsed.tensors.keys) == ["a\né😀/\"", "empty"])
    let scalar = try #require(parsed.tensors["a\né😀/\""])
    #expect(scalar.shape == [] && scalar.count == 1 && scalar.range == start..<start + 2)
    #expect(parsed.tensors["empty"]?.count == 0)
  }

  @Test("The bytes of a small file are these")
  func exactBytes() {
    let bytes = SafetensorsWriter.encode(
      [
        .init("b", .uint8, shape: [3], bytes: [1, 2, 3]),
        .init("a\"", .uint16, shape: [1, 1], bytes: [4, 5]),
      ], metadata: ["z": "1", "k": "ü"])
    let text =
      "{\"__metadata__\":{\"k\":\"ü\",\"z\":\"1\"},"
      + "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
      + "\"a\\\"\":{\"dtype\":\"U16\",\"shape\":[1,1],\"data_offsets\":[3,5]}}"
    let spaces = [UInt8](repeating: 0x20, count: 4088 - text.utf8.count)
    #expect(bytes == [0xF8, 0x0F, 0, 0, 0, 0, 0, 0] + Array(text.utf8) + spaces + [1, 2, 3, 4, 5])
  }

  @Test("What is written reads back, whatever names, types and shapes", arguments: 0..<40)
  func roundTrip(_ seed: Int) throws {
    var draw = Mutator(seed: seed, stream: "headers")
    let alphabet = Array("abz.0_\"\\\n\t\u{1}é漢😀 ")
    var tensors: [SafetensorsWriter.Tensor] = []
    for index in 0..<draw.below(12) {
      let name = String((0...draw.below(6)).map { _ in alphabet[draw.below(alphabet.count)] })
      let type = TensorType.allCases[draw.below(TensorType.allCases.count)]
      let shape = (0..<draw.below(4)).map { _ in draw.below(4) }
      let bytes = (0..<shape.reduce(type.byteCount, *)).map { _ in UInt8(draw.below(256)) }
      tensors.append(.init("\(index)" + name, type, shape: shape, bytes: bytes))
    }
    let metadata = ["saeline.format": "test", "\n": "\u{7F}\u{0}"]
    let bytes = SafetensorsWriter.encode(tensors, metadata: metadata)
    let header = try parse(bytes)
    #expect(header.metadata == metadata, "seed \(seed)")
    #expect(header.tensors.count == tensors.count, "seed \(seed)")
    for tensor in tensors {
      let entry = try #require(header.tensors[tensor.name], "seed \(seed)")
      #expect(entry.type == tensor.type && entry.shape == tensor.shape, "seed \(seed)")
      #expect(Array(bytes[entry.range]) == tensor.bytes, "seed \(seed)")
    }
    #expect(header.tensors.values.allSatisfy { $0.range.lowerBound >= 4096 })
  }

  @Test("A file of the Python package reads back, aligned or not")
  func foreignFile() throws {
    let file = try SafetensorsFile.open(SafetensorsParts.fixture("python.safetensors"))
    #expect(file.header.metadata == ["made": "by hand"])
    #expect(file.header.tensors.count == 9)
    for (name, type) in [
      ("float32", TensorType.float32), ("float16", .float16), ("bfloat16", .bfloat16),
    ] {
      let entry = try file.require(name, [type], shape: [2, 3])
      var values = [Float](repeating: 0, count: 6)
      var span = values.mutableSpan
      file.readFloats(entry, into: &span)
      #expect(values == [0, 0.5, -1, 1.5, -2, 65280], "\(name)")
      var tail = [Float](repeating: 0, count: 2)
      var tailSpan = tail.mutableSpan
      file.readFloats(entry, from: 3, into: &tailSpan)
      #expect(tail == [1.5, -2], "\(name)")
    }
    for (name, type) in [("uint8", TensorType.uint8), ("uint16", .uint16), ("uint32", .uint32)] {
      let entry = try file.require(name, [type], shape: [5])
      #expect(file.integers(entry) == [0, 1, 2, 127, 255], "\(name)")
      #expect(file.integers(entry, 3..<5) == [127, 255], "\(name)")
    }
    #expect(try file.bytes("bool").byteCount == 2)
    #expect(try file.require("scalar", [.float64], shape: []).count == 1)
    #expect(try file.require("int64", [.int64], shape: [0]).count == 0)
  }

  @Test("A tensor that is missing or looks different is named")
  func requirements() throws {
    let path = SafetensorsParts.fixture("python.safetensors")
    let file = try SafetensorsFile.open(path)
    func error(_ name: String, _ types: [TensorType], _ shape: [Int?]) -> SafetensorsError? {
      do { _ = try file.require(name, types, shape: shape) } catch { return error }
      return nil
    }
    let hint = "Check that the file is the one you mean."
    let missing = error("none", [.float32], [])
    #expect(missing?.sentence == "\(path) holds no tensor none.")
    #expect(missing?.hint == hint)
    let type = error("uint8", [.float32, .float16], [5])
    #expect(
      type?.sentence
        == "\(path): the tensor uint8 has the type U8 where F32 or F16 is expected.")
    #expect(type?.hint == hint)
    let shape = error("float32", [.float32], [nil, 4])
    #expect(
      shape?.sentence
        == "\(path): the tensor float32 has the shape [2, 3] where [any, 4] is expected.")
    #expect(shape?.hint == hint)
    #expect(error("float32", [.float32], [2, nil]) == nil)
    #expect(
      #expect(throws: SafetensorsError.self) { _ = try file.bytes("none") }
        == .missingTensor(path: path, tensor: "none"))
  }

  @Test("Damaged files give a header or an error, never a crash", arguments: 0..<4)
  func fuzz(_ seed: Int) throws {
    let whole = SafetensorsParts.file(
      "{\"__metadata__\":{\"a\":\"\\u00e9\"},\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],"
        + "\"data_offsets\":[0,8]},\"v\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[8,11]}}",
      payload: 11)
    _ = try parse(whole)
    var mutator = Mutator(seed: seed, stream: "safetensors")
    var accepted = 0
    for round in 0..<5_000 {
      let bytes = mutator.damage(whole)
      guard let header = try? parse(bytes) else { continue }
      accepted += 1
      let ends = header.tensors.values.map(\.range.upperBound)
      #expect(ends.allSatisfy { $0 <= bytes.count }, "seed \(seed), round \(round)")
    }
    #expect(accepted > 0 && accepted < 5_000, "seed \(seed)")
  }

  @Test("A large payload is streamed after the header")
  func streaming() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("streamed.safetensors")
    var writer = SafetensorsWriter(metadata: ["k": "v"])
    writer.declare("a", .float32, shape: [2, 2])
    writer.declare("b", .uint32, shape: [1])
    var file = try AtomicFile.create(path)
    try writer.writeHeader(to: &file)
    let floats: [Float] = [1, 2, 3, 4]
    let integers: [UInt32] = [7]
    try file.write(floats.span.raw)
    try file.write(integers.span.raw)
    try file.publishReplacing()
    let read = try SafetensorsFile.open(path)
    #expect(read.byteCount == writer.byteCount && read.byteCount == 4096 + 20)
    #expect(read.path == path)
    #expect(read.integers(try read.require("b", [.uint32], shape: [1])) == [7])
  }
}
