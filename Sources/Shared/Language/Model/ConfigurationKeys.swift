// What transformers reads of a family's config.json: the fields of its configuration class with their
// defaults, other spellings of them, and what its model asks for besides. Everything else in a file
// changes nothing there, and nothing here.

/// The keys that a family reads.
struct ConfigurationKeys: Sendable {
  /// Values of keys that a file leaves out; null for none.
  var defaults: [String: JSON]
  /// Other spellings of keys, which win where a file has both.
  var aliases: [String: String]
  /// Keys with a default that a file may set to null all the same.
  var nullable: Set<String>
  /// Keys without a default that a file may not set to null.
  var asked: Set<String>
  init(
    _ defaults: [String: JSON], aliases: [String: String] = [:], nullable: Set<String> = [],
    asked: Set<String> = []
  ) {
    self.defaults = defaults
    self.aliases = aliases
    self.nullable = nullable
    self.asked = asked
  }

  /// Some more keys, or other defaults.
  func with(
    _ defaults: [String: JSON] = [:], nullable: Set<String> = [], asked: Set<String> = []
  ) -> ConfigurationKeys {
    ConfigurationKeys(
      self.defaults.merging(defaults) { $1 }, aliases: aliases,
      nullable: self.nullable.union(nullable), asked: self.asked.union(asked))
  }

  /// The same without some keys.
  func without(_ keys: String...) -> ConfigurationKeys {
    var fewer = self
    for key in keys { fewer.defaults[key] = nil }
    return fewer
  }

  /// The keys by which a file states rotary positions, in the spellings of transformers 4 and 5.
  static let rotary: [String: JSON] = [
    "rope_parameters": .null, "rope_scaling": .null, "rope_theta": .null,
    "partial_rotary_factor": .null, "original_max_position_embeddings": .null,
  ]
}

extension ModelConfiguration {
  /// Every key that a family reads with its value, and no other key.
  func resolved(by keys: ConfigurationKeys) throws(ModelError) -> ModelConfiguration {
    // transformers takes it for every family; a family that reads it says so.
    let layers = "per_layer_config"
    if keys.defaults[layers] == nil, let (_, stated) = value([layers]), stated != .object([:]) {
      throw unsupported(layers, "set", [])
    }
    var resolved: [String: JSON] = [:]
    for (key, fallback) in keys.defaults {
      let stated = members[key]
      let isNullable =
        keys.nullable.contains(key) || fallback == .null && !keys.asked.contains(key)
      if stated == .null, !isNullable { throw wrong(key, .null, "a value") }
      resolved[key] = stated ?? fallback
    }
    for (alias, key) in keys.aliases.sorted(by: { $0.key < $1.key }) {
      guard let stated = members[alias] else { continue }
      resolved[key] = stated
    }
    return ModelConfiguration(members: .object(resolved), path: path)
  }

  /// The same with a value for a key that is null.
  func filling(_ key: String, _ value: JSON) -> ModelConfiguration {
    guard self.value([key]) == nil else { return self }
    let members = (members.object ?? [:]).merging([key: value]) { $1 }
    return ModelConfiguration(members: .object(members), path: path)
  }

  /// The same without a key.
  func without(_ key: String) -> ModelConfiguration {
    let members = (members.object ?? [:]).filter { $0.key != key }
    return ModelConfiguration(members: .object(members), path: path)
  }

  /// The same without the keys of rotary positions.
  func withoutRotary() -> ModelConfiguration {
    let members = (members.object ?? [:]).filter { ConfigurationKeys.rotary[$0.key] == nil }
    return ModelConfiguration(members: .object(members), path: path)
  }
}
