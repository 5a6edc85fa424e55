// Options of a config.json that would change the forward pass in ways that it does not know:
// refused by name, never passed over.

extension ModelConfiguration {
  /// How weights that are no plain numbers are stored.
  var quantizationMethod: String? {
    guard let (_, quantization) = value(["quantization_config"]) else { return nil }
    return quantization["quant_method"]?.string ?? "set"
  }

  /// Refuses weights that are no plain numbers, but for a kind that a family reads.
  func refuseQuantization(unless known: String?) throws(ModelError) {
    guard let method = quantizationMethod, method != known else { return }
    throw unsupported("quantization_config", method, [])
  }

  /// Refuses a stated option whose value is none of some.
  func refuse(_ key: String, unless values: [JSON]) throws(ModelError) {
    guard let (_, stated) = value([key]), !values.contains(stated) else { return }
    throw unsupported(key, stated.string ?? stated.canonical, values.map(\.canonical))
  }
}
