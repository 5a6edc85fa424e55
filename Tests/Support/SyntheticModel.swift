// A GPT-2 of random weights, written where a test wants it.

import Foundation
import Shared

package enum SyntheticModel {
  package static let configuration = """
    {"model_type": "gpt2", "vocab_size": 31, "n_positions": 512, "n_embd": 16, "n_layer": 1,
     "n_head": 2}
    """

  /// Writes the model into a new folder and returns its path.
  package static func write(dropping dropped: String? = nil) throws -> String {
    let folder = NSTemporaryDirectory() + "/saeline-model-\(UUID().uuidString)"
    try System.createDirectories(folder)
    try AtomicFile.replace(folder + "/config.json", with: configuration)
    let shapes: [(String, [Int])] = [
      ("wte.weight", [31, 16]), ("wpe.weight", [512, 16]), ("h.0.ln_1.weight", [16]),
      ("h.0.ln_1.bias", [16]), ("h.0.attn.c_attn.weight", [16, 48]), ("h.0.attn.c_attn.bias", [48]),
      ("h.0.attn.c_proj.weight", [16, 16]), ("h.0.attn.c_proj.bias", [16]),
      ("h.0.ln_2.weight", [16]), ("h.0.ln_2.bias", [16]), ("h.0.mlp.c_fc.weight", [16, 64]),
      ("h.0.mlp.c_fc.bias", [64]), ("h.0.mlp.c_proj.weight", [64, 16]),
      ("h.0.mlp.c_proj.bias", [16]), ("ln_f.weight", [16]), ("ln_f.bias", [16]),
    ]
    let tensors = shapes.filter { $0.0 != dropped }.enumerated().map { index, entry in
      let random = Random(seed: 7, stream: entry.0, index: index)
      let values = (0..<entry.1.reduce(1, *)).map { Float(random.normal($0)) * 0.4 }
      let bytes = values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
      }
      return SafetensorsWriter.Tensor(entry.0, .float32, shape: entry.1, bytes: bytes)
    }
    var file = try AtomicFile.create(folder + "/model.safetensors")
    try file.write(SafetensorsWriter.encode(tensors).span.raw)
    try file.publishReplacing()
    return folder
  }
}
