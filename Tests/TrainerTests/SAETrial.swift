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

  var configuration: SAEConfiguration {
    SAEConfiguration(settings, dIn: dIn, dOut: settings.architecture.isTranscoder ? dOut : nil)
  }
  var dSae: Int { configuration.dSae }
  /// Whether latents are compared with one another.
  var comparesLatents: Bool { configuration.architecture.fixedL0 != nil }
  /// Width of a transcoder's targets.
  var dOut: Int { dIn > 4 ? dIn - 3 : dIn + 1 }

  func engine(_ path: StepPath) -> Engine { Engine(configuration, batchRows: rows, path: path) }

  /// How far the numbers of a parameter spread, and around what.
  private func spread(_ kind: ParameterKind) -> (spread: Double, mean: Double) {
    let width = Double(dIn).squareRoot()
    return switch kind {
    case .encoder: (1 / width, 0)
    case .encoderBias, .magnitudeBias, .magnitudeScale: (0.1, 0)
    case .decoder: (0.7 / width, 0)
    case .decoderBias: (0.3, 0)
    case .threshold: (0.02, 0.15)
    case .skip: (0.3, 0)
    case .latentScale: (0.1, 1)
    }
  }

  /// Normal numbers; decoder rows have different norms.
  func values(_ kind: ParameterKind) -> [Float] {
    guard let size = configuration.shape.size(kind) else { return [] }
    let index = ParameterKind.allCases.firstIndex(of: kind) ?? 0
    let random = Random(seed: seed, stream: "tensor", index: index)
    let (spread, mean) = spread(kind)
    var values = (0..<size.rows * size.columns).map { element in
      let weight = kind == .decoder ? 0.3 + Double(element / size.columns % 7) / 5 : 1
      return Float(random.normal(element) * spread * weight + mean)
    }
    if kind == .decoder, configuration.keepsUnitDecoder || configuration.name == .matchingPursuit {
      for row in stride(from: 0, to: values.count, by: size.columns) {
        let norm = values[row..<row + size.columns].reduce(0) { $0 + $1 * $1 }.squareRoot()
        for column in row..<row + size.columns { values[column] /= norm }
      }
    }
    return values
  }

  var state: TrainingState {
    var state = configuration.freshState()
    fill(&state.parameters)
    for latent in dead { state.passesSinceFired[latent] = 3 }
    return state
  }

  private func fill(_ parameters: inout Parameters) {
    for kind in configuration.shape.kinds {
      let values = values(kind)
      parameters.change(kind) { $0.fill(values) }
    }
  }

  /// Rows `[rows, d]` whose mean is not zero.
  func batch(_ index: Int = 0) -> [Float] {
    let random = Random(seed: seed, stream: "batch", index: index)
    return (0..<rows * dIn).map { Float(random.normal($0) + 0.3 * Double($0 % dIn % 3)) }
  }

  /// Targets `[rows, o]` of a transcoder; none of another SAE.
  func targets(_ index: Int = 0) -> [Float] {
    guard settings.architecture.isTranscoder else { return [] }
    let random = Random(seed: seed, stream: "targets", index: index)
    return (0..<rows * dOut).map { Float(random.normal($0)) }
  }

  var reference: SAEReference {
    var formula = SAEReference.Formula()
    formula.kind =
      switch settings.architecture {
      case .gated: .gated
      case .topk: .topK(Int(settings.k))
      case .abstopk: .absTopK(Int(settings.k))
      case .batchtopk, .matryoshkaBatchtopk: .batchTopK(Int(settings.k * Double(rows)))
      case .jumprelu, .jumpreluTranscoder, .jumpreluSkipTranscoder: .jumpReLU
      case .matchingPursuit: .pursuit(settings.maxIterations ?? dIn)
      default: .relu
      }
    formula.isRescaled = settings.rescaleActsByDecoderNorm
    formula.subtractsBias = configuration.applyBDecToInput
    formula.exponent = settings.lpNorm
    formula.weighsByNorm = settings.scaleSparsityPenaltyByDecoderNorm
    formula.sparsityCoefficient = sparsityCoefficient
    formula.auxiliaryCoefficient = comparesLatents ? settings.auxLossCoefficient : 0
    formula.dead = dead
    formula.widths = settings.matryoshkaWidths.values.filter { $0 < dSae }
    formula.hasOwnAuxiliary = settings.useMatryoshkaAuxLoss
    formula.bandwidth = settings.jumpreluBandwidth
    formula.stepLoss =
      switch settings.jumpreluSparsityLossMode {
      case .step: .step
      case .tanh: .tanh
      case .quadratic: .quadratic
      }
    formula.tanhScale = settings.jumpreluTanhScale
    formula.target = settings.targetL0 ?? 1
    formula.reachesInput = settings.jumpreluSteToInput
    formula.preActCoefficient = settings.preActLossCoefficient ?? 0
    formula.hasGhosts = settings.useGhostGrads
    return SAEReference(
      width: dIn, outWidth: configuration.dOut, latents: dSae, formula,
      tensors: SAEReference.Tensor.allCases.map { values($0.parameter) })
  }

  /// A batch as rows in double precision.
  func doubleRows(_ batch: [Float], width: Int? = nil) -> [[Double]] {
    let width = width ?? dIn
    return stride(from: 0, to: batch.count, by: width).map {
      batch[$0..<$0 + width].map(Double.init)
    }
  }
}

extension SAEReference.Tensor {
  var parameter: ParameterKind {
    switch self {
    case .encoder: .encoder
    case .encoderBias: .encoderBias
    case .decoder: .decoder
    case .decoderBias: .decoderBias
    case .threshold: .threshold
    case .magnitudeBias: .magnitudeBias
    case .magnitudeScale: .magnitudeScale
    case .skip: .skip
    }
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
