import Shared
import Support
import Testing

/// Files of torch.save, damaged at random; SAELINE_FUZZ=100000 damages each so often.
@Suite("Damaged files of torch.save")
struct TorchFuzzTests {
  private static let turns = Mutator.turns(400)

  @Test(
    "Bytes that were changed anywhere end in tensors or in a sentence",
    arguments: ["tensors.bin", "tensors-stream.bin", "views.bin", "models/opt/pytorch_model.bin"])
  func changed(file: String) throws {
    let whole = try TorchFixtures.bytes(file)
    var mutator = Mutator(seed: 11, stream: file)
    var (read, refused) = (0, 0)
    for turn in 0..<Self.turns {
      do {
        _ = try TorchFixtures.readAll(mutator.damage(whole), path: "x")
        read += 1
      } catch {
        let failure = error as? any Failure
        #expect(failure?.sentence.isEmpty == false && failure?.exitCode == .wrongInput, "\(turn)")
        refused += 1
      }
    }
    #expect(read + refused == Self.turns && refused > 0)
  }

  @Test("A pickle of instructions at random ends in tensors or in a sentence")
  func instructions() throws {
    let codes: [UInt8] =
      Array("(N}])KMJXUTcsuaebQRqhrj.".utf8) + [0x85, 0x86, 0x87, 0x88, 0x8A, 0x93, 0x94]
    let names = [
      "torch\nFloatStorage\n", "collections\nOrderedDict\n", "torch._utils\n_rebuild_tensor_v2\n",
    ]
    let head = try TorchFixtures.bytes("tensors-stream.bin")[..<15]
    var mutator = Mutator(seed: 12, stream: "instructions")
    for _ in 0..<Self.turns {
      var bytes = Array(head) + [0x80, 2, 0x4B, 1, 0x2E, 0x80, 2, 0x7D, 0x2E]
      for _ in 0..<mutator.below(60) {
        let code = codes[mutator.below(codes.count)]
        bytes.append(code)
        switch code {
        case UInt8(ascii: "c"): bytes += Array(names[mutator.below(3)].utf8)
        case UInt8(ascii: "U"): bytes += [1, UInt8(ascii: "a")]
        default: if mutator.below(2) == 0 { bytes.append(UInt8(mutator.below(6))) }
        }
      }
      do { _ = try TorchFixtures.readAll(bytes, path: "x") } catch {
        #expect(error is any Failure)
      }
    }
  }
}
