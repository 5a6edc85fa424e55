// The weights of a model. Comes in: a folder of files of weights. Leaves: gains and biases as Float,
// and the matrices, which stay in their files, mapped, and are widened tile by tile.

/// A tensor of one of a model's files.
private struct Found {
  let file: WeightFile
  let entry: TensorEntry
  /// Its numbers where they do not lie row by row in the file.
  let copy: WeightCopy?
  /// The element where a matrix begins.
  let base: Int
  /// The scales of numbers in MXFP4.
  var scales: (file: WeightFile, entry: TensorEntry)?

  /// Elements from one input to the next, where those of an output lie apart.
  var stride: Int { entry.shape.last ?? 1 }

  /// Fills `target` with elements from element `from` on.
  func readFloats(from: Int, into target: inout MutableSpan<Float>) {
    if let copy { return copy.readFloats(from: from, into: &target) }
    if let scales {
      file.readMicroscaled(
        entry, scales: scales.entry, in: scales.file, from: from, into: &target)
      return
    }
    file.readFloats(entry, from: from, into: &target)
  }

  /// Bytes of some elements in the file.
  func byteCount(_ elements: Int) -> Int {
    scales == nil
      ? elements * entry.type.byteCount
      : elements / Microscaling.blockSize * (Microscaling.blockBytes + 1)
  }

  /// Lends all elements as a product takes them; nil where they must be widened.
  func withFloats<Result>(_ body: (Span<Float>) -> Result) -> Result? {
    copy?.withFloats(body) ?? file.withFloats(entry, body)
  }
}

/// The files of a model while its tensors are looked up.
private struct FoundFiles {
  let files: [WeightFile]
  /// Copies of tensors that do not lie row by row, each made once, by file and name.
  private var copies: [Int: [String: WeightCopy]] = [:]

  /// What errors call all of them.
  private let path: String

  init(folder: String) throws {
    path = WeightFiles.path(folder: folder)
    files = try WeightFiles.names(folder: folder).map { try WeightFile(folder + "/" + $0) }
  }

  mutating func find(_ request: TensorRequest) throws -> Found? {
    for source in request.sources {
      for (number, file) in files.enumerated() {
        let isPacked = !source.scales.isEmpty
        guard
          let tensor = try file.find(source.names, shape: source.shape, ofBytes: isPacked)
        else { continue }
        if isPacked {
          return Found(
            file: file, entry: tensor.entry, copy: nil, base: source.base,
            scales: try scales(of: source))
        }
        let name = tensor.entry.name
        let copy = copies[number]?[name] ?? file.copy(tensor)
        if let copy { copies[number, default: [:]][name] = copy }
        return Found(file: file, entry: tensor.entry, copy: copy, base: source.base)
      }
    }
    return nil
  }

  private func scales(
    of source: TensorRequest.Source
  ) throws -> (file: WeightFile, entry: TensorEntry) {
    let shape = Array(source.shape.dropLast())
    for file in files {
      if let scales = try file.find(source.scales, shape: shape, ofBytes: true) {
        return (file, scales.entry)
      }
    }
    throw ModelError.missingTensor(path: path, tensor: source.scales[0], shape: shape)
  }
}

/// Owns the mapped files and the small weights of a pass.
package struct ModelWeights: ~Copyable, Sendable {
  let plan: WeightPlan
  /// What products take the weights in; those of bfloat16 are made when the model is opened.
  let factors: FactorPrecision
  private let matrices: [Found]
  private let vectors: AlignedBuffer<Float>
  private var rounded: RoundedWeights

  private init(
    plan: WeightPlan, factors: FactorPrecision, matrices: [Found],
    vectors: consuming AlignedBuffer<Float>
  ) {
    self.plan = plan
    self.factors = factors
    self.matrices = matrices
    self.vectors = vectors
    rounded = RoundedWeights()
  }

  /// Maps the planned tensors of a folder's files and reads gains and biases.
  static func open(
    folder: String, plan: WeightPlan, factors: FactorPrecision = .float32
  ) throws -> ModelWeights {
    var files = try FoundFiles(folder: folder)
    var vectors = AlignedBuffer<Float>(count: plan.vectorCount)
    var all = vectors.mutableSpan
    for request in plan.vectors {
      guard let found = try files.find(request) else {
        if request.isOptional { continue }
        throw missing(request, folder: folder)
      }
      all.withDisjoint { all in
        for piece in request.pieces {
          all.withSlice(piece.target..<piece.target + piece.count) { target in
            found.readFloats(from: piece.source, into: &target)
            guard request.offset != 0 else { return }
            for index in target.indices { target[index] += request.offset }
          }
        }
      }
    }
    let matrices = try plan.matrices.map { request in
      guard let found = try files.find(request) else {
        throw missing(request, folder: folder)
      }
      return found
    }
    var weights = ModelWeights(
      plan: plan, factors: factors, matrices: matrices, vectors: vectors)
    if factors == .bfloat16 { weights.rounded = weights.roundedProjections() }
    return weights
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
      return sum + found.byteCount(request.elements)
    }
  }

  /// Lends gains or biases.
  @_lifetime(borrow self)
  func vector(_ range: Range<Int>) -> Span<Float> { vectors.span.extracting(range) }

  /// Reads row `index` of a matrix as Float.
  func readRow(_ matrix: Int, _ index: Int, into row: inout MutableSpan<Float>) {
    readPart(matrix, of: index, part: 0, parts: 1, into: &row)
  }

  /// Reads one of some equal parts of row `index` of a matrix as Float.
  func readPart(
    _ matrix: Int, of index: Int, part: Int, parts: Int, into row: inout MutableSpan<Float>
  ) {
    let found = matrices[matrix]
    found.readFloats(from: found.base + (index * parts + part) * row.count, into: &row)
  }

  /// Lends the weights of a projection in bfloat16.
  @_lifetime(borrow self)
  func columns(_ projection: Projection) -> RoundedColumns { rounded.columns(projection) }

  /// Rounds the weights of all projections.
  private func roundedProjections() -> RoundedWeights {
    var result = RoundedWeights(plan)
    let columns = plan.projections.map {
      RoundedWeights.outputsAtOnce(inputs: $0.inputs) * $0.inputs
    }
    let scratch = Matrix(rows: Parallel.threadCount, columns: columns.max() ?? 0)
    for projection in plan.projections {
      var target = result.target(projection)
      target.withDisjoint { round(projection, scratch: scratch, into: $0) }
    }
    return result
  }

  /// Rounds the weights of a projection; a row of scratch per thread holds those that are widened.
  private func round(
    _ projection: Projection, scratch: borrowing Matrix, into target: borrowing Disjoint<UInt16>
  ) {
    let (inputs, all) = (projection.inputs, projection.outputs)
    let size = RoundedWeights.outputsAtOnce(inputs: inputs)
    let (width, stride) = (RoundedProduct.width(inputs), scratch.columns)
    let isOutputMajor = projection.order == .outputMajor
    let rows = scratch.disjoint
    Parallel.forEach((all + size - 1) / size, atMost: scratch.rows) { block, thread in
      let outputs = block * size..<min((block + 1) * size, all)
      let panels = outputs.lowerBound * width..<RoundedProduct.padded(outputs.upperBound) * width
      rows.withSlice(thread * stride..<thread * stride + outputs.count * inputs) { values in
        widen(projection, outputs, into: &values)
        target.withSlice(panels) { panels in
          let factor = Factor(
            values.span, isOutputMajor ? .transposed : .plain,
            stride: isOutputMajor ? inputs : outputs.count)
          RoundedProduct.round(columns: outputs.count, inner: inputs, factor, into: &panels)
        }
      }
    }
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
    matrices[stretch.matrix].withFloats { _ in true } ?? false
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
    return found.withFloats { values in
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
        let first = stretch.source + wanted.lowerBound - stretch.outputs.lowerBound
        let place = wanted.lowerBound - outputs.lowerBound
        switch projection.order {
        case .outputMajor:
          scratch.withSlice(place * inputs..<(place + wanted.count) * inputs) {
            found.readFloats(from: found.base + first * inputs, into: &$0)
          }
        case .inputMajor:
          for input in 0..<inputs {
            let start = input * outputs.count + place
            scratch.withSlice(start..<start + wanted.count) {
              found.readFloats(
                from: found.base + input * found.stride + first, into: &$0)
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
