import Shared
import Support
import Testing

/// Passes whose products take factors in bfloat16.
@Suite struct AutocastTests {
  /// √(Σ(x − y)² / Σy²).
  private func distance(_ values: [Float], _ expected: [Float]) -> Double {
    guard values.count == expected.count, !values.isEmpty else { return .infinity }
    var (difference, size) = (0.0, 0.0)
    for (x, y) in zip(values, expected) where x != y || !x.isInfinite {
      difference += Double(x - y) * Double(x - y)
      size += Double(y) * Double(y)
    }
    return size == 0 ? difference.squareRoot() : (difference / size).squareRoot()
  }

  /// The rows of every hook point, of a pass whose products take such factors.
  private func rows(
    _ name: String, _ points: [HookPoint], _ factors: FactorPrecision, sequenceLimit: Int? = nil
  ) throws -> [[Float]] {
    let golden = try ModelFixtures.golden(name)
    return try ModelFixtures.run(
      name, points, tokens: golden.tokens, contextSize: golden.contextSize,
      sequenceLimit: sequenceLimit, factors: factors)
  }

  @Test func aPassEqualsAPlainOneOfRoundedFactors() throws {
    let golden = try ModelFixtures.golden("gpt2")
    let folder = ModelFixtures.folder("gpt2")
    let model = try ModelDescription.open(folder: folder)
    let exact = try NaiveGPT2(folder)
    let plain = try NaiveGPT2(folder) {
      Double(Precision.float(bfloat16: Precision.bfloat16(Float($0))))
    }
    let names = [
      "blocks.0.attn.hook_q", "blocks.0.attn.hook_z", "blocks.0.hook_attn_out",
      "blocks.0.mlp.hook_pre", "blocks.0.hook_mlp_out", "blocks.1.hook_resid_post",
      "unembed.hook_out",
    ]
    let points = try names.map { try HookPoint.find($0, in: model) }
    let tokens = Array(golden.tokens.prefix(golden.contextSize))
    let found = try ModelFixtures.run(
      "gpt2", points, tokens: tokens, contextSize: golden.contextSize, factors: .bfloat16)
    var (rounded, unrounded) = ([String: [Float]](), [String: [Float]]())
    _ = plain.logits(tokens) { name, rows in rounded[name] = rows.joined().map { Float($0) } }
    _ = exact.logits(tokens) { name, rows in unrounded[name] = rows.joined().map { Float($0) } }
    for (name, values) in zip(names, found) {
      let expected = try #require(rounded[name])
      // Sums in float32 and in Double seldom lie on two sides of a rounding; without rounding all differs.
      #expect(distance(values, expected) < 3e-4, "\(name)")
      #expect(distance(values, try #require(unrounded[name])) > 5e-4, "\(name)")
    }
  }

  /// Every hook point of every family, but those that say which experts were chosen and what follows:
  /// a rounding may choose others.
  @Test(arguments: ModelFixtures.names)
  func everyHookPointIsNearThatOfFloat32(name: String) throws {
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let points = HookPoint.all(in: model).filter { $0.site != .scores }
    let isRouted = model.layers.contains { $0.mlp == .routed }
    let (found, expected) = (
      try rows(name, points, .bfloat16), try rows(name, points, .float32)
    )
    for (point, pair) in zip(points, zip(found, expected)) {
      #expect(pair.0.count == pair.1.count && pair.0.allSatisfy { !$0.isNaN }, "\(point.name)")
      if isRouted { continue }
      #expect(distance(pair.0, pair.1) < 2e-2, "\(point.name)")
    }
  }

  @Test(arguments: ["gpt2", "grouped", "mixtral", "deepseek-v3", "gpt-oss", "bloom"])
  func rowsHaveTheSameBitsWithAnyThreadsAndInAnyBatch(name: String) throws {
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let points = HookPoint.all(in: model)
    let golden = try ModelFixtures.golden(name)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    Parallel.threadCount = 1
    let whole = try rows(name, points, .bfloat16)
    for threads in [2, 5] {
      Parallel.threadCount = threads
      #expect(try rows(name, points, .bfloat16) == whole, "\(threads) threads")
    }
    let half = golden.tokens.count / 2
    let parts = try [golden.tokens.prefix(half), golden.tokens.suffix(half)].map {
      try ModelFixtures.run(
        name, points, tokens: Array($0), contextSize: golden.contextSize, factors: .bfloat16)
    }
    for index in points.indices {
      #expect(parts[0][index] + parts[1][index] == whole[index], "\(points[index].name)")
    }
  }

  /// Autocast leaves bfloat16 behind every product, and values may lie on two sides of a rounding;
  /// here sums stay float32.
  @Test(arguments: ["gpt2", "grouped"])
  func rowsAreNearThoseOfAutocastInTorch(name: String) throws {
    let model = try ModelDescription.open(folder: ModelFixtures.folder(name))
    let golden = try ModelFixtures.rows(name, "autocast")
    let points = HookPoint.all(in: model).filter {
      ![.cappedLogits, .scores].contains($0.site)
    }
    let found = try rows(name, points, .bfloat16)
    for (point, values) in zip(points, found) {
      let width = point.width(in: model, contextSize: 16)
      let shown = ModelFixtures.shown.flatMap { values[$0 * width..<($0 + 1) * width] }
      #expect(distance(shown, try #require(golden[point.name])) < 2e-2, "\(point.name)")
    }
  }
}
