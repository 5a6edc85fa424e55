// Weights that follow from the names of tensors, so that a program in another language has the same.

import Foundation
package import Shared

package enum WeightFormula {
  /// The elements of a tensor: whole multiples of 1/512, larger for embeddings, around 1 for gains.
  ///
  /// As `weights` in Tests/Fixtures/configurations/make_configurations.py.
  package static func values(_ name: String, shape: [Int]) -> [Float] {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let isTable = ["embed", "wte", "wpe"].contains { name.contains($0) }
    let isGain =
      shape.count == 1 && name.hasSuffix("weight") || name.hasSuffix("layer_scalar")
    return (0..<shape.reduce(1, *)).map { index in
      var bits = hash &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
      bits = (bits ^ (bits >> 31)) &* 0xBF58_476D_1CE4_E5B9
      bits ^= bits >> 29
      let value = Float(Int(bits >> 56) - 128) / 512 + (name.hasSuffix("A_log") ? 0.5 : 0)
      return (isTable ? 4 * value : value) + (isGain ? 1 : 0)
    }
  }

  /// Writes a model's folder: its config.json, its tensors by the formula, and others as they are.
  package static func write(
    configuration: JSON, tensors: [String: [Int]], to folder: String,
    others: [String: (shape: [Int], values: [Float])] = [:]
  ) throws {
    try System.createDirectories(folder)
    try AtomicFile.replace(folder + "/config.json", with: configuration.canonical)
    var all = others
    for (name, shape) in tensors { all[name] = (shape, values(name, shape: shape)) }
    let written = all.sorted { $0.key < $1.key }.map { name, tensor in
      let bytes = tensor.values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
      }
      return SafetensorsWriter.Tensor(name, .float32, shape: tensor.shape, bytes: bytes)
    }
    var file = try AtomicFile.create(folder + "/model.safetensors")
    try file.write(SafetensorsWriter.encode(written).span.raw)
    try file.publishReplacing()
  }
}
