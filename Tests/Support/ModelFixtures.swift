// The tiny models of Tests/Fixtures/models with what TransformerLens computed for them.

package import Shared

package enum ModelFixtures {
  package static let names = ["gpt2", "neox-parallel", "neox-sequential", "grouped", "tied"]

  package static func folder(_ name: String) -> String { fixtures + "/models/" + name }

  private static let fixtures: String = {
    let parts = #filePath.split(separator: "/").dropLast(2)
    return "/" + parts.joined(separator: "/") + "/Fixtures"
  }()

  package static func golden(_ name: String) throws -> Golden {
    let file = try SafetensorsFile.open(folder(name) + "/golden.safetensors")
    func integers(_ name: String) throws -> [UInt32] {
      try file.integers(file.require(name, [.uint8], shape: file.header.tensors[name]?.shape ?? []))
    }
    var values: [String: [Float]] = [:]
    for entry in file.header.tensors.values where entry.type == .float32 {
      var floats = [Float](repeating: 0, count: entry.count)
      var span = floats.mutableSpan
      file.readFloats(entry, into: &span)
      values[entry.name] = floats
    }
    let logits = values.removeValue(forKey: "logits") ?? []
    return Golden(
      tokens: try integers("tokens"), contextSize: file.header.tensors["tokens"]?.shape[1] ?? 0,
      rows: try integers("rows").map { Int($0) }, hooks: values, logits: logits)
  }

  package struct Golden: Sendable {
    /// `[sequences, contextSize]`.
    package let tokens: [UInt32]
    package let contextSize: Int
    /// The tokens whose rows are kept.
    package let rows: [Int]
    /// Rows of every hook point, by name.
    package let hooks: [String: [Float]]
    /// What transformers computes, `[rows, vocabulary]`.
    package let logits: [Float]
  }

  /// All rows of some hook points, `[tokens, width]` each, in the order asked for.
  package static func run(
    _ name: String, _ hookPoints: [HookPoint], tokens: [UInt32], contextSize: Int,
    sequenceLimit: Int? = nil, processing: WeightProcessing = WeightProcessing()
  ) throws -> [[Float]] {
    let transformer = try Transformer.open(folder(name), for: hookPoints)
    var pass = ForwardPass(
      transformer, sequenceLimit: sequenceLimit ?? tokens.count / contextSize,
      contextSize: contextSize, hookPoints: hookPoints, processing: processing)
    var results = [[Float]](repeating: [], count: hookPoints.count)
    try pass.run(transformer, tokens: tokens.span) { index, values, rows in
      for row in 0..<rows.count {
        for element in rows.range(row) { results[index].append(values[element]) }
      }
    }
    return results
  }
}
