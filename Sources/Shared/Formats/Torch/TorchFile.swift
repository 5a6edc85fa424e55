// Files of torch.save. Comes in: the bytes of a file. Leaves: its tensors by name, each proven to lie within its
// storage, which lies within the file. Since torch 1.6 a file is a zip archive of a pickle and of the storages
// that its tensors lie in; before, pickles that stand one behind the other, and then the storages.

package enum TorchFile {
  /// The tensors of a dictionary of tensors.
  ///
  /// - Throws: `TorchError`, `PickleError` or `ArchiveError`.
  package static func tensors(_ bytes: RawSpan, path: String) throws -> [String: StoredTensor] {
    let start = Array(copying: bytes.octets.extracting(first: 512))
    if start.starts(with: Array("PK\u{03}\u{04}".utf8)) {
      return try TorchArchive.tensors(bytes, path: path)
    }
    if start.starts(with: TorchStream.magic) { return try TorchStream.tensors(bytes, path: path) }
    if start.starts(with: Array("version https://git-lfs".utf8)) {
      throw TorchError.pointer(path: path)
    }
    if start.dropFirst(257).starts(with: Array("ustar".utf8)) { throw TorchError.tar(path: path) }
    throw TorchError.unknownForm(path: path)
  }

  /// The tensors of a pickle, `place` telling where a storage's bytes lie.
  static func located(
    _ named: [(name: String, tensor: PickledTensor)], path: String,
    _ place: (_ storage: String) -> Range<Int>?
  ) throws(ArchiveError) -> [String: StoredTensor] {
    var tensors: [String: StoredTensor] = [:]
    for (name, tensor) in named {
      guard let range = place(tensor.storage.key) else {
        throw .damaged(path: path, what: "the numbers of \(JSON.clipped(name)) are missing")
      }
      tensors[name] = try located(name, tensor, in: range, path)
    }
    return tensors
  }

  /// A tensor within its storage, whose bytes are `range`.
  private static func located(
    _ name: String, _ tensor: PickledTensor, in range: Range<Int>, _ path: String
  ) throws(ArchiveError) -> StoredTensor {
    let shown = JSON.clipped(name)
    let (storage, size) = (tensor.storage, tensor.storage.type.byteCount)
    var count = 1
    for dimension in tensor.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      if overflow { throw .damaged(path: path, what: "\(shown) is too large to count") }
      count = product
    }
    guard storage.count <= range.count / size, tensor.offset <= storage.view.count,
      let extent = extent(tensor, count: count),
      extent <= storage.view.count - tensor.offset
    else { throw .damaged(path: path, what: "\(shown) reaches beyond its storage") }
    guard count <= extent else {
      throw .damaged(path: path, what: "\(shown) has numbers that stand for several")
    }
    let start = range.lowerBound + (storage.view.lowerBound + tensor.offset) * size
    let entry = TensorEntry(
      name: name, type: storage.type, shape: tensor.shape, range: start..<start + extent * size)
    return StoredTensor(entry, strides: liesByRows(tensor) ? nil : tensor.strides)
  }

  /// Elements from the first to the last of a tensor; nil where that is too large to count.
  private static func extent(_ tensor: PickledTensor, count: Int) -> Int? {
    if count == 0 { return 0 }
    var extent = 1
    for (size, stride) in zip(tensor.shape, tensor.strides) {
      let (step, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
      let (sum, isTooLarge) = extent.addingReportingOverflow(step)
      if overflow || isTooLarge { return nil }
      extent = sum
    }
    return extent
  }

  /// Whether the strides are those of a tensor that lies row by row, where a dimension has several places.
  private static func liesByRows(_ tensor: PickledTensor) -> Bool {
    if tensor.shape.contains(0) { return true }
    var stride = 1
    for (size, stated) in zip(tensor.shape, tensor.strides).reversed() {
      if size > 1, stated != stride { return false }
      stride *= size
    }
    return true
  }
}

/// A file since torch 1.6: a zip archive whose folder may have any name.
enum TorchArchive {
  static func tensors(_ bytes: RawSpan, path: String) throws -> [String: StoredTensor] {
    let entries = try entries(bytes, path: path)
    let pickles = entries.filter { $0.key.hasSuffix("/data.pkl") || $0.key == "data.pkl" }
    guard pickles.count == 1, let (name, range) = pickles.first else {
      throw ArchiveError.damaged(path: path, what: "it holds no pickle, as torch.save writes one")
    }
    let prefix = name.dropLast("data.pkl".count)
    if entries[prefix + "constants.pkl"] != nil { throw TorchError.program(path: path) }
    if let order = entries[prefix + "byteorder"] {
      let word = Array(copying: bytes.extracting(order).octets.extracting(first: 16))
      guard word.starts(with: Array("little".utf8)) else {
        throw ArchiveError.damaged(path: path, what: "its numbers are not little-endian")
      }
    }
    guard range.count <= TorchPickle.byteLimit else {
      throw PickleError.tooLarge(path: path, byteCount: range.count)
    }
    let pickle = try TorchPickle(bytes.extracting(range), path: path)
    return try TorchFile.located(pickle.named(), path: path) { entries["\(prefix)data/\($0)"] }
  }

  private static func entries(_ bytes: RawSpan, path: String) throws -> [String: Range<Int>] {
    do { return try ZipArchive(bytes, path: path).entries } catch .compressed(_, let entry)
      where entry.contains("/code/")
    {
      // Programs are compressed, tensors never.
      throw TorchError.program(path: path)
    }
  }
}

/// A file from before torch 1.6: a number that tells the form, the version of the form, what the machine was,
/// the dictionary, the keys of storages, and of each storage the count of its elements and these.
enum TorchStream {
  /// The pickle of the number 0x1950A86A20F9469CFC6C.
  static let magic: [UInt8] = [
    0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]

  static func tensors(_ bytes: RawSpan, path: String) throws -> [String: StoredTensor] {
    let version = try TorchPickle(bytes, from: magic.count, path: path)
    let machine = try TorchPickle(bytes, from: version.end, path: path)
    guard machine.flag("little_endian") ?? true else {
      throw ArchiveError.damaged(path: path, what: "its numbers are not little-endian")
    }
    let pickle = try TorchPickle(bytes, from: machine.end, path: path)
    let named = try pickle.named()
    let listed = try TorchPickle(bytes, from: pickle.end, path: path)
    let places = try places(
      of: listed.texts(), types: types(of: named, path: path),
      LittleEndian(bytes, path: path), from: listed.end)
    return try TorchFile.located(named, path: path) { places[$0] }
  }

  /// The type of each storage's elements.
  private static func types(
    of named: [(name: String, tensor: PickledTensor)], path: String
  ) throws(ArchiveError) -> [String: TensorType] {
    var types: [String: TensorType] = [:]
    for (name, tensor) in named {
      let storage = tensor.storage
      guard types.updateValue(storage.type, forKey: storage.key) ?? storage.type == storage.type
      else {
        throw .damaged(
          path: path, what: "the storage of \(JSON.clipped(name)) has numbers of two types")
      }
    }
    return types
  }

  /// Where the bytes of each storage lie.
  private static func places(
    of keys: [String], types: [String: TensorType], _ numbers: borrowing LittleEndian,
    from start: Int
  ) throws(ArchiveError) -> [String: Range<Int>] {
    var places: [String: Range<Int>] = [:]
    var place = start
    for key in keys {
      guard let type = types[key] else {
        throw numbers.damage("no tensor lies in the storage \(JSON.clipped(key))")
      }
      let (byteCount, overflow) = try numbers.at(place, 8)
        .multipliedReportingOverflow(by: type.byteCount)
      place += 8
      guard !overflow, byteCount <= numbers.byteCount - place else {
        throw numbers.damage("the storage \(JSON.clipped(key)) reaches beyond the end of the file")
      }
      guard places.updateValue(place..<place + byteCount, forKey: key) == nil else {
        throw numbers.damage("two storages are called \(JSON.clipped(key))")
      }
      place += byteCount
    }
    return places
  }
}
