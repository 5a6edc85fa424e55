import Foundation
import Shared
import Support
import Testing

@Suite struct MicroscalingTests {
  /// A number of four bits by its definition: sign, two bits of exponent with a bias of one, one of
  /// fraction, without a leading one where the exponent is zero.
  private func number(_ bits: Int) -> Double {
    let (sign, exponent, fraction) = (bits >> 3, bits >> 1 & 3, Double(bits & 1) / 2)
    let magnitude = exponent == 0 ? fraction : (1 + fraction) * pow(2, Double(exponent - 1))
    return sign == 1 ? -magnitude : magnitude
  }

  @Test func everyByteAtEveryScaleIsItsTwoNumbers() {
    // Sixteen blocks hold every byte; each scale has them all.
    let blocks = (0..<256).flatMap { _ in (0..<256).map { UInt8($0) } }
    let scales = (0..<256).flatMap { [UInt8](repeating: UInt8($0), count: 16) }
    var values = [Float](repeating: 0, count: 2 * blocks.count)
    var span = values.mutableSpan
    Microscaling.widen(blocks: blocks.span.raw, scales: scales.span.raw, into: &span)
    var wrong = 0
    for (index, value) in values.enumerated() {
      let (byte, scale) = (Int(blocks[index / 2]), Int(scales[index / 32]))
      let bits = index % 2 == 0 ? byte & 15 : byte >> 4
      let expected = Float(number(bits) * pow(2, Double(scale - 127)))
      if value != expected || (value.sign != expected.sign) { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  private static let name = "gpt-oss-packed"

  private func open(_ folder: String) throws -> Int {
    let point = HookPoint(.residualAfter, layer: 0)
    return try Transformer.open(folder, for: [point]).weights.mappedByteCount
  }

  @Test func packedExpertsAreCountedAsTheyLieInTheirFile() throws {
    let folder = ModelFixtures.folder(Self.name)
    let packed = try open(folder)
    // Embeddings, attention and router in two bytes each; experts in 17 bytes for 32 numbers.
    let plain = 53 * 64 + 64 * (64 + 16 + 16) + 64 * 64 + 4 * 64
    let experts = 4 * (64 * 64 + 32 * 64)
    #expect(packed == 2 * plain + experts / 32 * 17)
  }

  private func failure(_ changed: (String) -> String) throws -> ModelError {
    let folder = try TemporaryFolder()
    let target = folder.file("model")
    try ModelFixtures.copy(Self.name, to: target, configuration: changed)
    return try #require(throws: ModelError.self) { _ = try open(target) }
  }

  @Test func onlyWholeBlocksArePacked() throws {
    let width = try failure { $0.replacing("\"hidden_size\": 64", with: "\"hidden_size\": 80") }
    #expect(
      width.sentence.hasSuffix(
        "config.json: hidden_size is 80 where a multiple of 32, which MXFP4 takes together, is "
          + "expected."))
  }

  @Test func otherQuantizationIsRefused() throws {
    let other = try failure { $0.replacing("\"mxfp4\"", with: "\"gptq\"") }
    #expect(
      other.sentence.hasSuffix("config.json: quantization_config is gptq, which is not supported."))
    let elsewhere = try #require(throws: ModelError.self) {
      _ = try ModelDescription.read(
        text: #"{"model_type": "llama", "quantization_config": {"quant_method": "mxfp4"}}"#,
        path: "config.json")
    }
    #expect(
      elsewhere.sentence == "config.json: quantization_config is mxfp4, which is not supported.")
  }

  @Test(arguments: [
    ("down_proj_scales", "[4, 64, 1]"), ("gate_up_proj_blocks", "[4, 64, 2, 16]"),
  ]) func whatIsMissingOfPackedExpertsIsNamed(tensor: String, shape: String) throws {
    let folder = try TemporaryFolder()
    let target = folder.file("model")
    try ModelFixtures.copy(Self.name, to: target) {
      $0
    } weights: { bytes, _ in
      let name = Array(tensor.utf8)
      for start in bytes.indices where bytes[start...].starts(with: name) {
        bytes[start] = UInt8(ascii: "x")
      }
    }
    let error = try #require(throws: ModelError.self) { _ = try open(target) }
    #expect(
      error.sentence == "\(target)/model.safetensors holds no tensor "
        + "model.layers.0.mlp.experts.\(tensor) of shape \(shape).")
  }
}
