import Foundation
import Shared
import Support
import Testing

/// Every key of config.json on every family, against what transformers makes of it.
@Suite struct ConfigurationsTests {
  /// What one family's file keeps.
  struct Record {
    let base: [String: JSON]
    let sizes: [String: JSON]
    let tensors: [String: [Int]]
    let logits: [Double]
    let probes: [String: JSON]
    let missing: [String: JSON]

    init(_ family: String) throws {
      let json = try ConfigurationsTests.json(family)
      base = try #require(json["base"]?.object)
      sizes = try #require(json["sizes"]?.object)
      tensors = Self.shapes(json["tensors"], over: [:])
      logits = json["logits"]?.array?.compactMap(\.double) ?? []
      probes = try #require(json["probes"]?.object)
      missing = try #require(json["missing"]?.object)
    }

    /// Tensors with changes: other shapes, and null for what is not there.
    static func shapes(_ changes: JSON?, over base: [String: [Int]]) -> [String: [Int]] {
      var shapes = base
      for (name, shape) in changes?.object ?? [:] {
        shapes[name] = shape.array?.compactMap(\.integer)
      }
      return shapes
    }
  }

  private static func json(_ name: String) throws -> JSON {
    let text = try ProjectFiles.text("Tests/Fixtures/configurations/\(name).json")
    return try JSON(parsing: Array(text.utf8))
  }

  static let families: [String] = {
    let names = try? ProjectFiles.names(in: "Tests/Fixtures/configurations")
    return (names ?? []).filter { $0.hasSuffix(".json") && $0 != "probes.json" }.map {
      String($0.dropLast(".json".count))
    }
  }()

  /// Probes that transformers computes and that are refused here by name, with the families.
  static let refusedHere: [(key: String, families: Set<String>)] = [
    ("is_causal", Set(families)),
    ("partial_rotary_factor", ["gpt_oss"]),
    ("qk_layernorm", ["phi"]),
    ("apply_residual_connection_post_layernorm", ["bloom"]),
    (
      "use_bidirectional_attention",
      ["gemma", "gemma2", "gemma3_text", "gemma4_text", "gemma4_unified_text"]
    ),
    ("enable_moe_block", ["gemma4_text"]),
    ("per_layer_config", Set(families).subtracting(["gemma4_text", "gemma4_unified_text"])),
  ]

  /// Whether layers see a window of no tokens, of which every implementation of attention there
  /// makes something else.
  private static func isBlind(_ set: [String: JSON], _ family: String) -> Bool {
    family == "qwen2_moe" && set["layer_types"] != nil && set["use_sliding_window"] == nil
  }

  /// Whether transformers refuses rotary positions of a family that has none, or those of Mixtral
  /// because it does not find the width of a head, which says nothing.
  private static func isPassedOver(_ set: [String: JSON], by family: String) -> Bool {
    // It cannot do without inputs of layers where some share keys, which is an oversight.
    if family == "gemma4_text", set["hidden_size_per_layer_input"] == 0 { return true }
    return ["gpt2", "gpt_bigcode", "gpt_neo", "gptj", "bloom", "opt", "mixtral"].contains(family)
      && set.keys.contains { ["rope_scaling", "rope_parameters"].contains($0) }
  }

  @Test func everyFamilyWithAModelTypeIsTried() {
    let tried = Set(Self.families)
    let known = Set(Family.allCases.map(\.rawValue))
    // The text within a model that sees pictures is the family of texts; the last has no model type.
    #expect(
      known.subtracting(tried) == [
        "gemma3", "gemma4", "gemma4_unified", "qwen3_5", "qwen3_5_moe", "HookedTransformer",
      ])
  }

  @Test(arguments: families) func everyKeyDoesWhatTransformersMakesOfIt(family: String) throws {
    let record = try Record(family)
    let probes = try #require(try Self.json("probes").array)
    let folder = try TemporaryFolder()
    let base = try ModelDescription.read(text: JSON.object(record.base).canonical, path: "base")
    let whole = JSON.object(record.base)
    let distance = difference(whole, base, record.tensors, record.logits, folder.file("base"))
    #expect(distance < 3e-4, "\(family)")
    var different: [String] = []
    var compared = 0
    for (number, probe) in probes.enumerated() {
      let set = probe.object ?? [:]
      let outcome = record.probes["\(number)"]
      let isKnown = Self.refusedHere.contains {
        set[$0.key] != nil && $0.families.contains(family)
      }
      let configuration = JSON.object(record.base.merging(set) { $1 })
      let description = Result {
        try ModelDescription.read(text: configuration.canonical, path: "config.json")
      }
      compared += 1
      switch (outcome, description) {
      case (nil, .success(let model)):
        if model != base { different.append("\(probe.canonical) changes something") }
      case (let outcome?, .failure):
        if outcome["refused"] == nil, !isKnown, !Self.isBlind(set, family) {
          different.append("\(probe.canonical) is refused")
        }
      case (nil, .failure(let error)):
        if isKnown { continue }
        different.append("\(probe.canonical) is refused: \(error)")
      case (let outcome?, .success(let model)):
        if outcome["refused"] != nil {
          if Self.isPassedOver(set, by: family) { continue }
          different.append("\(probe.canonical) is not refused")
          continue
        }
        let shapes = Record.shapes(outcome["tensors"], over: record.tensors)
        let logits = outcome["logits"]?.array?.compactMap(\.double) ?? []
        let worst = difference(configuration, model, shapes, logits, folder.file("\(number)"))
        if !(worst < 3e-4) { different.append("\(probe.canonical) differs by \(worst)") }
        if let wrong = wrongSize(model, outcome["sizes"]?.object ?? record.sizes) {
          different.append("\(probe.canonical): \(wrong)")
        }
      }
    }
    let report = different.joined(separator: "\n")
    #expect(different.isEmpty, "\(family), \(compared) compared, different:\n\(report)")
  }

  @Test(arguments: families) func whatAFileLeavesOutIsTheFamilysOwnDefault(family: String) throws {
    let record = try Record(family)
    for (key, sizes) in record.missing {
      let configuration = JSON.object(record.base.filter { $0.key != key })
      let description = Result {
        try ModelDescription.read(text: configuration.canonical, path: "config.json")
      }
      if sizes["refused"] != nil {
        #expect(throws: (any Error).self) { _ = try description.get() }
        continue
      }
      // Widths and heads that do not fit together are no model, though a configuration.
      if case .failure(ModelError.wrongValue) = description { continue }
      // Nor is one that routes to no stated number of experts.
      if case .failure(ModelError.missingKey(_, "num_experts_per_tok")) = description { continue }
      let wrong = wrongSize(try description.get(), sizes.object ?? [:])
      #expect(wrong == nil, "without \(key)")
    }
  }

  /// What differs between a description's sizes and those of transformers.
  private func wrongSize(_ model: ModelDescription, _ sizes: [String: JSON]) -> String? {
    let own = [
      "vocabularySize": model.vocabularySize, "width": model.width, "layers": model.layerCount,
      "heads": model.headCount, "context": model.contextLimit,
    ]
    for (name, size) in sizes.sorted(by: { $0.key < $1.key }) where size.integer != own[name] {
      return "\(name) is \(own[name] ?? 0) where \(size.canonical) is expected"
    }
    return nil
  }

  /// The largest difference of a model's logits from what is expected; infinite where it cannot run.
  private func difference(
    _ configuration: JSON, _ model: ModelDescription, _ tensors: [String: [Int]],
    _ expected: [Double], _ folder: String
  ) -> Double {
    do {
      try WeightFormula.write(configuration: configuration, tensors: tensors, to: folder)
      let found = try logits(folder, model)
      guard found.count == expected.count else { return .infinity }
      return zip(found, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
    } catch {
      Issue.record("\(error)")
      return .infinity
    }
  }

  /// Logits of rows 5 and 11 in columns 0, 7 and 14.
  private func logits(_ folder: String, _ model: ModelDescription) throws -> [Float] {
    let tokens = (0..<12).map { UInt32((7 * $0 * $0 + 3 * $0 + 5) % 31 % model.vocabularySize) }
    let site = model.changesLogits ? HookSite.cappedLogits : HookSite.logits
    let rows = try ModelFixtures.run(folder, [HookPoint(site)], tokens: tokens, contextSize: 12)[0]
    return [5, 11].flatMap { row in
      [0, 7, 14].map { rows[row * model.vocabularySize + $0] }
    }
  }
}
