// Whether the text was cut into the tokens that the model knows. Comes in: a pipeline file. Leaves: a warning
// where the model has a tokenizer of its own beside it, and it gives other ids than the one that is named.

package enum TokenizerAgreement {
  /// What tokenizers of one vocabulary may differ in: case, digits, spaces, lines, scripts, symbols.
  private static let sample = """
    The Quick brown fox's 1234567 jumps,  twice\tover\n\n    x = y_1 + 2; // été naïve Straße
    Привет, мир! 你好，世界。 こんにちは مرحبا नमस्ते 🙂 don't I'LL www.example.org/a?b=c#d
    """

  /// A warning; nil where the ids are the same, or where one of the two tokenizers is not here.
  ///
  /// Of the Hub only what was fetched before counts as here.
  package static func warning(
    _ pipeline: Pipeline, through door: (any HubDoor)? = nil
  ) -> String? {
    let door = door?.cached
    guard let name = pipeline.pretokenize.tokenizerName,
      let named = InputResolver.tokenizer(pipeline.pretokenize, through: door).value ?? nil,
      let own = InputResolver.modelTokenizer(pipeline.cache, through: door), own != named,
      let ids = ids(named), let ownIds = self.ids(own), ids != ownIds
    else { return nil }
    return
      "pretokenize.tokenizer_name \(name) gives other token ids than the tokenizer of the model "
      + "\(pipeline.cache.modelName); activations of such tokens mean little"
  }

  private static func ids(_ path: String) -> [UInt32]? {
    guard let tokenizer = try? Tokenizer.open(path) else { return nil }
    var encoder = TokenEncoder(tokenizer)
    var ids: [UInt32] = []
    let bytes = Array(sample.utf8)
    encoder.encode(bytes.span, into: &ids)
    return ids
  }
}
