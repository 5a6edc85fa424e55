// The tiny models of Tests/Fixtures/models with what TransformerLens computed for them.

package import Shared

package enum ModelFixtures {
  package static let names =
    [
      "gpt2", "neox-parallel", "neox-sequential", "grouped", "tied", "llama-yarn", "llama-linear",
      "llama-dynamic", "gpt-neo", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi",
      "opt", "smollm3", "phi3", "gptj", "bloom", "olmo", "olmo2", "olmo3", "olmoe", "mixtral",
      "gpt-oss",
    ] + toys + modulesOnly

  /// Models in TransformerLens's own format, which have no modules of transformers.
  package static let toys = ["toy-gelu", "toy-solu", "toy-folded", "toy-attention", "toy-plain"]

  /// Models that a HookedTransformer cannot be, compared with modules of transformers alone.
  package static let modulesOnly = [
    "phi3-long", "qwen3-moe", "granite", "stablelm", "stablelm-parallel", "bigcode", "falcon",
    "falcon-new", "falcon-linear-bias", "opt-350m", "galactica", "qwen2-moe",
    "qwen3.5", "qwen3.5-moe", "gemma4", "gemma4-unified", "gpt-oss-packed", "deepseek-v2",
    "deepseek-v3",
  ]

  /// Models with every hook point of TransformerLens.
  package static var hooked: [String] { names.filter { !modulesOnly.contains($0) } }

  /// Models with what the modules of transformers write.
  package static var withModules: [String] { names.filter { !toys.contains($0) } }

  /// The files of rows with weight processing, as `model/file`.
  package static let processed: [(name: String, file: String, processing: WeightProcessing)] = {
    let all = WeightProcessing(
      foldsNorms: true, centersWriting: true, centersUnembedding: true, foldsValueBiases: true)
    let names = [
      "gpt2", "neox-parallel", "neox-sequential", "phi", "opt", "gpt-neo", "grouped", "qwen2",
      "gemma2", "phi3", "gptj", "bloom", "olmo", "olmoe", "mixtral", "toy-gelu", "toy-solu",
      "toy-plain",
    ]
    return names.map { ($0, "processed", all) } + [
      ("gpt2", "processed-center", WeightProcessing(centersWriting: true)),
      ("gpt2", "processed-values", WeightProcessing(foldsValueBiases: true)),
    ]
  }()

  /// The folder of a model; a path stays as it is.
  package static func folder(_ name: String) -> String {
    name.hasPrefix("/") ? name : fixtures + "/models/" + name
  }

  /// Writes a model of one file of weights into a new folder, changed.
  package static func copy(
    _ name: String, to target: String, configuration: (String) -> String = { $0 },
    weights: (inout [UInt8], [String: TensorEntry]) -> Void = { _, _ in }
  ) throws {
    try System.createDirectories(target)
    let text = try MappedFile.contents(folder(name) + "/config.json")
    try AtomicFile.replace(
      target + "/config.json", with: configuration(String(decoding: text, as: UTF8.self)))
    let path = folder(name) + "/model.safetensors"
    var bytes = try MappedFile.contents(path)
    weights(&bytes, try SafetensorsFile.open(path).header.tensors)
    var file = try AtomicFile.create(target + "/model.safetensors")
    try file.write(bytes.span.raw)
    try file.publishReplacing()
  }

  private static let fixtures: String = {
    let parts = #filePath.split(separator: "/").dropLast(2)
    return "/" + parts.joined(separator: "/") + "/Fixtures"
  }()

  /// The tensors of floats in one of a model's files of rows, by name.
  private static func floats(_ file: borrowing SafetensorsFile) -> [String: [Float]] {
    var values: [String: [Float]] = [:]
    for entry in file.header.tensors.values where entry.type == .float32 {
      var floats = [Float](repeating: 0, count: entry.count)
      var span = floats.mutableSpan
      file.readFloats(entry, into: &span)
      values[entry.name] = floats
    }
    return values
  }

  /// The tokens whose rows the files beside golden.safetensors keep.
  package static let shown = [0, 11, 31]

  /// Rows that another file keeps, by hook point or module.
  package static func rows(_ name: String, _ file: String) throws -> [String: [Float]] {
    floats(try SafetensorsFile.open("\(folder(name))/\(file).safetensors"))
  }

  package static func golden(_ name: String) throws -> Golden {
    let file = try SafetensorsFile.open(folder(name) + "/golden.safetensors")
    func integers(_ name: String) throws -> [UInt32] {
      try file.integers(file.require(name, [.uint8], shape: file.header.tensors[name]?.shape ?? []))
    }
    var values = floats(file)
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
    sequenceLimit: Int? = nil, processing: WeightProcessing = WeightProcessing(),
    factors: FactorPrecision = .float32
  ) throws -> [[Float]] {
    let transformer = try Transformer.open(folder(name), for: hookPoints, factors: factors)
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
