// The histograms that SAELens logs of a run. Comes in: the state of training. Leaves: how decoder norms,
// biases and densities spread.

import Foundation
import Shared

extension TrainingState {
  /// Those that are logged with an evaluation; of values that are not finite there is none.
  func weightHistograms(_ kind: Architecture) -> [HistogramFigure: Distribution] {
    var histograms: [HistogramFigure: Distribution] = [:]
    histograms[.decoderNorms] = Distribution(parameters.decoderNorms.map { Float($0) })
    switch kind {
    case .standard: histograms[.encoderBias] = distribution(.encoderBias)
    case .gated:
      histograms[.gateBias] = distribution(.encoderBias)
      histograms[.magnitudeBias] = distribution(.magnitudeBias)
    default: break
    }
    return histograms
  }

  private func distribution(_ kind: ParameterKind) -> Distribution? {
    parameters.with(kind) { values in Distribution(values.span.indices.map { values.span[$0] }) }
  }

  /// log₁₀(density + 1e-10) of each latent over the sampling window, in SAELens's precision.
  var logDensities: [Float] {
    let samples = Float(max(1, activeSamples))
    return (0..<activeCounts.count).map { log10(Float(activeCounts[$0]) / samples + 1e-10) }
  }
}
