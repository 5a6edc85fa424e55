// Options of a config.json that would change the forward pass in ways that it does not know:
// refused by name, never passed over.

extension ModelConfiguration {
  /// Refuses weights that are no plain numbers.
  func refuseQuantization() throws(ModelError) {
    guard let quantization = value(["quantization_config"]) else { return }
    let method = quantization.value["quant_method"]?.string ?? "set"
    throw unsupported("quantization_config", method, [])
  }

  /// Refuses a stated option whose value is none of some.
  func refuse(_ key: String, unless values: [JSON]) throws(ModelError) {
    guard let (_, stated) = value([key]), !values.contains(stated) else { return }
    throw unsupported(key, stated.string ?? stated.canonical, values.map(\.canonical))
  }
}
