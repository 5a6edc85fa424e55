import Foundation
import Shared
import Support
import Testing

import Trainer

@Suite("What is known of every latent")
struct FeatureFiguresTests {
  @Test("Sequences are counted once for every latent that is active in them")
  func sequences() {
    var counts = SequenceCounts(latentCount: 4)
    counts.add(sequence: 0, latents: ([0, 2] as [Int32]).span)
    counts.add(sequence: 0, latents: ([0] as [Int32]).span)
    counts.add(sequence: 0, latents: ([Int32]()).span)
    counts.add(sequence: 5, latents: ([0, 3] as [Int32]).span)
    let consistency = counts.consistency
    #expect(consistency[0] == 1.5 && consistency[2] == 1 && consistency[3] == 1)
    #expect(consistency[1].isNaN)
  }

  @Test("Lists have SAELens's names, a line each, and null for what is not known")
  func json() throws {
    var features = FeatureFigures()
    features[.density] = [0.5, 0]
    features[.consistency] = [2, .nan]
    #expect(
      features.json.pretty == """
        {
          "consistent_activation_heuristic": [2,null],
          "feature_density": [0.5,0]
        }

        """)
    let read = FeatureFigures(try JSON(parsing: Array(features.json.pretty.utf8)))
    #expect(read[.density] == [0.5, 0])
    #expect(read[.consistency]?[0] == 2 && read[.consistency]?[1].isNaN == true)
    #expect(read[.encoderNorm] == nil)
    #expect(
      FeatureFigure.all.map(\.name) == [
        "feature_density", "consistent_activation_heuristic", "encoder_bias", "encoder_norm",
        "encoder_decoder_cosine_sim",
      ])
  }

  private func features(_ kind: Architecture, dOut: Int? = nil) -> FeatureFigures {
    var settings = TrainSettings()
    settings.architecture = kind
    settings.dSae = 2
    let configuration = SAEConfiguration(settings, dIn: 2, dOut: dOut)
    var parameters = Parameters(configuration.shape)
    let encoder: [Float] = [3, 4, 0, 2]
    for (index, value) in encoder.enumerated() { parameters.encoder.buffer[index] = value }
    parameters.decoder.buffer[0] = 1
    for latent in 0..<2 { parameters.encoderBias.buffer[latent] = Float(latent) - 0.5 }
    let sae = TrainedSAE(configuration, parameters)
    return FeatureFigures(sae)
  }

  @Test("Norms, biases and cosines are those of the weights")
  func weights() throws {
    let plain = features(.standard)
    #expect(plain[.encoderNorm] == [5, 2])
    #expect(plain[.encoderBias] == [-0.5, 0.5])
    let cosines = try #require(plain[.encoderDecoderCosine])
    #expect(abs(cosines[0] - 0.6) < 1e-6)
    // A latent that writes nothing has no direction.
    #expect(cosines[1].isNaN)
  }

  @Test("A gate has no single bias, other widths have no cosine, and no encoder has no norm")
  func absent() {
    #expect(features(.gated)[.encoderBias] == nil)
    #expect(features(.gated)[.encoderNorm] == [5, 2])
    #expect(features(.transcoder, dOut: 3)[.encoderDecoderCosine] == nil)
    #expect(features(.transcoder, dOut: 2)[.encoderDecoderCosine] != nil)
  }
}
