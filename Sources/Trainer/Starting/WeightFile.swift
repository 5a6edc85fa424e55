// Weights in a file of another program, by the names that they have there. Comes in: a path. Leaves: the
// tensors of a file that is proven whole, read into matrices either way round.

import Shared

/// Why the tensors of a file cannot be weights.
enum WeightError: Failure, Equatable {
  case missing(path: String, tensor: String)
  case unexpectedType(path: String, tensor: String, type: String)
  case unexpectedShape(path: String, tensor: String, shape: [Int], expected: [Int])

  var sentence: String {
    switch self {
    case .missing(let path, let tensor): "\(path) holds no \(tensor)."
    case .unexpectedType(let path, let tensor, let type):
      "\(path): \(tensor) has the type \(type), which is no floating-point number."
    case .unexpectedShape(let path, let tensor, let shape, let expected):
      "\(path): \(tensor) has the shape \(shape) where \(expected) is expected."
    }
  }

  var hint: String? { "Check that the files of the SAE belong together." }
}

/// A mapped file with tensors.
struct WeightFile: ~Copyable {
  let tensors: [String: StoredTensor]
  private let file: MappedFile

  var path: String { file.path }

  private init(tensors: [String: StoredTensor], file: consuming MappedFile) {
    self.tensors = tensors
    self.file = file
  }

  /// Maps a file and proves it, by the form that its name tells.
  static func open(_ path: String) throws -> WeightFile {
    let file = try MappedFile.open(path)
    let tensors =
      if path.hasSuffix(".npz") {
        try NumpyFile.tensors(file.bytes, path: path)
      } else if path.hasSuffix(".pt") {
        try TorchFile.tensors(file.bytes, path: path)
      } else {
        try SafetensorsHeader.parse(file.bytes, path: path).tensors.mapValues { StoredTensor($0) }
      }
    return WeightFile(tensors: tensors, file: file)
  }

  /// The first of some tensors that the file has.
  func first(_ names: [String]) -> StoredTensor? {
    for name in names {
      if let tensor = tensors[name] { return tensor }
    }
    return nil
  }

  /// Reads a matrix, or a vector into its one row.
  ///
  /// - Parameters:
  ///   - tensor: what is read.
  ///   - isTransposed: whether the tensor is the other way round than the matrix.
  ///   - matrix: what is filled; its size must be the tensor's.
  /// - Throws: where the tensor is no such matrix of floating-point numbers.
  func read(
    _ tensor: StoredTensor, isTransposed: Bool, into matrix: inout Matrix
  ) throws(WeightError) {
    let (rows, columns) = (matrix.rows, matrix.columns)
    var expected = isTransposed ? [columns, rows] : [rows, columns]
    if rows == 1, tensor.entry.shape.count == 1 { expected = [columns] }
    let floats: [TensorType] = [.float64, .float32, .float16, .bfloat16]
    guard floats.contains(tensor.entry.type) else {
      throw .unexpectedType(
        path: path, tensor: tensor.entry.name, type: tensor.entry.type.rawValue)
    }
    guard tensor.entry.shape == expected else {
      throw .unexpectedShape(
        path: path, tensor: tensor.entry.name, shape: tensor.entry.shape, expected: expected)
    }
    if isTransposed, tensor.liesByColumns {
      // Its columns are the rows of the matrix.
      var target = matrix.mutableSpan
      tensor.entry.readFloats(in: file.bytes, into: &target)
    } else if isTransposed, expected.count == 2 {
      var other = Matrix(rows: columns, columns: rows)
      var target = other.mutableSpan
      tensor.readFloats(in: file.bytes, into: &target)
      matrix = other.transposed()
    } else {
      var target = matrix.mutableSpan
      tensor.readFloats(in: file.bytes, into: &target)
    }
  }

  /// The number of a tensor with one element; nil where it has more.
  func number(_ tensor: StoredTensor) -> Double? {
    let floats: [TensorType] = [.float64, .float32, .float16, .bfloat16]
    guard tensor.count == 1, floats.contains(tensor.entry.type) else { return nil }
    var value = AlignedBuffer<Float>(count: 1)
    var target = value.mutableSpan
    tensor.entry.readFloats(in: file.bytes, into: &target)
    return Double(value[0])
  }
}
