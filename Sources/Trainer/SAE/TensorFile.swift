// Safetensors files of the trainer, written tensor by tensor: checkpoints, weights, reconstructions.

import Shared

/// A safetensors file on its way to the disk; it appears whole or not at all.
struct TensorFile: ~Copyable {
  /// The name, type and shape of a tensor.
  struct Tensor: Sendable {
    let name: String
    let type: TensorType
    let shape: [Int]

    init(_ name: String, _ type: TensorType, _ shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }
  }

  private var file: AtomicFile
  private var left: Int

  private init(file: consuming AtomicFile, left: Int) {
    self.file = file
    self.left = left
  }

  /// Starts a file that will hold `tensors` in this order.
  static func create(
    _ path: String, tensors: [Tensor], metadata: [String: String] = [:]
  ) throws(SystemError) -> TensorFile {
    var writer = SafetensorsWriter(metadata: metadata)
    for tensor in tensors { writer.declare(tensor.name, tensor.type, shape: tensor.shape) }
    var file = try AtomicFile.create(path)
    try writer.writeHeader(to: &file)
    let payload = tensors.reduce(0) { $0 + $1.shape.reduce($1.type.byteCount, *) }
    return TensorFile(file: file, left: payload)
  }

  /// Writes the bytes that come next.
  mutating func write(_ bytes: RawSpan) throws(SystemError) {
    left -= bytes.byteCount
    try file.write(bytes)
  }

  /// Gives the file its name; every declared byte must have been written.
  consuming func finish() throws(SystemError) {
    precondition(left == 0, "\(left) bytes of the declared tensors are missing")
    try file.publishReplacing()
  }
}
