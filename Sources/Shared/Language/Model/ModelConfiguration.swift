// Reading a Hugging Face config.json. Comes in: a file, in the spelling of transformers 4 or 5.
// Leaves: values of known type, or an error that names file and key.

/// The members of a config.json.
struct ModelConfiguration {
  static let fileName = "config.json"

  let members: JSON
  let path: String

  static func open(folder: String) throws -> ModelConfiguration {
    let path = folder + "/" + fileName
    guard try System.isThere(path) else { throw ModelError.noConfiguration(folder: folder) }
    return try ModelConfiguration(text: MappedFile.open(path).bytes.copied(), path: path)
  }

  /// A part of a configuration; an empty one where it is null or left out.
  func part(_ key: String) throws(ModelError) -> ModelConfiguration {
    let part = value([key])?.value ?? .object([:])
    guard part.object != nil else { throw wrong(key, part, "a set of values") }
    return ModelConfiguration(members: part, path: path)
  }

  init(members: JSON, path: String) {
    self.members = members
    self.path = path
  }

  init(text: [UInt8], path: String) throws(ModelError) {
    guard let members = try? JSON(parsing: text), members.object != nil else {
      throw .malformed(path: path)
    }
    self.members = members
    self.path = path
  }

  /// The value of the first of some spellings that is stated; null counts as not stated.
  func value(_ keys: [String], in object: JSON? = nil) -> (key: String, value: JSON)? {
    for key in keys {
      if let value = (object ?? members)[key], value != .null { return (key, value) }
    }
    return nil
  }

  /// A count of at least one; the limit keeps products of sizes within an Int.
  func count(
    _ keys: String..., fallback: Int? = nil, limit: Int = 1 << 24
  ) throws(ModelError) -> Int {
    guard let (key, value) = value(keys) else {
      guard let fallback else { throw .missingKey(path: path, key: keys[0]) }
      return fallback
    }
    guard let count = value.integer, count >= 1, count <= limit else {
      throw wrong(key, value, "a whole number from 1 to \(limit)")
    }
    return count
  }

  /// A count that may be zero.
  func size(_ key: String, limit: Int = 1 << 24) throws(ModelError) -> Int {
    guard let (_, value) = value([key]) else { throw .missingKey(path: path, key: key) }
    guard let size = value.integer, size >= 0, size <= limit else {
      throw wrong(key, value, "a whole number from 0 to \(limit)")
    }
    return size
  }

  /// A number above zero.
  func number(
    _ keys: String..., in object: JSON? = nil, fallback: Double? = nil
  ) throws(ModelError) -> Double {
    guard let (key, value) = value(keys, in: object) else {
      guard let fallback else { throw .missingKey(path: path, key: keys[0]) }
      return fallback
    }
    guard let number = value.double, number > 0 else { throw wrong(key, value, "a number above 0") }
    return number
  }

  func flag(_ key: String, fallback: Bool? = nil) throws(ModelError) -> Bool {
    guard let (key, value) = value([key]) else {
      guard let fallback else { throw .missingKey(path: path, key: key) }
      return fallback
    }
    guard let flag = value.bool else { throw wrong(key, value, "true or false") }
    return flag
  }

  /// A number above zero that may be left out or null.
  func optionalNumber(_ key: String) throws(ModelError) -> Double? {
    value([key]) == nil ? nil : try number(key)
  }

  /// A list of texts that may be left out or null.
  func texts(_ key: String) throws(ModelError) -> [String]? {
    guard let (key, value) = value([key]) else { return nil }
    guard let texts = value.array?.map(\.string), texts.allSatisfy({ $0 != nil }) else {
      throw wrong(key, value, "a list of texts")
    }
    return texts.compactMap { $0 }
  }

  func text(_ key: String, fallback: String? = nil) throws(ModelError) -> String {
    guard let (key, value) = value([key]) else {
      guard let fallback else { throw .missingKey(path: path, key: key) }
      return fallback
    }
    guard let text = value.string else { throw wrong(key, value, "a text") }
    return text
  }

  func wrong(_ key: String, _ value: JSON, _ expected: String) -> ModelError {
    .wrongValue(path: path, key: key, value: value.canonical, expected: expected)
  }

  func unsupported(_ key: String, _ value: String, _ supported: [String]) -> ModelError {
    .unsupported(path: path, key: key, value: value, supported: supported)
  }
}

extension ModelConfiguration {
  private static let activations: [(name: String, activation: Activation)] = [
    ("gelu", .gelu), ("gelu_python", .gelu), ("gelu_new", .geluTanh), ("gelu_fast", .geluTanh),
    ("gelu_pytorch_tanh", .geluTanh), ("gelu_python_tanh", .geluTanh),
    ("gelu_accurate", .geluTanh), ("silu", .silu), ("swish", .silu), ("relu", .relu),
    ("quick_gelu", .quickGELU), ("relu2", .squaredReLU),
  ]

  /// Those of TransformerLens's own models; the norm that goes with the last is read apart.
  private static let lensActivations: [(name: String, activation: Activation)] = [
    ("gelu", .gelu), ("gelu_new", .geluTanh), ("gelu_fast", .geluTanh),
    ("gelu_pytorch_tanh", .geluTanh), ("relu", .relu), ("silu", .silu), ("solu", .solu),
    ("solu_ln", .solu),
  ]

  func activation(_ key: String) throws(ModelError) -> Activation {
    try activation(key, of: Self.activations)
  }

  func lensActivation(_ key: String) throws(ModelError) -> Activation {
    try activation(key, of: Self.lensActivations)
  }

  private func activation(
    _ key: String, of known: [(name: String, activation: Activation)]
  ) throws(ModelError) -> Activation {
    let name = try text(key)
    guard let match = known.first(where: { $0.name == name }) else {
      throw unsupported(key, name, known.map(\.name))
    }
    return match.activation
  }
}
