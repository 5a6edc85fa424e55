// Rotary positions as config.json states them: `rope_parameters` of transformers 5, else the keys of
// transformers 4. After transformers' modeling_rope_utils.py.

import Foundation

extension ModelConfiguration {
  /// The rotary positions of a model: one kind for all layers, or two where `rope_parameters` is cut
  /// by type, first that of layers that see everything, then that of layers with a window.
  func rotary(
    headWidth: Int, fraction: Double = 1, base: Double = 10_000
  ) throws(ModelError) -> [Rotary] {
    let stated = value(["rope_parameters", "rope_scaling"])
    guard let (key, object) = stated,
      let members = object.object, members.values.contains(where: { $0.object != nil })
    else {
      return [try rotary(stated, headWidth: headWidth, fraction: fraction, base: base)]
    }
    let types = ["full_attention", "sliding_attention"]
    if let other = members.keys.sorted().first(where: { !types.contains($0) }) {
      throw unsupported("\(key).\(other)", "set", types)
    }
    var kinds: [Rotary] = []
    for type in types {
      guard let own = members[type] else { throw .missingKey(path: path, key: "\(key).\(type)") }
      kinds.append(
        try rotary(("\(key).\(type)", own), headWidth: headWidth, fraction: fraction, base: base))
    }
    return kinds
  }

  private func rotary(
    _ stated: (key: String, value: JSON)?, headWidth: Int, fraction: Double, base fallback: Double
  ) throws(ModelError) -> Rotary {
    let nested = stated?.value ?? .object([:])
    guard nested.object != nil else {
      throw wrong(stated?.key ?? "rope_parameters", nested, "a set of values")
    }
    let outer = try number("rope_theta", "rotary_emb_base", fallback: fallback)
    let base = try number("rope_theta", in: nested, fallback: outer)
    let share = try number(
      "partial_rotary_factor", in: nested,
      fallback: number("partial_rotary_factor", "rotary_pct", fallback: fraction))
    guard share <= 1 else {
      throw wrong("partial_rotary_factor", .number(share), "a share of a head, at most 1")
    }
    return Rotary(
      width: min(headWidth, Int(Double(headWidth) * share)) / 2 * 2, base: base,
      scaling: try scaling(stated))
  }

  private static let types = ["default", "linear", "dynamic", "llama3", "yarn"]

  private func scaling(_ stated: (key: String, value: JSON)?) throws(ModelError) -> RotaryScaling {
    guard let (key, object) = stated,
      let (typeKey, type) = value(["rope_type", "type"], in: object)
    else { return .none }
    switch type.string {
    // NTK scaling changes nothing up to the model's own context, beyond which no sequence goes.
    case "default", "dynamic": return .none
    case "linear": return .linear(factor: try number("factor", in: object))
    case "llama3":
      return .llama3(
        factor: try number("factor", in: object), low: try number("low_freq_factor", in: object),
        high: try number("high_freq_factor", in: object),
        originalContext: try number("original_max_position_embeddings", in: object))
    case "yarn": return .yarn(try yarn(object))
    default:
      throw unsupported("\(key).\(typeKey)", type.string ?? type.canonical, Self.types)
    }
  }

  private func yarn(_ object: JSON) throws(ModelError) -> Yarn {
    let limit = try number("max_position_embeddings")
    let original = try number("original_max_position_embeddings", in: object, fallback: limit)
    let factor = try number("factor", in: object, fallback: limit / original)
    func magnitude(_ scale: Double) -> Double {
      factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
    }
    var attentionFactor = magnitude(1)
    if value(["mscale"], in: object) != nil, value(["mscale_all_dim"], in: object) != nil {
      attentionFactor =
        magnitude(try number("mscale", in: object))
        / magnitude(try number("mscale_all_dim", in: object))
    }
    return Yarn(
      factor: factor, fast: try number("beta_fast", in: object, fallback: 32),
      slow: try number("beta_slow", in: object, fallback: 1), originalContext: original,
      attentionFactor: try number("attention_factor", in: object, fallback: attentionFactor),
      rounds: object["truncate"]?.bool ?? true)
  }
}
