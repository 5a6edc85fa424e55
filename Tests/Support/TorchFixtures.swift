// Files of torch.save in Tests/Fixtures/torch, and their tensors as numbers.

package import Shared

package enum TorchFixtures {
  package static let root = ProjectFiles.root + "/Tests/Fixtures/torch/"

  package static func bytes(_ name: String) throws -> [UInt8] {
    try MappedFile.contents(root + name)
  }

  /// Reads a file and every number of floating point in it; returns the names of its tensors.
  package static func readAll(_ bytes: [UInt8], path: String) throws -> [String] {
    let tensors = try TorchFile.tensors(bytes.span.raw, path: path)
    for tensor in tensors.values where isFloat(tensor.entry.type) {
      _ = floats(tensor, in: bytes)
    }
    return tensors.keys.sorted()
  }

  package static func isFloat(_ type: TensorType) -> Bool {
    [.float64, .float32, .float16, .bfloat16].contains(type)
  }

  /// The numbers of a tensor, row by row.
  package static func floats(_ tensor: StoredTensor, in bytes: [UInt8]) -> [Float] {
    var values = [Float](repeating: 0, count: tensor.count)
    var target = values.mutableSpan
    tensor.readFloats(in: bytes.span.raw, into: &target)
    return values
  }
}
