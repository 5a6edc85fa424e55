// A small SAE with random parameters and batches, as the engine and as its textbook twin see it.

import Shared
import Support
import Testing

import Trainer

struct SAETrial: Sendable, CustomTestStringConvertible {
  var settings = TrainSettings()
  var name = ""
  var dIn = 16
  var rows = 12
  var seed = 1
  /// Latents that have not been active for longer than the window.
  var dead: [Int] = []
  var sparsityCoefficient = 0.1

  var testDescription: String { name }

  init(_ architecture: Architecture, dSae: Int = 64, _ change: (inout SAETrial) -> Void = { _ in })
  {
    settings.architecture = architecture
    settings.dSae = dSae
    settings.k = 8
    settings.deadFeatureWindow = 2
    change(&self)
  }

  var configuration: SAEConfiguration { SAEConfiguration(settings, dIn: dIn) }
  var dSae: Int { configuration.dSae }

  func engine(_ path: StepPath) -> Engine { Engine(configuration, batchRows: rows, path: path) }

  /// Sizes of the tensors and the spread of their numbers.
  private var shapes: [(count: Int, spread: Double)] {
    let width = Double(dIn).squareRoot()
    return [(dSae * dIn, 1 / width), (dSae, 0.1), (dSae * dIn, 0.7 / width), (dIn, 0.3)]
  }

  /// W_encᵀ, b_enc, W_dec, b_dec: normal numbers, decoder rows of different norms.
  var tensors: [[Float]] {
    shapes.enumerated().map { index, shape in
      let random = Random(seed: seed, stream: "tensor", index: index)
      return (0..<shape.count).map { element in
        let weight = index == 2 ? 0.3 + Double(element / dIn % 7) / 5 : 1
        return Float(random.normal(element) * shape.spread * weight)
      }
    }
  }

  var state: TrainingState {
    var state = TrainingState(dIn: dIn, dSae: dSae)
    state.parameters.fill(tensors)
    for latent in dead { state.passesSinceFired[latent] = 3 }
    return state
  }

  /// Rows `[rows, d]` whose mean is not zero.
  func batch(_ index: Int = 0) -> [Float] {
    let random = Random(seed: seed, stream: "batch", index: index)
    return (0..<rows * dIn).map { Float(random.normal($0) + 0.3 * Double($0 % dIn % 3)) }
  }

  var reference: SAEReference {
    var formula = SAEReference.Formula()
    formula.k = settings.architecture == .topk ? Int(settings.k) : nil
    formula.isRescaled = settings.rescaleActsByDecoderNorm
    formula.subtractsBias = settings.applyBDecToInput
    formula.exponent = settings.lpNorm
    formula.sparsityCoefficient = sparsityCoefficient
    formula.auxiliaryCoefficient =
      settings.architecture == .topk ? settings.auxLossCoefficient : 0
    formula.dead = dead
    return SAEReference(width: dIn, latents: dSae, formula, tensors: tensors)
  }

  /// A batch as rows in double precision.
  func doubleRows(_ batch: [Float]) -> [[Double]] {
    stride(from: 0, to: batch.count, by: dIn).map { batch[$0..<$0 + dIn].map(Double.init) }
  }
}

extension Parameters {
  mutating func fill(_ tensors: [[Float]]) {
    encoder.fill(tensors[0])
    encoderBias.fill(tensors[1])
    decoder.fill(tensors[2])
    decoderBias.fill(tensors[3])
  }

  /// W_encᵀ, b_enc, W_dec, b_dec.
  var tensors: [[Float]] {
    [encoder.values, encoderBias.values, decoder.values, decoderBias.values]
  }
}

extension Matrix {
  mutating func fill(_ values: [Float]) {
    precondition(values.count == count, "another shape")
    for index in 0..<count { buffer[index] = values[index] }
  }

  var values: [Float] { (0..<count).map { buffer[$0] } }

  /// The transpose, `[columns, rows]`.
  static func transpose(_ values: [Float], rows: Int) -> [Float] {
    let columns = values.count / rows
    return (0..<values.count).map { values[$0 % rows * columns + $0 / rows] }
  }
}

/// The largest |x − y| over |y| + `floor` · max |y|; infinite where lengths differ or not finite.
func worstError(_ values: [Float], _ expected: [Float], floor: Float = 1e-3) -> Float {
  guard values.count == expected.count else { return .infinity }
  let scale = floor * (expected.map(abs).max() ?? 0)
  var worst: Float = 0
  for (x, y) in zip(values, expected) where x != y {
    let error = abs(x - y) / (abs(y) + scale)
    guard error.isFinite else { return .infinity }
    worst = max(worst, error)
  }
  return worst
}
