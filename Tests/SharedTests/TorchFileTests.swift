import Shared
import Support
import Testing

@Suite("Files of torch.save")
struct TorchFileTests {
  @Test(
    "Tensors of every type and layout are those that torch.load reads",
    arguments: ["tensors.bin", "tensors-stream.bin"])
  func tensors(file: String) throws {
    let bytes = try TorchFixtures.bytes(file)
    let golden = try TorchFixtures.bytes("tensors.safetensors")
    let wanted = try SafetensorsHeader.parse(golden.span.raw, path: "golden").tensors
    let tensors = try TorchFile.tensors(bytes.span.raw, path: file)
    #expect(tensors.keys.sorted() == wanted.keys.sorted())
    for (name, entry) in wanted {
      let tensor = try #require(tensors[name])
      #expect(tensor.entry.type == entry.type && tensor.entry.shape == entry.shape, "\(name)")
      if TorchFixtures.isFloat(entry.type) {
        #expect(
          TorchFixtures.floats(tensor, in: bytes)
            == TorchFixtures.floats(StoredTensor(entry), in: golden), "\(name)")
      } else {
        #expect(tensor.strides == nil)
        #expect(Array(bytes[tensor.entry.range]) == Array(golden[entry.range]), "\(name)")
      }
    }
    #expect(tensors["columns"]?.liesByColumns == true && tensors["steps"]?.strides == [3])
    // Tensors that share a storage are views of the same bytes.
    let whole = try #require(tensors["whole"]?.entry.range)
    #expect(
      tensors["part"]?.entry.range == whole.lowerBound + 20..<whole.lowerBound + 44)
  }

  @Test("Views of storages and texts of Python 2 are read")
  func views() throws {
    let bytes = try TorchFixtures.bytes("views.bin")
    let tensors = try TorchFile.tensors(bytes.span.raw, path: "views.bin")
    #expect(
      tensors.mapValues { TorchFixtures.floats($0, in: bytes) } == [
        "a": [12, 13, 14], "b": [10, 11, 12, 13, 14, 15],
      ])
    #expect(tensors["b"]?.entry.shape == [2, 3])
  }

  private static let save = "Save the tensors alone: torch.save(model.state_dict(), FILE)"
  private static let again = "Fetch or create the file again."
  private static let neither = "which is neither a tensor nor a part of one."

  static let refused: [(file: String, sentence: String, hint: String)] = [
    ("command", ": the pickle names posix.system at byte 13, \(neither)", save),
    ("stream-command", ": the pickle names posix.system at byte 150, \(neither)", save),
    ("module", ": the pickle names torch.nn.modules.linear.Linear at byte 2, \(neither)", save),
    (
      "array", ": the pickle names numpy._core.multiarray._reconstruct at byte 13, \(neither)", save
    ),
    (
      "sparse", ": the pickle names torch._utils._rebuild_sparse_tensor at byte 13, \(neither)",
      save
    ),
    ("float8", ": the pickle names torch._utils._rebuild_tensor_v3 at byte 13, \(neither)", save),
    ("unsigned", ": the pickle names torch._utils._rebuild_tensor_v3 at byte 13, \(neither)", save),
    ("nested", ": state_dict is no tensor.", save), ("step", ": step is no tensor.", save),
    ("list", ": what it holds is no tensor.", save),
    ("repeated", " is damaged: a has numbers that stand for several.", again),
    (
      "compressed", ": the entry archive/data.pkl is compressed.",
      "Save it again with numpy.savez or torch.save, which compress nothing."
    ),
    ("big-endian", " is damaged: its numbers are not little-endian.", again),
    ("missing", " is damaged: the numbers of a are missing.", again),
    ("short", " is damaged: a reaches beyond its storage.", again),
    ("two-pickles", " is damaged: it holds no pickle, as torch.save writes one.", again),
    ("cut", " is no zip archive.", again),
    ("stream-cut", " is damaged: the storage 0 reaches beyond the end of the file.", again),
    ("stream-pickle", ": the pickle is malformed at byte 150.", save),
    (
      "pointer", " is a pointer of Git LFS, not the weights themselves.",
      "Fetch the file itself: git lfs pull."
    ),
    (
      "program", " is a program of TorchScript (torch.jit.save), not a file of tensors.", save
    ),
    (
      "tar", " is a tar archive, as torch.save wrote before torch 0.1.10; it is not read.", save
    ),
    ("text", " is no file of torch.save.", again), ("nothing", " is no file of torch.save.", again),
  ]

  @Test("What is no plain file of tensors is refused by what is wrong with it", arguments: refused)
  func refuses(file: String, sentence: String, hint: String) throws {
    let bytes = try TorchFixtures.bytes("refused/\(file).bin")
    do {
      let names = try TorchFixtures.readAll(bytes, path: file)
      Issue.record("\(file) was read: \(names)")
    } catch let failure as any Failure {
      #expect(failure.sentence == file + sentence)
      #expect(failure.hint?.hasPrefix(hint) == true)
      #expect(failure.exitCode == .wrongInput)
    }
  }

  /// A file of the older form whose third pickle is `pickle`.
  private func stream(_ pickle: [UInt8]) throws -> [UInt8] {
    let whole = try TorchFixtures.bytes("tensors-stream.bin")
    // The magic number, the version, and what the machine was end with the third STOP of the file.
    let small: [UInt8] = [0x80, 2, 0x4D, 0xE9, 3, 0x2E, 0x80, 2, 0x7D, 0x2E]
    return whole[..<15] + small + pickle
  }

  @Test("A pickle that is too large, holds too much, or is nested deeply is refused")
  func limits() throws {
    func sentence(_ pickle: [UInt8]) throws -> String {
      let bytes = try stream(pickle)
      let error = #expect(throws: PickleError.self) {
        _ = try TorchFixtures.readAll(bytes, path: "x")
      }
      return error?.sentence ?? ""
    }
    let large = 17 << 20
    let head: [UInt8] = [0x80, 2, UInt8(ascii: "X"), 0, 0, 0x10, 1]
    #expect(
      try sentence(head + [UInt8](repeating: 0x61, count: large))
        == "x has a pickle of \(large + head.count) bytes; at most 16777216 are read.")
    #expect(
      try sentence([0x80, 2] + [UInt8](repeating: UInt8(ascii: "N"), count: 1_100_000))
        == "x: the pickle holds more than 1048576 values, reached at byte \(25 + 2 + 1_048_576).")
    #expect(
      try sentence(
        [0x80, 2, UInt8(ascii: "N")] + [UInt8](repeating: 0x85, count: 900_000) + [0x2E])
        == "x: what it holds is no tensor.")
  }

  @Test("A dictionary that holds itself is refused")
  func circle() throws {
    let bytes = try stream([
      0x80, 2, UInt8(ascii: "}"), UInt8(ascii: "q"), 0, UInt8(ascii: "U"), 1, UInt8(ascii: "a"),
      UInt8(ascii: "h"), 0, UInt8(ascii: "s"), 0x2E,
    ])
    let error = #expect(throws: PickleError.self) {
      _ = try TorchFixtures.readAll(bytes, path: "x")
    }
    #expect(error == .notTensors(path: "x", key: "a"))
  }
}
