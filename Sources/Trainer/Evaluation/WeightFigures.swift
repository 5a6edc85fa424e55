// What the weights of an SAE alone say of its latents. Comes in: an SAE. Leaves: norms and biases of
// encoder rows, and their cosines with the decoder's, as SAELens's `get_featurewise_weight_based_metrics`.

import Shared

extension FeatureFigures {
  /// The figures of the weights; where the SAE has no encoder of its own, none.
  ///
  /// There is no cosine where encoder and decoder are of different widths, and no bias of an SAE whose
  /// gate and magnitude each have one.
  package init(_ sae: borrowing TrainedSAE) {
    self = sae.withParameters { FeatureFigures($0) }
  }

  private init(_ parameters: borrowing Parameters) {
    self.init()
    let shape = parameters.shape
    guard shape.has(.encoder) else { return }
    self[.encoderNorm] = parameters.encoderNorms
    if shape.dIn == shape.dOut { self[.encoderDecoderCosine] = parameters.encoderDecoderCosines }
    if shape.has(.encoderBias), !shape.has(.magnitudeBias) {
      self[.encoderBias] = (0..<shape.dSae).map { Double(parameters.encoderBias.buffer[$0]) }
    }
  }
}
