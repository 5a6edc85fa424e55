// A file of a model's weights, of safetensors or of torch.save. Comes in: a path. Leaves: its tensors, proven to
// lie within it, and their numbers, mapped, or copied where they do not lie row by row.

/// A mapped file of weights.
final class WeightFile: Sendable {
  let tensors: [String: StoredTensor]
  private let file: MappedFile

  var path: String { file.path }

  init(_ path: String) throws {
    let file = try MappedFile.open(path)
    tensors =
      path.hasSuffix(".safetensors")
      ? try SafetensorsHeader.parse(file.bytes, path: path).tensors.mapValues { StoredTensor($0) }
      : try TorchFile.tensors(file.bytes, path: path)
    self.file = file
  }

  private static let plainTypes: [TensorType] = [.float32, .float16, .bfloat16]

  /// A tensor that must be of a shape and hold floating-point numbers, or bytes; nil where the file
  /// lacks it.
  func find(_ names: [String], shape: [Int], ofBytes: Bool = false) throws -> StoredTensor? {
    guard let tensor = names.lazy.compactMap({ self.tensors[$0] }).first else { return nil }
    let entry = tensor.entry
    guard entry.shape == shape else {
      throw ModelError.wrongShape(
        path: path, tensor: entry.name, shape: entry.shape, expected: shape)
    }
    let types = ofBytes ? [.uint8] : Self.plainTypes
    guard types.contains(entry.type) else {
      throw SafetensorsError.unexpectedType(
        path: path, tensor: entry.name, type: entry.type, allowed: types)
    }
    return tensor
  }

  /// A copy of a tensor that does not lie row by row; nil of one that does.
  func copy(_ tensor: StoredTensor) -> WeightCopy? {
    if tensor.strides == nil { return nil }
    var values = AlignedBuffer<Float>(count: tensor.count)
    Self.fill(&values, file, tensor)
    return WeightCopy(values)
  }

  private static func fill(
    _ values: inout AlignedBuffer<Float>, _ file: borrowing MappedFile, _ tensor: StoredTensor
  ) {
    var target = values.mutableSpan
    tensor.readFloats(in: file.bytes, into: &target)
  }

  /// Fills `target` with elements of a tensor that lies row by row, from element `from` on.
  func readFloats(_ entry: TensorEntry, from: Int, into target: inout MutableSpan<Float>) {
    Self.read(entry, file, from: from, into: &target)
  }

  private static func read(
    _ entry: TensorEntry, _ file: borrowing MappedFile, from: Int,
    into target: inout MutableSpan<Float>
  ) {
    entry.readFloats(in: file.bytes, from: from, into: &target)
  }

  /// Fills `target` with elements of a tensor in MXFP4 from element `from` on, whole blocks of them;
  /// the scales are in this file or another one.
  func readMicroscaled(
    _ entry: TensorEntry, scales: TensorEntry, in other: WeightFile, from: Int,
    into target: inout MutableSpan<Float>
  ) {
    Self.widen((from, target.count), entry, file, scales, other.file, into: &target)
  }

  private static func widen(
    _ elements: (first: Int, count: Int), _ entry: TensorEntry, _ file: borrowing MappedFile,
    _ scales: TensorEntry, _ other: borrowing MappedFile, into target: inout MutableSpan<Float>
  ) {
    let size = Microscaling.blockSize
    let first = elements.first / size
    let blocks = first..<first + elements.count / size
    let start = entry.range.lowerBound
    let bytes = Microscaling.blockBytes
    Microscaling.widen(
      blocks: file.bytes.extracting(
        start + blocks.lowerBound * bytes..<start + blocks.upperBound * bytes),
      scales: other.bytes.extracting(
        scales.range.lowerBound + blocks.lowerBound..<scales.range.lowerBound + blocks.upperBound),
      into: &target)
  }

  /// Lends the elements of an F32 tensor where they lie; nil where a product cannot take them so.
  func withFloats<Result>(_ entry: TensorEntry, _ body: (Span<Float>) -> Result) -> Result? {
    Self.lend(file, entry, body)
  }

  private static func lend<Result>(
    _ file: borrowing MappedFile, _ entry: TensorEntry, _ body: (Span<Float>) -> Result
  ) -> Result? {
    guard let values = entry.floats(in: file.bytes) else { return nil }
    return body(values)
  }
}

/// Numbers that were put row by row.
final class WeightCopy: Sendable {
  private let values: AlignedBuffer<Float>

  init(_ values: consuming AlignedBuffer<Float>) { self.values = values }

  func readFloats(from: Int, into target: inout MutableSpan<Float>) {
    Self.copy(values, from: from, into: &target)
  }

  func withFloats<Result>(_ body: (Span<Float>) -> Result) -> Result { Self.lend(values, body) }

  private static func copy(
    _ values: borrowing AlignedBuffer<Float>, from: Int, into target: inout MutableSpan<Float>
  ) {
    Kernels.copy(values.span.extracting(from..<from + target.count), to: &target)
  }

  private static func lend<Result>(
    _ values: borrowing AlignedBuffer<Float>, _ body: (Span<Float>) -> Result
  ) -> Result { body(values.span) }
}
