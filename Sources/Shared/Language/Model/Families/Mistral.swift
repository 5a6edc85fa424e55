// Mistral: Llama whose layers all see a window of the last tokens, unless that is stated as null.
// After transformers' modeling_mistral.py.

enum Mistral {
  static func describe(
    _ configuration: ModelConfiguration
  ) throws(ModelError) -> ModelDescription {
    var model = try Llama.common(configuration, family: .mistral)
    let isStated = configuration.members["sliding_window"] != nil
    let window = isStated ? try configuration.slidingWindow() : 4096
    model.layers = try configuration.layers(window: window) { _ in window != nil }
    return model
  }
}
