// The numbers of an SAE, or anything of their shapes: gradients, Adam's moments. Comes in: a shape.
// Leaves: one matrix a parameter, lent for reading to many or for writing to one.

package import Shared

/// The parameters of an SAE, or anything of their shapes.
///
/// A parameter that the SAE lacks has no elements.
package struct Parameters: ~Copyable, Sendable {
  package let shape: ParameterShape
  package var encoder: Matrix
  package var encoderBias: Matrix
  package var decoder: Matrix
  package var decoderBias: Matrix
  package var threshold: Matrix
  package var magnitudeBias: Matrix
  package var magnitudeScale: Matrix
  package var skip: Matrix
  package var latentScale: Matrix

  /// Zeros.
  package init(_ shape: ParameterShape) {
    func matrix(_ kind: ParameterKind) -> Matrix {
      let size = shape.size(kind)
      return Matrix(rows: size?.rows ?? 0, columns: size?.columns ?? 0)
    }
    self.shape = shape
    encoder = matrix(.encoder)
    encoderBias = matrix(.encoderBias)
    decoder = matrix(.decoder)
    decoderBias = matrix(.decoderBias)
    threshold = matrix(.threshold)
    magnitudeBias = matrix(.magnitudeBias)
    magnitudeScale = matrix(.magnitudeScale)
    skip = matrix(.skip)
    latentScale = matrix(.latentScale)
  }

  /// Zeros of a plain SAE.
  package init(dIn: Int, dSae: Int) {
    self.init(ParameterShape(dIn: dIn, dOut: dIn, dSae: dSae))
  }

  /// Lends one parameter.
  package func with<Result>(
    _ kind: ParameterKind, _ body: (borrowing Matrix) throws -> Result
  ) rethrows -> Result {
    switch kind {
    case .encoder: try body(encoder)
    case .encoderBias: try body(encoderBias)
    case .decoder: try body(decoder)
    case .decoderBias: try body(decoderBias)
    case .threshold: try body(threshold)
    case .magnitudeBias: try body(magnitudeBias)
    case .magnitudeScale: try body(magnitudeScale)
    case .skip: try body(skip)
    case .latentScale: try body(latentScale)
    }
  }

  /// Lends one parameter for changes.
  package mutating func change<Result>(
    _ kind: ParameterKind, _ body: (inout Matrix) throws -> Result
  ) rethrows -> Result {
    switch kind {
    case .encoder: try body(&encoder)
    case .encoderBias: try body(&encoderBias)
    case .decoder: try body(&decoder)
    case .decoderBias: try body(&decoderBias)
    case .threshold: try body(&threshold)
    case .magnitudeBias: try body(&magnitudeBias)
    case .magnitudeScale: try body(&magnitudeScale)
    case .skip: try body(&skip)
    case .latentScale: try body(&latentScale)
    }
  }

  package var isFinite: Bool {
    shape.kinds.allSatisfy { kind in with(kind) { $0.span.isFinite } }
  }

  /// Copies all that both have.
  package mutating func copy(_ other: borrowing Parameters) {
    for kind in shape.kinds where other.shape.size(kind) == shape.size(kind) {
      other.with(kind) { source in
        change(kind) { target in
          var values = target.mutableSpan
          Kernels.copy(source.span, to: &values)
        }
      }
    }
  }

  /// The same parameters and one more, of zeros.
  package consuming func adding(_ kind: ParameterKind) -> Parameters {
    var result = Parameters(shape.adding(kind))
    result.copy(self)
    return result
  }
}

/// Parameters for reading.
package struct ParameterReader: ~Escapable, Sendable {
  package let encoder: Span<Float>
  package let encoderBias: Span<Float>
  package let decoder: Span<Float>
  package let decoderBias: Span<Float>
  package let threshold: Span<Float>
  package let magnitudeBias: Span<Float>
  package let magnitudeScale: Span<Float>
  package let skip: Span<Float>
  package let latentScale: Span<Float>

  @_lifetime(borrow parameters)
  package init(_ parameters: borrowing Parameters) {
    encoder = parameters.encoder.span
    encoderBias = parameters.encoderBias.span
    decoder = parameters.decoder.span
    decoderBias = parameters.decoderBias.span
    threshold = parameters.threshold.span
    magnitudeBias = parameters.magnitudeBias.span
    magnitudeScale = parameters.magnitudeScale.span
    skip = parameters.skip.span
    latentScale = parameters.latentScale.span
  }

  package subscript(kind: ParameterKind) -> Span<Float> {
    @_lifetime(copy self) get {
      switch kind {
      case .encoder: encoder
      case .encoderBias: encoderBias
      case .decoder: decoder
      case .decoderBias: decoderBias
      case .threshold: threshold
      case .magnitudeBias: magnitudeBias
      case .magnitudeScale: magnitudeScale
      case .skip: skip
      case .latentScale: latentScale
      }
    }
  }
}

/// Parameters for writers of disjoint slices.
package struct ParameterWriter: ~Escapable, Sendable {
  package let encoder: Disjoint<Float>
  package let encoderBias: Disjoint<Float>
  package let decoder: Disjoint<Float>
  package let decoderBias: Disjoint<Float>
  package let threshold: Disjoint<Float>
  package let magnitudeBias: Disjoint<Float>
  package let magnitudeScale: Disjoint<Float>
  package let skip: Disjoint<Float>
  package let latentScale: Disjoint<Float>

  @_lifetime(&parameters)
  package init(_ parameters: inout Parameters) {
    encoder = parameters.encoder.writer
    encoderBias = parameters.encoderBias.writer
    decoder = parameters.decoder.writer
    decoderBias = parameters.decoderBias.writer
    threshold = parameters.threshold.writer
    magnitudeBias = parameters.magnitudeBias.writer
    magnitudeScale = parameters.magnitudeScale.writer
    skip = parameters.skip.writer
    latentScale = parameters.latentScale.writer
  }

  package subscript(kind: ParameterKind) -> Disjoint<Float> {
    @_lifetime(copy self) get {
      switch kind {
      case .encoder: encoder
      case .encoderBias: encoderBias
      case .decoder: decoder
      case .decoderBias: decoderBias
      case .threshold: threshold
      case .magnitudeBias: magnitudeBias
      case .magnitudeScale: magnitudeScale
      case .skip: skip
      case .latentScale: latentScale
      }
    }
  }
}
