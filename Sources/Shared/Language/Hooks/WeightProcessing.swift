// TransformerLens's processing of weights. It rewrites them so that every layer norm loses gain and
// bias, what is written to the residual stream has no mean, and values have no bias; the model's
// predictions stay the same. What changes at the hook points follows from the unprocessed model, so
// the weights stay as they are and only what is lent to a tap is changed.

/// Which of TransformerLens's steps activations are to look processed by.
package struct WeightProcessing: Sendable, Equatable {
  /// `fold_ln`: norms lose gain and bias to the weights after them.
  package var foldsNorms = false
  /// `center_writing_weights`: no mean over the residual stream; only with layer norms.
  package var centersWriting = false
  /// `center_unembed`: no mean over the vocabulary; not where logits are capped.
  package var centersUnembedding = false
  /// `fold_value_biases`: values and what is mixed from them lose their bias.
  package var foldsValueBiases = false

  package init(
    foldsNorms: Bool = false, centersWriting: Bool = false, centersUnembedding: Bool = false,
    foldsValueBiases: Bool = false
  ) {
    self.foldsNorms = foldsNorms
    self.centersWriting = centersWriting
    self.centersUnembedding = centersUnembedding
    self.foldsValueBiases = foldsValueBiases
  }

  /// What the rows of a hook point lose.
  enum Change: Sendable {
    case none
    /// The mean over each run of so many elements.
    case mean(over: Int)
    /// The same, but for the mean of the token's embedding.
    case meanBesidesEmbedding(over: Int)
    case valueBias
  }

  /// What the rows of a site lose in a model.
  ///
  /// Two more follow from these in the pass: results are computed from the values as they are
  /// shown, and the unembedding's input is shown without the gain where norms are folded.
  func change(at site: HookSite, in model: ModelDescription) -> Change {
    switch site {
    case .embedding:
      // The norm of embeddings takes the mean of the table away anyhow, and leaves one of its own.
      centers(model) && model.tensors.embeddingNorm == nil ? .mean(over: model.width) : .none
    case .residualBefore, .residualBetween, .residualAfter:
      !centers(model)
        ? .none
        : model.tensors.embeddingNorm == nil
          ? .mean(over: model.width) : .meanBesidesEmbedding(over: model.width)
    case .positions, .attentionOutput, .mlpOutput, .result:
      centers(model) ? .mean(over: model.width) : .none
    case .value, .mixed:
      // Norms stand between biases and what is mixed, those of values or of what they are made of.
      foldsValueBiases && model.tensors.headNorms?.value == nil && model.latent == nil
        ? .valueBias : .none
    case .logits:
      // A cap would see it too.
      centersUnembedding && model.logitCap == nil ? .mean(over: model.vocabularySize) : .none
    default: .none
    }
  }

  /// Whether what is written loses its mean; root-mean-square norms would see that it is gone, and so would
  /// a model without norms.
  func centers(_ model: ModelDescription) -> Bool {
    centersWriting && model.norm == .layer && model.finalNorm == nil
      && model.tensors.finalNorm != nil && model.tensors.blockNorm == nil
  }
}
