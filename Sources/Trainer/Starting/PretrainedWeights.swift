// The weights of an SAE that training starts from. Comes in: what the SAE is, and the file of its weights.
// Leaves: initial parameters in the scale of the run's data, with what was kept beside them taken in.

import Foundation
import Shared

extension PretrainedSAE {
  /// Fills the parameters of a state that is as it was made.
  package func fill(
    _ state: inout TrainingState, _ normalization: Normalization, _ configuration: SAEConfiguration
  ) throws {
    let file = try WeightFile.open(weights)
    for kind in state.parameters.shape.kinds where kind != .threshold {
      try fill(kind, of: &state.parameters, file)
    }
    try takeFactors(&state.parameters, file)
    let threshold = try fillThresholds(&state.parameters, file)
    try marks.check()
    for latent in 0..<state.parameters.latentScale.count {
      state.parameters.latentScale.buffer[latent] = 1
    }
    var scale = 1.0
    // From weights for rows times `factor` to weights for rows as the run sees them.
    if case .factor(let factor) = sae.scale { scale = factor / normalization.factor }
    Normalization(factor: scale).fold(into: &state.parameters)
    if let threshold, state.carried[BatchTopKSAE.thresholdName] != nil {
      // It is one of pre-activations times norms, where latents are compared so.
      let norm = configuration.comparesByDecoderNorm ? scale : 1
      state.carried[BatchTopKSAE.thresholdName] = [max(0, threshold) / norm]
    }
    guard state.parameters.isFinite else { throw PretrainedSAEError.notFinite(path: weights) }
  }

  private func fill(
    _ kind: ParameterKind, of parameters: inout Parameters, _ file: borrowing WeightFile
  ) throws {
    guard let place = sae.layout.places[kind] else { return }
    guard let tensor = file.first(place.names) else {
      if sae.layout.optional.contains(kind) { return }
      throw WeightError.missing(path: weights, tensor: place.names[0])
    }
    guard let size = parameters.shape.size(kind) else { return }
    var matrix = Matrix(rows: size.rows, columns: size.columns)
    try file.read(tensor, isTransposed: place.isTransposed, into: &matrix)
    parameters.change(kind) { target in
      var values = target.mutableSpan
      Kernels.copy(matrix.span, to: &values)
    }
  }

  /// Fills the thresholds of latents; returns the one that all of them share, where there is one.
  private func fillThresholds(
    _ parameters: inout Parameters, _ file: borrowing WeightFile
  ) throws -> Double? {
    var shared: Double?
    if let tensor = file.first(sae.layout.sharedThreshold) { shared = file.number(tensor) }
    let count = parameters.shape.dSae
    var thresholds = Matrix(rows: 1, columns: count)
    if let shared {
      // Where the norms of its decoder were compared too, they must be in what is compared with it.
      if parameters.shape.has(.threshold), sae.comparesByDecoderNorm {
        parameters.foldDecoderNorms()
      }
      for latent in 0..<count { thresholds.buffer[latent] = Float(max(0, shared)) }
    } else if let place = sae.layout.places[.threshold], let tensor = file.first(place.names) {
      try file.read(tensor, isTransposed: false, into: &thresholds)
    } else if let name = sae.layout.logarithm, let tensor = file.tensors[name] {
      try file.read(tensor, isTransposed: false, into: &thresholds)
      for latent in 0..<count { thresholds.buffer[latent] = exp(thresholds.buffer[latent]) }
    } else {
      guard parameters.shape.has(.threshold) else { return nil }
      throw WeightError.missing(path: weights, tensor: "threshold")
    }
    let first = thresholds.buffer[0]
    let isShared = (0..<count).allSatisfy { thresholds.buffer[$0] == first }
    if parameters.shape.has(.threshold) { parameters.threshold = thresholds }
    return isShared ? Double(first) : nil
  }

  /// Takes the factors that fine-tuning gave to latents into the decoder.
  private func takeFactors(_ parameters: inout Parameters, _ file: borrowing WeightFile) throws {
    guard let tensor = file.first(sae.layout.factors) else { return }
    var factors = Matrix(rows: 1, columns: parameters.shape.dSae)
    try file.read(tensor, isTransposed: false, into: &factors)
    let isPlain = (0..<factors.count).allSatisfy { abs(factors.buffer[$0] - 1) < 1e-5 }
    if isPlain { return }
    guard sae.layout.takesFactors else {
      throw PretrainedSAEError.factors(path: weights, tensor: tensor.entry.name)
    }
    let width = parameters.shape.dOut
    for latent in 0..<factors.count {
      for column in 0..<width {
        parameters.decoder.buffer[latent * width + column] *= factors.buffer[latent]
      }
    }
  }
}

extension StartingSAE {
  fileprivate var comparesByDecoderNorm: Bool {
    formula["rescale_acts_by_decoder_norm"]?.bool == true
  }
}
