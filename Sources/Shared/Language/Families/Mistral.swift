// Mistral: Llama whose layers all see a window of the last tokens, where one is stated. After
// transformers' modeling_mistral.py.

enum Mistral {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .mistral)
    let window = try configuration.slidingWindow()
    model.layers = try configuration.layers(window: window) { _ in window != nil }
    return model
  }
}
