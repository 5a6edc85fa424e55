// The tensors of an SAE under SAELens's names, `sae_weights.safetensors`, written and read.

import Shared

/// A tensor of an SAE in files.
private enum WeightName {
  /// SAELens's name of a parameter; where magnitudes have a bias, that of the encoder is the gate's.
  static func of(_ kind: ParameterKind, _ shape: ParameterShape) -> String? {
    switch kind {
    case .encoder: "W_enc"
    case .encoderBias: shape.has(.magnitudeBias) ? "b_gate" : "b_enc"
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
  /// Rows that are brought into the order of the file at a time.
  private static let block = 64

  /// Writes all tensors in float32, in order of name.
  ///
  /// - Parameters:
  ///   - parameters: what is written; it is not copied as a whole.
  ///   - scalars: further numbers, by name.
  ///   - settlesRows: whether decoder rows change on their way to the file.
  ///   - path: the file.
  ///   - settle: changes a latent's decoder row.
  /// - Throws: why the file cannot be written.
  static func write(
    _ parameters: borrowing Parameters, scalars: [String: Double] = [:],
    settlesRows: Bool = false, to path: String,
    settle: (_ latent: Int, _ row: inout MutableSpan<Float>) -> Void = { _, _ in }
  ) throws {
    let shape = parameters.shape
    let kinds = shape.kinds.compactMap { kind in
      WeightName.of(kind, shape).map { (kind: kind, name: $0) }
    }.sorted { $0.name < $1.name }
    var tensors = kinds.map {
      TensorFile.Tensor($0.name, .float32, WeightName.shape($0.kind, shape))
    }
    let scalars = scalars.sorted { $0.key < $1.key }
    tensors += scalars.map { TensorFile.Tensor($0.key, .float64, []) }
    var file = try TensorFile.create(path, tensors: tensors)
    for (kind, _) in kinds {
      switch kind {
      case .encoder:
        try writeTransposed(parameters.encoder, to: &file)
      case .encoderBias: try file.write(parameters.encoderBias.span.raw)
      case .decoder:
        if settlesRows {
          try writeSettled(parameters.decoder, settle, to: &file)
        } else {
          try file.write(parameters.decoder.span.raw)
        }
      case .decoderBias: try file.write(parameters.decoderBias.span.raw)
      case .threshold:
        try writeClamped(parameters.threshold, to: &file)
      case .magnitudeBias: try file.write(parameters.magnitudeBias.span.raw)
      case .magnitudeScale: try file.write(parameters.magnitudeScale.span.raw)
      case .skip: try file.write(parameters.skip.span.raw)
      case .latentScale: break
      }
    }
    for (_, value) in scalars {
      let bits = [value.bitPattern.littleEndian]
      try file.write(bits.span.raw)
    }
    try file.finish()
  }

  private static func writeTransposed(
    _ matrix: borrowing Matrix, to file: inout TensorFile
  ) throws {
    var part = AlignedBuffer<Float>(count: min(block, matrix.columns) * matrix.rows)
    for first in stride(from: 0, to: matrix.columns, by: block) {
      let columns = first..<min(matrix.columns, first + block)
      matrix.transpose(columns, into: &part)
      try file.write(part.span.extracting(0..<columns.count * matrix.rows).raw)
    }
  }

  /// Thresholds as SAELens has them before each step; after one they may be below zero.
  private static func writeClamped(
    _ thresholds: borrowing Matrix, to file: inout TensorFile
  ) throws {
    var clamped = [Float](repeating: 0, count: thresholds.count)
    for latent in clamped.indices { clamped[latent] = max(0, thresholds.buffer[latent]) }
    try file.write(clamped.span.raw)
  }

  private static func writeSettled(
    _ matrix: borrowing Matrix, _ settle: (Int, inout MutableSpan<Float>) -> Void,
    to file: inout TensorFile
  ) throws {
    var row = AlignedBuffer<Float>(count: matrix.columns)
    for latent in 0..<matrix.rows {
      var target = row.mutableSpan
      Kernels.copy(matrix.row(latent), to: &target)
      settle(latent, &target)
      try file.write(row.span.raw)
    }
  }

  /// Refuses a file that lacks a parameter or has it in another shape.
  static func check(
    _ file: borrowing SafetensorsFile, _ shape: ParameterShape
  ) throws(SafetensorsError) {
    for kind in shape.kinds {
      guard let name = WeightName.of(kind, shape) else { continue }
      _ = try file.require(
        name, [.float32, .float16, .bfloat16], shape: WeightName.shape(kind, shape))
    }
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
        parameters.change(kind) { matrix in
          var target = matrix.mutableSpan
          file.readFloats(entry, into: &target)
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
  /// Gives every decoder row norm 1 without changing what the SAE computes: W_enc·n, b_enc·n, W_dec/n.
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

  /// The same SAE with one threshold for all latents.
  consuming func settingThreshold(_ threshold: Float) -> Parameters {
    var result = adding(.threshold)
    for latent in 0..<result.shape.dSae { result.threshold.buffer[latent] = threshold }
    return result
  }
}

extension Matrix {
  /// The transpose, `[columns, rows]`.
  func transposed() -> Matrix {
    var result = Matrix(rows: columns, columns: rows)
    transpose(0..<columns, into: &result.buffer)
    return result
  }

  /// Fills `target` with some columns as rows, `[part.count, rows]`.
  func transpose(_ part: Range<Int>, into target: inout AlignedBuffer<Float>) {
    Transposition(self, part, &target).run()
  }
}

/// Some columns of a matrix on their way to rows.
private struct Transposition: ~Escapable, Sendable {
  /// Tiles keep the lines of both matrices in the cache.
  private static let tile = 32

  private let source: Span<Float>
  private let rows: Int
  private let columns: Int
  private let part: Range<Int>
  private let target: Disjoint<Float>

  @_lifetime(borrow matrix, &target)
  init(_ matrix: borrowing Matrix, _ part: Range<Int>, _ target: inout AlignedBuffer<Float>) {
    source = matrix.span
    rows = matrix.rows
    columns = matrix.columns
    self.part = part
    self.target = target.writer
  }

  func run() {
    Parallel.forBlocks(part.count, blockSize: Self.tile) { block in
      var target = target.slice(block.lowerBound * rows..<block.upperBound * rows)
      for top in stride(from: 0, to: rows, by: Self.tile) {
        for row in top..<min(top + Self.tile, rows) {
          for index in block {
            target[(index - block.lowerBound) * rows + row] =
              source[row * columns + part.lowerBound + index]
          }
        }
      }
    }
  }
}
