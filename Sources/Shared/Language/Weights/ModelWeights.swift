// The weights of a model. Comes in: a folder of safetensors files. Leaves: gains and biases as
// Float, and the matrices, which stay in their files, mapped, and are widened tile by tile.

/// A mapped file of weights.
private final class WeightFile: Sendable {
  let file: SafetensorsFile

  init(_ path: String) throws { file = try SafetensorsFile.open(path) }

  /// Lends the elements of an F32 tensor where they lie; nil where a product cannot take them so.
  func withFloats<Result>(_ entry: TensorEntry, _ body: (Span<Float>) -> Result) -> Result? {
    Self.lend(file, entry, body)
  }

  private static func lend<Result>(
    _ file: borrowing SafetensorsFile, _ entry: TensorEntry, _ body: (Span<Float>) -> Result
  ) -> Result? {
    guard let values = file.floats(entry) else { return nil }
    return body(values)
  }
}

/// A tensor of one of a model's files.
private struct Found {
  let file: Int
  let entry: TensorEntry
  /// The element where a matrix begins.
  let base: Int

  /// Elements from one input to the next, where those of an output lie apart.
  var stride: Int { entry.shape.last ?? 1 }
}

/// Owns the mapped files and the small weights of a pass.
package struct ModelWeights: ~Copyable, Sendable {
  let plan: WeightPlan
  private let files: [WeightFile]
  private let matrices: [Found]
  private let vectors: AlignedBuffer<Float>

  private init(
    plan: WeightPlan, files: [WeightFile], matrices: [Found],
    vectors: consuming AlignedBuffer<Float>
  ) {
    self.plan = plan
    self.files = files
    self.matrices = matrices
    self.vectors = vectors
  }

  /// Maps the planned tensors of a folder's files and reads gains and biases.
  static func open(folder: String, plan: WeightPlan) throws -> ModelWeights {
    let files = try WeightFiles.names(folder: folder).map { try WeightFile(folder + "/" + $0) }
    var vectors = AlignedBuffer<Float>(count: plan.vectorCount)
    var all = vectors.mutableSpan
    for request in plan.vectors {
      guard let found = try find(request, in: files) else {
        if request.isOptional { continue }
        throw missing(request, folder: folder)
      }
      let (number, entry) = (found.file, found.entry)
      all.withDisjoint { all in
        for piece in request.pieces {
          all.withSlice(piece.target..<piece.target + piece.count) { target in
            files[number].file.readFloats(entry, from: piece.source, into: &target)
            guard request.offset != 0 else { return }
            for index in target.indices { target[index] += request.offset }
          }
        }
      }
    }
    let matrices = try plan.matrices.map { request in
      guard let found = try find(request, in: files) else {
        throw missing(request, folder: folder)
      }
      return found
    }
    return ModelWeights(plan: plan, files: files, matrices: matrices, vectors: vectors)
  }

  private static func find(
    _ request: TensorRequest, in files: [WeightFile]
  ) throws -> Found? {
    for source in request.sources {
      for (number, weights) in files.enumerated() {
        let tensors = weights.file.header.tensors
        guard let entry = source.names.lazy.compactMap({ tensors[$0] }).first else { continue }
        guard entry.shape == source.shape else {
          throw ModelError.wrongShape(
            path: weights.file.path, tensor: entry.name, shape: entry.shape,
            expected: source.shape)
        }
        _ = try weights.file.require(
          entry.name, [.float32, .float16, .bfloat16], shape: entry.shape.map { $0 })
        return Found(file: number, entry: entry, base: source.base)
      }
    }
    return nil
  }

  private static func missing(_ request: TensorRequest, folder: String) -> ModelError {
    let first = request.sources[0]
    return .missingTensor(
      path: WeightFiles.path(folder: folder), tensor: first.names[0], shape: first.shape)
  }
}

extension ModelWeights {
  /// Bytes of the planned matrices in their files; they are mapped, not read into memory.
  package var mappedByteCount: Int {
    zip(matrices, plan.matrices).reduce(0) { sum, pair in
      let (found, request) = pair
      return sum + request.elements * (found.entry.range.count / max(1, found.entry.count))
    }
  }

  /// Lends gains or biases.
  @_lifetime(borrow self)
  func vector(_ range: Range<Int>) -> Span<Float> { vectors.span.extracting(range) }

  /// Reads row `index` of a matrix as Float.
  func readRow(_ matrix: Int, _ index: Int, into row: inout MutableSpan<Float>) {
    let found = matrices[matrix]
    files[found.file].file.readFloats(
      found.entry, from: found.base + index * row.count, into: &row)
  }

  /// Elements of the largest tile that must be made, because its file holds other numbers than a
  /// product takes, or another order.
  var scratchCount: Int {
    plan.projections.map { projection in
      let isDirect = projection.tiles.allSatisfy { tile in
        projection.stretch(covering: tile).map { hasFloats($0) } ?? false
      }
      return isDirect ? 0 : projection.tileCount
    }.max() ?? 0
  }

  private func hasFloats(_ stretch: Projection.Stretch) -> Bool {
    let found = matrices[stretch.matrix]
    return files[found.file].withFloats(found.entry) { _ in true } ?? false
  }

  /// Lends the weights of a tile as a product's factor; `scratch` holds them where they are made.
  func withTile(
    _ projection: Projection, _ tile: Range<Int>, scratch: inout MutableSpan<Float>,
    _ body: (Factor) -> Void
  ) {
    if let stretch = projection.stretch(covering: tile),
      withFactor(projection, stretch, tile, body) != nil
    {
      return
    }
    widen(projection, tile, into: &scratch)
    let used = scratch.span.extracting(0..<tile.count * projection.inputs)
    switch projection.order {
    case .outputMajor: body(Factor(used, .transposed, stride: projection.inputs))
    case .inputMajor: body(Factor(used, .plain, stride: tile.count))
    }
  }

  /// Lends the weights of a tile where they lie in their file; nil where they cannot be used so.
  private func withFactor(
    _ projection: Projection, _ stretch: Projection.Stretch, _ tile: Range<Int>,
    _ body: (Factor) -> Void
  ) -> Void? {
    let found = matrices[stretch.matrix]
    let first = stretch.source + tile.lowerBound - stretch.outputs.lowerBound
    let inputs = projection.inputs
    return files[found.file].withFloats(found.entry) { values in
      switch projection.order {
      case .outputMajor:
        let start = found.base + first * inputs
        body(
          Factor(
            values.extracting(start..<start + tile.count * inputs), .transposed, stride: inputs))
      case .inputMajor:
        let start = found.base + first
        let end = start + (inputs - 1) * found.stride + tile.count
        body(Factor(values.extracting(start..<end), .plain, stride: found.stride))
      }
    }
  }

  /// Fills `scratch` with the weights of some outputs, in the order of the files.
  private func widen(
    _ projection: Projection, _ outputs: Range<Int>, into scratch: inout MutableSpan<Float>
  ) {
    let inputs = projection.inputs
    scratch.withDisjoint { scratch in
      for stretch in projection.stretches {
        let wanted = stretch.outputs.clamped(to: outputs)
        if wanted.isEmpty { continue }
        let found = matrices[stretch.matrix]
        let file = files[found.file]
        let first = stretch.source + wanted.lowerBound - stretch.outputs.lowerBound
        let place = wanted.lowerBound - outputs.lowerBound
        switch projection.order {
        case .outputMajor:
          scratch.withSlice(place * inputs..<(place + wanted.count) * inputs) {
            file.file.readFloats(found.entry, from: found.base + first * inputs, into: &$0)
          }
        case .inputMajor:
          for input in 0..<inputs {
            let start = input * outputs.count + place
            scratch.withSlice(start..<start + wanted.count) {
              file.file.readFloats(
                found.entry, from: found.base + input * found.stride + first, into: &$0)
            }
          }
        }
      }
    }
  }
}

extension Projection {
  /// The run that holds all of a tile.
  fileprivate func stretch(covering tile: Range<Int>) -> Stretch? {
    stretches.first {
      $0.outputs.lowerBound <= tile.lowerBound && tile.upperBound <= $0.outputs.upperBound
    }
  }
}
