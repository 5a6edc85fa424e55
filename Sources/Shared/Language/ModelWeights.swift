// The weights of a model. Comes in: a folder with model.safetensors, or with shards and
// model.safetensors.index.json. Leaves: one array of Float, widened at loading, lent as spans.

/// The weight files of a model's folder.
package enum WeightFiles {
  private static let single = "model.safetensors"
  private static let index = "model.safetensors.index.json"

  /// The names of the files in a folder, in order.
  package static func names(folder: String) throws -> [String] {
    let indexPath = folder + "/" + index
    if System.exists(indexPath) {
      let text = try MappedFile.open(indexPath).bytes.copied()
      guard let map = (try? JSON(parsing: text))?["weight_map"]?.object else {
        throw ModelError.malformed(path: indexPath)
      }
      return Set(map.values.compactMap(\.string)).sorted()
    }
    guard System.exists(folder + "/" + single) else { throw ModelError.noWeights(folder: folder) }
    return [single]
  }

  /// What errors call the weights as a whole.
  static func path(folder: String) -> String {
    let indexPath = folder + "/" + index
    return System.exists(indexPath) ? indexPath : folder + "/" + single
  }
}

/// Owns the weights that a pass needs.
package struct ModelWeights: ~Copyable, Sendable {
  let plan: WeightPlan
  private let values: AlignedBuffer<Float>

  private init(plan: WeightPlan, values: consuming AlignedBuffer<Float>) {
    self.plan = plan
    self.values = values
  }

  /// Bytes in memory.
  package var byteCount: Int { values.count * 4 }

  /// Lends some of the weights.
  @_lifetime(borrow self)
  func span(_ range: Range<Int>) -> Span<Float> { values.span.extracting(range) }

  /// Reads the planned tensors from the files of a folder.
  static func open(folder: String, plan: WeightPlan) throws -> ModelWeights {
    let files = try WeightFiles.names(folder: folder).map { folder + "/" + $0 }
    var values = AlignedBuffer<Float>(count: plan.count)
    var missing = plan.requests
    for path in files {
      let file = try SafetensorsFile.open(path)
      var left: [TensorRequest] = []
      for request in missing {
        if try !fill(&values, request, from: file) { left.append(request) }
      }
      missing = left
    }
    if let request = missing.first {
      throw ModelError.missingTensor(
        path: WeightFiles.path(folder: folder), tensor: request.names[0], shape: request.shape)
    }
    return ModelWeights(plan: plan, values: values)
  }

  /// Reads a tensor if the file has it.
  private static func fill(
    _ values: inout AlignedBuffer<Float>, _ request: TensorRequest,
    from file: borrowing SafetensorsFile
  ) throws -> Bool {
    let tensors = file.header.tensors
    guard let entry = request.names.compactMap({ tensors[$0] }).first else { return false }
    guard entry.shape == request.shape else {
      throw ModelError.wrongShape(
        path: file.path, tensor: entry.name, shape: entry.shape, expected: request.shape)
    }
    _ = try file.require(
      entry.name, [.float32, .float16, .bfloat16], shape: entry.shape.map { $0 })
    var all = values.mutableSpan
    all.withDisjoint { all in
      for piece in request.pieces {
        all.withSlice(piece.target..<piece.target + piece.count) { target in
          file.readFloats(entry, from: piece.source, into: &target)
        }
      }
    }
    return true
  }
}
