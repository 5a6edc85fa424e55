// The tensors of an SAE under SAELens's names, `sae_weights.safetensors`, written and read.

import Shared

/// A tensor of an SAE in files.
private enum WeightName {
  /// SAELens's name of a parameter; gated has no b_enc.
  static func of(_ kind: ParameterKind, _ shape: ParameterShape) -> String? {
    switch kind {
    case .encoder: "W_enc"
    case .encoderBias: shape.isGated ? "b_gate" : "b_enc"
    case .decoder: "W_dec"
    case .decoderBias: "b_dec"
    case .threshold: "threshold"
    case .magnitudeBias: "b_mag"
    case .magnitudeScale: "r_mag"
    case .skip: "W_skip"
    case .latentScale: nil
    }
  }

  /// W_enc is stored `[d_in, d_sae]`, the other way round than here.
  static func shape(_ kind: ParameterKind, _ shape: ParameterShape) -> [Int] {
    guard let size = shape.size(kind) else { return [] }
    switch kind {
    case .encoder: return [size.columns, size.rows]
    case .decoder, .skip: return [size.rows, size.columns]
    default: return [size.columns]
    }
  }
}

/// Reads and writes the weights of SAEs.
enum SAEWeights {
  static let fileName = "sae_weights.safetensors"

  /// Writes all tensors in float32, in order of name; `topkThreshold` is what a batchtopk SAE has of
  /// its own in training.
  static func write(
    _ parameters: borrowing Parameters, topkThreshold: Double? = nil, to path: String
  ) throws {
    let shape = parameters.shape
    let kinds = shape.kinds.compactMap { kind in
      WeightName.of(kind, shape).map { (kind: kind, name: $0) }
    }.sorted { $0.name < $1.name }
    var tensors = kinds.map {
      TensorFile.Tensor($0.name, .float32, WeightName.shape($0.kind, shape))
    }
    if topkThreshold != nil { tensors.append(.init("topk_threshold", .float64, [])) }
    var file = try TensorFile.create(path, tensors: tensors)
    for (kind, _) in kinds {
      switch kind {
      case .encoder:
        let transposed = parameters.encoder.transposed()
        try file.write(transposed.span.raw)
      case .encoderBias: try file.write(parameters.encoderBias.span.raw)
      case .decoder: try file.write(parameters.decoder.span.raw)
      case .decoderBias: try file.write(parameters.decoderBias.span.raw)
      case .threshold: try file.write(parameters.threshold.span.raw)
      case .magnitudeBias: try file.write(parameters.magnitudeBias.span.raw)
      case .magnitudeScale: try file.write(parameters.magnitudeScale.span.raw)
      case .skip: try file.write(parameters.skip.span.raw)
      case .latentScale: break
      }
    }
    if let topkThreshold {
      let bits = [topkThreshold.bitPattern.littleEndian]
      try file.write(bits.span.raw)
    }
    try file.finish()
  }

  /// Fills the parameters that `kinds` names from a file.
  static func read(
    _ file: borrowing SafetensorsFile, _ kinds: [ParameterKind],
    into parameters: inout Parameters
  ) throws {
    let shape = parameters.shape
    for kind in kinds {
      guard let name = WeightName.of(kind, shape) else { continue }
      let entry = try file.require(
        name, [.float32, .float16, .bfloat16], shape: WeightName.shape(kind, shape))
      if kind == .encoder {
        var transposed = Matrix(rows: shape.dIn, columns: shape.dSae)
        var target = transposed.mutableSpan
        file.readFloats(entry, into: &target)
        parameters.encoder = transposed.transposed()
      } else {
        parameters.with(kind) { matrix in
          matrix.disjoint.withAll { file.readFloats(entry, into: &$0) }
        }
      }
    }
  }

  /// Whether a file has a parameter.
  static func holds(
    _ file: borrowing SafetensorsFile, _ kind: ParameterKind, _ shape: ParameterShape
  ) -> Bool {
    WeightName.of(kind, shape).map { file.header.tensors[$0] != nil } ?? false
  }
}

extension Parameters {
  /// Gives every decoder row norm 1 without changing what the SAE computes: W_enc·n, b_enc·n, W_dec/n,
  /// and thresholds·n where they are compared with pre-activations.
  mutating func foldDecoderNorms() {
    let (dIn, dOut) = (shape.dIn, shape.dOut)
    for latent in 0..<shape.dSae {
      let norm = Float(Vector.squaredNorm(decoder.row(latent)).squareRoot())
      guard norm > 0 else { continue }
      for column in 0..<dIn { encoder.buffer[latent * dIn + column] *= norm }
      for column in 0..<dOut { decoder.buffer[latent * dOut + column] /= norm }
      encoderBias.buffer[latent] *= norm
    }
  }

  /// Puts what fine-tuning learned into the decoder.
  mutating func foldLatentScales() {
    guard latentScale.count > 0 else { return }
    for latent in 0..<shape.dSae {
      let scale = latentScale.buffer[latent]
      for column in 0..<shape.dOut { decoder.buffer[latent * shape.dOut + column] *= scale }
      latentScale.buffer[latent] = 1
    }
  }

  /// The same weights with a threshold for every latent.
  consuming func withThreshold(_ threshold: Float) -> Parameters {
    var shape = shape
    shape.hasThreshold = true
    var result = Parameters(shape)
    result.copy(self)
    for latent in 0..<shape.dSae { result.threshold.buffer[latent] = threshold }
    return result
  }

  /// Copies all that both have.
  func copy(_ other: borrowing Parameters) {
    for kind in shape.kinds where other.shape.size(kind) == shape.size(kind) {
      with(kind) { target in
        other.with(kind) { source in
          let values = source.span
          target.disjoint.withAll { target in
            for index in target.indices { target[index] = values[index] }
          }
        }
      }
    }
  }
}
