import Shared
import Testing
import Trainer

@Suite("Normalization")
struct NormalizationTests {
  @Test("The factor gives rows the norm √d on average, or leaves them as they are")
  func factor() {
    #expect(Normalization(.expectedAverageOnlyIn, dIn: 16, meanNorm: 8).factor == 0.5)
    #expect(Normalization(.none, dIn: 16, meanNorm: 8) == .identity)
    #expect(Normalization(.expectedAverageOnlyIn, dIn: 16, meanNorm: 0).factor == 1)
  }

  @Test("Folding multiplies the encoder and divides the decoder and its bias")
  func folding() {
    var parameters = Parameters(dIn: 2, dSae: 1)
    for index in 0..<2 {
      parameters.encoder.buffer[index] = 3
      parameters.decoder.buffer[index] = 5
      parameters.decoderBias.buffer[index] = 7
    }
    parameters.encoderBias.buffer[0] = 9
    Normalization(.expectedAverageOnlyIn, dIn: 16, meanNorm: 8).fold(into: &parameters)
    #expect(parameters.encoder[0, 1] == 1.5)
    #expect(parameters.decoder[0, 1] == 10)
    #expect(parameters.decoderBias[0, 1] == 14)
    #expect(parameters.encoderBias[0, 0] == 9)
  }

  @Test("The mean norm is that of the whole cache")
  func exactMeanNorm() throws {
    let cache = try SyntheticCache()
    cache.pipeline.train.normalizeActivations = .expectedAverageOnlyIn
    let rows = try TrainingPlan(cache.pipeline, source: cache.source).prepared().rows
    var sum = 0.0
    let count = cache.shards * cache.rowsPerShard
    for row in 0..<count {
      let values = cache.row(row, .sparse)
      sum += values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let expected = Double(cache.dIn).squareRoot() / (sum / Double(count))
    #expect(abs(rows.normalization.factor - expected) < 1e-6 * expected)
  }
}
