// Rotary positions as config.json states them: `rope_scaling` and keys beside it in the spelling of
// transformers 4, `rope_parameters` in that of 5. After transformers' modeling_rope_utils.py and the
// configuration classes that have rules of their own.

import Foundation

/// What a family's configuration class makes of keys that a file leaves out, and which keys it reads
/// beside `rope_parameters`.
struct RotaryRules {
  /// θ where none is stated.
  var base: Double = 10_000
  var baseKey = "rope_theta"
  /// The share of a head that is rotated where none is stated.
  var share: Double = 1
  var shareKey = "partial_rotary_factor"
  /// Whether a share that is stated has an effect where wavelengths are not scaled.
  var readsShare = false
  /// Whether of an odd number of elements the last is rotated with the one after it.
  var roundsUp = false
}

extension ModelConfiguration {
  /// The rotary positions of a model in which all layers have the same.
  func rotary(headWidth: Int, _ rules: RotaryRules = RotaryRules()) throws(ModelError) -> [Rotary] {
    let stated = statedRotary()
    // Families that do not know types of layers pass over what is stated by type.
    for type in Self.layerTypes where stated?.value[type] != nil && members["layer_types"] != nil {
      throw unsupported("\(stated?.key ?? "").\(type)", "set", [])
    }
    return [try rotary(stated, headWidth: headWidth, rules)]
  }

  /// The rotary positions of layers that see everything, and those of layers with a window.
  ///
  /// Keys of transformers 4 mean the first kind; `localKey` states the θ of the second.
  func rotaryByLayer(
    headWidth: Int, localHeadWidth: Int? = nil, base: Double, localBase: Double,
    localKey: String? = nil
  ) throws(ModelError) -> [Rotary] {
    let parameters = value(["rope_parameters"])?.value
    var kinds: [Rotary] = []
    for (type, base, baseKey) in zip3(
      Self.layerTypes, [base, localBase], ["rope_theta", localKey])
    {
      let key = "rope_parameters.\(type)"
      // A `type` in `rope_scaling` says nothing beside a `rope_type`, as that of this default.
      var members: [String: JSON] = ["rope_type": .string("default")]
      if let own = parameters?[type], own != .null {
        guard let stated = own.object else { throw wrong(key, own, "a set of values") }
        members = stated
      }
      if type == "full_attention", let scaling = value(["rope_scaling"])?.value.object {
        guard parameters == nil || parameters?[type]?.object != nil else {
          throw .missingKey(path: path, key: key)
        }
        members.merge(scaling) { $1 }
      }
      let rules = RotaryRules(base: base, baseKey: baseKey ?? "")
      let width = type == "full_attention" ? headWidth : localHeadWidth ?? headWidth
      kinds.append(try rotary((key, .object(members)), headWidth: width, rules, isOfLayer: true))
    }
    return kinds
  }

  private static let layerTypes = ["full_attention", "sliding_attention"]

  private func zip3(
    _ types: [String], _ bases: [Double], _ keys: [String?]
  ) -> [(String, Double, String?)] {
    types.indices.map { (types[$0], bases[$0], keys[$0]) }
  }

  /// What a file states: `rope_scaling` wins unless it is empty.
  func statedRotary() -> (key: String, value: JSON)? {
    if let scaling = value(["rope_scaling"]), scaling.value.object?.isEmpty != true {
      return scaling
    }
    return value(["rope_parameters"])
  }

  private func rotary(
    _ stated: (key: String, value: JSON)?, headWidth: Int, _ rules: RotaryRules,
    isOfLayer: Bool = false
  ) throws(ModelError) -> Rotary {
    let nested = stated?.value ?? .object([:])
    guard nested.object != nil else {
      throw wrong(stated?.key ?? "rope_parameters", nested, "a set of values")
    }
    let base = try number(
      "rope_theta", in: nested, fallback: number(rules.baseKey, fallback: rules.base))
    let share = try number(
      "partial_rotary_factor", in: nested, fallback: number(rules.shareKey, fallback: rules.share))
    var scaling = try scaling(stated, isOfLayer: isOfLayer)
    var isWholeHead = share == 1
    if case .first(_, let factor) = scaling {
      // More than a head is refused below.
      scaling = .first(pairs: Int(min(share, 1) * Double(headWidth) / 2), factor: factor)
      isWholeHead = true
    }
    guard share <= 1, rules.readsShare || scaling == .none || isWholeHead else {
      throw wrong(
        rules.shareKey, .number(share),
        rules.readsShare ? "a share of a head, at most 1" : "a whole head, 1")
    }
    let width = rules.readsShare ? Int(Double(headWidth) * share) : headWidth
    let isWhole = width % 2 == 0 || rules.roundsUp && width < headWidth && !scaling.isYarn
    guard width > 0, isWhole else {
      throw wrong(
        rules.shareKey, .number(share), "a share that rotates an even number of \(headWidth)")
    }
    if case .long(let long) = scaling {
      for (key, factors) in [("short_factor", long.short), ("long_factor", long.long)] {
        guard factors.count == (width + 1) / 2 else {
          throw .wrongValue(
            path: path, key: "\(stated?.key ?? "").\(key)", value: "\(factors.count) numbers",
            expected: "one for each of the \((width + 1) / 2) pairs of a head")
        }
      }
    }
    return Rotary(width: width, base: base, scaling: scaling)
  }
}

extension ModelConfiguration {
  private static let types = ["default", "linear", "dynamic", "llama3", "yarn", "longrope"]

  /// How wavelengths are stretched.
  private func scaling(
    _ stated: (key: String, value: JSON)?, isOfLayer: Bool
  ) throws(ModelError) -> RotaryScaling {
    guard let (key, object) = stated,
      let (typeKey, type) = value(["rope_type", "type"], in: object)
    else { return .none }
    switch type.string {
    // NTK scaling changes nothing up to the model's own context, beyond which no sequence goes.
    case "default", "dynamic": return .none
    case "linear": return .linear(factor: try number("factor", in: object))
    // Of a share of each head, which its caller knows.
    case "proportional" where isOfLayer:
      return .first(pairs: 0, factor: try number("factor", in: object, fallback: 1))
    case "llama3":
      return .llama3(
        factor: try number("factor", in: object), low: try number("low_freq_factor", in: object),
        high: try number("high_freq_factor", in: object),
        originalContext: try originalContext(object, isOfLayer: isOfLayer))
    case "yarn": return .yarn(try yarn(object, isOfLayer: isOfLayer))
    case "longrope": return .long(try long(object, isOfLayer: isOfLayer))
    default:
      throw unsupported(
        "\(key).\(typeKey)", type.string ?? type.canonical,
        Self.types + (isOfLayer ? ["proportional"] : []))
    }
  }

  /// The context before stretching: what stands beside `rope_parameters` wins, unless these are
  /// those of a kind of layers.
  func originalContext(_ object: JSON, isOfLayer: Bool) throws(ModelError) -> Double {
    let key = "original_max_position_embeddings"
    if !isOfLayer, value([key]) != nil { return try number(key) }
    return try number(key, in: object, fallback: number("max_position_embeddings"))
  }

  private func yarn(_ object: JSON, isOfLayer: Bool) throws(ModelError) -> Yarn {
    let original = try originalContext(object, isOfLayer: isOfLayer)
    let limit = try number("max_position_embeddings")
    let factor = try number("factor", in: object, fallback: limit / original)
    func magnitude(_ scale: Double) -> Double {
      factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
    }
    func optional(_ key: String) -> Double? {
      object[key]?.double.flatMap { $0 == 0 ? nil : $0 }
    }
    var attentionFactor = magnitude(1)
    if let scale = optional("mscale"), let all = optional("mscale_all_dim") {
      attentionFactor = magnitude(scale) / magnitude(all)
    }
    return Yarn(
      factor: factor, fast: optional("beta_fast") ?? 32, slow: optional("beta_slow") ?? 1,
      originalContext: original,
      attentionFactor: try number("attention_factor", in: object, fallback: attentionFactor),
      // transformers looks for it beside the kinds of layers.
      rounds: isOfLayer ? true : object["truncate"]?.bool ?? true)
  }

  func long(_ object: JSON, isOfLayer: Bool) throws(ModelError) -> LongRotary {
    let original = try originalContext(object, isOfLayer: isOfLayer)
    let limit = try number("max_position_embeddings")
    let factor = try number("factor", in: object, fallback: limit / original)
    let fallback = factor <= 1 ? 1 : (1 + log(factor) / log(original)).squareRoot()
    func factors(_ key: String) throws(ModelError) -> [Double] {
      let stated = object[key] ?? .null
      let numbers = stated.array?.map(\.double) ?? []
      guard !numbers.isEmpty, numbers.allSatisfy({ ($0 ?? 0) > 0 }) else {
        throw wrong(key, stated, "a list of numbers above 0")
      }
      return numbers.compactMap { $0 }
    }
    return LongRotary(
      short: try factors("short_factor"), long: try factors("long_factor"),
      originalContext: original,
      attentionFactor: try number("attention_factor", in: object, fallback: fallback))
  }
}
