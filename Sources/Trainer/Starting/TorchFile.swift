// Files of torch.save since torch 1.6: a zip archive of a pickle and of the storages that its tensors lie
// in. Comes in: the bytes of the file. Leaves: its tensors by name, each proven to lie within its storage.

import Shared

enum TorchFile {
  /// The tensors of a dictionary of tensors.
  static func tensors(_ bytes: RawSpan, path: String) throws -> [String: StoredTensor] {
    let entries = try ZipArchive(bytes, path: path).entries
    let pickles = entries.filter { $0.key.hasSuffix("/data.pkl") }
    guard pickles.count == 1, let (name, range) = pickles.first else {
      throw ArchiveError.damaged(path: path, what: "it holds no pickle, as torch.save writes one")
    }
    let prefix = name.dropLast("data.pkl".count)
    if let order = entries[prefix + "byteorder"] {
      let word = Array(copying: bytes.extracting(order).octets.extracting(first: 16))
      guard word.starts(with: Array("little".utf8)) else {
        throw ArchiveError.damaged(path: path, what: "its numbers are not little-endian")
      }
    }
    guard range.count <= TorchPickle.byteLimit else {
      throw PickleError.tooLarge(path: path, byteCount: range.count)
    }
    let pickled = try TorchPickle.tensors(
      Array(copying: bytes.extracting(range).octets), path: path)
    var tensors: [String: StoredTensor] = [:]
    for (name, tensor) in pickled {
      guard let range = entries["\(prefix)data/\(tensor.storage)"] else {
        throw ArchiveError.damaged(path: path, what: "the numbers of \(name) are missing")
      }
      tensors[name] = try stored(name, tensor, in: range, path)
    }
    return tensors
  }

  /// A tensor within its storage, whose bytes are `range`.
  private static func stored(
    _ name: String, _ tensor: PickledTensor, in range: Range<Int>, _ path: String
  ) throws(ArchiveError) -> StoredTensor {
    var count = 1
    for size in tensor.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { throw .damaged(path: path, what: "\(name) is too large to count") }
      count = product
    }
    let size = tensor.type.byteCount
    guard tensor.storageCount <= range.count / size, tensor.offset <= tensor.storageCount,
      count <= tensor.storageCount - tensor.offset
    else { throw .damaged(path: path, what: "\(name) reaches beyond its storage") }
    let liesByColumns: Bool
    switch tensor.strides {
    case _ where count <= 1: liesByColumns = false
    case _ where fits(tensor, strides: rowStrides(tensor.shape)): liesByColumns = false
    case _ where tensor.shape.count == 2 && fits(tensor, strides: [1, tensor.shape[0]]):
      liesByColumns = true
    default: throw .damaged(path: path, what: "\(name) does not lie in one piece")
    }
    let start = range.lowerBound + tensor.offset * size
    let entry = TensorEntry(
      name: name, type: tensor.type, shape: tensor.shape, range: start..<start + count * size)
    return StoredTensor(entry, liesByColumns: liesByColumns)
  }

  /// Elements between neighbours of each dimension of a tensor that lies row by row.
  private static func rowStrides(_ shape: [Int]) -> [Int] {
    var strides = shape
    var stride = 1
    for index in shape.indices.reversed() {
      strides[index] = stride
      stride *= shape[index]
    }
    return strides
  }

  /// Whether the strides are these, where a dimension has more than one place.
  private static func fits(_ tensor: PickledTensor, strides: [Int]) -> Bool {
    tensor.shape.indices.allSatisfy {
      tensor.shape[$0] <= 1 || tensor.strides[$0] == strides[$0]
    }
  }
}
