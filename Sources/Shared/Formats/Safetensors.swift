// Reading safetensors files. Comes in: a path. Leaves: the header and, of a file that is proven
// whole, its tensors as bytes or as numbers.
//
// Files of others need not be aligned, so numbers are loaded with unaligned loads.

/// A mapped safetensors file.
package struct SafetensorsFile: ~Copyable, Sendable {
  package let header: SafetensorsHeader
  private let file: MappedFile

  private init(header: SafetensorsHeader, file: consuming MappedFile) {
    self.header = header
    self.file = file
  }

  /// Maps a file and proves the whole of its header against its length.
  package static func open(_ path: String) throws(SafetensorsError) -> SafetensorsFile {
    let file: MappedFile
    do { file = try MappedFile.open(path) } catch { throw .system(error) }
    return SafetensorsFile(
      header: try SafetensorsHeader.parse(file.bytes, path: path), file: file)
  }

  package var path: String { file.path }
  package var byteCount: Int { file.byteCount }

  /// Lends the bytes of a tensor.
  @_lifetime(borrow self)
  package func bytes(_ name: String) throws(SafetensorsError) -> RawSpan {
    guard let entry = header.tensors[name] else {
      throw .missingTensor(path: path, tensor: name)
    }
    return file.bytes.extracting(entry.range)
  }

  /// Lends the bytes of a tensor of this file.
  @_lifetime(borrow self)
  package func bytes(_ entry: TensorEntry) -> RawSpan {
    file.bytes.extracting(entry.range)
  }

  /// The entry of a tensor that must be there, with one of some types and a shape.
  ///
  /// A nil in `shape` stands for any size of that dimension.
  package func require(
    _ name: String, _ types: [TensorType], shape: [Int?]
  ) throws(SafetensorsError) -> TensorEntry {
    try header.require(name, types, shape: shape, path: path)
  }

  /// Lends the elements of an F32 tensor where they lie; nil of another type or off their places.
  @_lifetime(borrow self)
  package func floats(_ entry: TensorEntry) -> Span<Float>? { entry.floats(in: file.bytes) }

  /// Fills `target` with elements of an F32, F16 or BF16 tensor, from element `from` on.
  package func readFloats(
    _ entry: TensorEntry, from: Int = 0, into target: inout MutableSpan<Float>
  ) {
    entry.readFloats(in: file.bytes, from: from, into: &target)
  }

  /// Fills `target` with rows of an I8 tensor `[rows, n]`, each times its scale of an F32 tensor.
  package func readScaledRows(
    _ entry: TensorEntry, scales: TensorEntry, _ rows: Range<Int>,
    into target: inout MutableSpan<Float>
  ) {
    entry.readScaledRows(in: file.bytes, scales: scales, rows, into: &target)
  }

  /// Fills `target` with elements of a U8, U16 or U32 tensor, from element `from` on.
  package func readIntegers(
    _ entry: TensorEntry, from: Int = 0, into target: inout MutableSpan<UInt32>
  ) {
    entry.readIntegers(in: file.bytes, from: from, into: &target)
  }

  /// Some elements, or all, of a U8, U16 or U32 tensor.
  package func integers(_ entry: TensorEntry, _ elements: Range<Int>? = nil) -> [UInt32] {
    entry.integers(in: file.bytes, elements ?? 0..<entry.count)
  }
}

extension TensorEntry {
  /// Where `count` elements from `from` on lie in the file.
  private func bytes(from: Int, count: Int) -> Range<Int> {
    precondition(from >= 0 && count <= self.count - from, "\(name): elements outside the tensor")
    let start = range.lowerBound + from * type.byteCount
    return start..<start + count * type.byteCount
  }

  /// Lends the elements of an F32 tensor of the file `bytes`; nil of another type or off their places.
  @_lifetime(copy bytes)
  package func floats(in bytes: RawSpan) -> Span<Float>? {
    guard type == .float32 else { return nil }
    let own = bytes.extracting(range)
    let isAligned = unsafe own.withUnsafeBytes { own in
      unsafe own.baseAddress.map { Int(bitPattern: $0) % 4 == 0 } ?? false
    }
    return isAligned ? unsafe own._unsafeView(as: Float.self) : nil
  }

  /// Fills `target` with elements of an F64, F32, F16 or BF16 tensor of the file `bytes`.
  package func readFloats(
    in bytes: RawSpan, from: Int = 0, into target: inout MutableSpan<Float>
  ) {
    let source = bytes.extracting(self.bytes(from: from, count: target.count))
    switch type {
    case .float64: Precision.narrow(float64: source, into: &target)
    case .float32: Precision.widen(float32: source, into: &target)
    case .float16: Precision.widen(float16: source, into: &target)
    case .bfloat16: Precision.widen(bfloat16: source, into: &target)
    default: preconditionFailure("\(name) holds \(type.rawValue), no floating-point numbers")
    }
  }

  /// Fills `target` with the rows `rows` of an I8 tensor `[rows, n]` of the file `bytes`.
  ///
  /// `scales` is an F32 tensor with one factor per row.
  package func readScaledRows(
    in bytes: RawSpan, scales: TensorEntry, _ rows: Range<Int>,
    into target: inout MutableSpan<Float>
  ) {
    precondition(
      type == .int8 && scales.type == .float32 && shape.count == 2 && scales.shape == [shape[0]],
      "\(name) and \(scales.name) are no scaled rows")
    let width = shape[1]
    precondition(target.count == rows.count * width, "target and rows differ in size")
    let factors = bytes.extracting(scales.bytes(from: rows.lowerBound, count: rows.count))
    let source = bytes.extracting(
      self.bytes(from: rows.lowerBound * width, count: rows.count * width))
    target.withDisjoint { target in
      for row in 0..<rows.count {
        let place = row * width..<(row + 1) * width
        let scale = unsafe factors.unsafeLoadUnaligned(fromByteOffset: row * 4, as: Float.self)
        target.withSlice(place) {
          Precision.widen(int8: source.extracting(place), scale: scale, into: &$0)
        }
      }
    }
  }

  /// Fills `target` with elements of a U8, U16 or U32 tensor of the file `bytes`.
  package func readIntegers(
    in bytes: RawSpan, from: Int = 0, into target: inout MutableSpan<UInt32>
  ) {
    let source = bytes.extracting(self.bytes(from: from, count: target.count))
    switch type {
    case .uint8: source.widen(UInt8.self, into: &target)
    case .uint16: source.widen(UInt16.self, into: &target)
    case .uint32: source.widen(UInt32.self, into: &target)
    default: preconditionFailure("\(name) holds \(type.rawValue), no unsigned integers")
    }
  }

  /// The elements of a U8, U16 or U32 tensor whose bytes are `bytes`, from its first on.
  package func integers(of bytes: RawSpan) -> [UInt32] {
    let count = bytes.byteCount / type.byteCount
    return TensorEntry(name: name, type: type, shape: [count], range: 0..<bytes.byteCount)
      .integers(in: bytes, 0..<count)
  }

  /// The elements `elements` of a U8, U16 or U32 tensor of the file `bytes`.
  package func integers(in bytes: RawSpan, _ elements: Range<Int>) -> [UInt32] {
    var values = [UInt32](repeating: 0, count: elements.count)
    var span = values.mutableSpan
    readIntegers(in: bytes, from: elements.lowerBound, into: &span)
    return values
  }
}

extension RawSpan {
  /// A copy of some of the bytes.
  func copied(_ range: Range<Int>) -> [UInt8] {
    unsafe extracting(range).withUnsafeBytes { unsafe [UInt8]($0) }
  }

  /// A copy of the bytes.
  func copied() -> [UInt8] { copied(0..<byteCount) }

  /// Reads as many little-endian numbers as `target` holds.
  fileprivate func widen<Number: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ type: Number.Type, into target: inout MutableSpan<UInt32>
  ) {
    let size = MemoryLayout<Number>.size
    precondition(byteCount == target.count * size, "sizes differ")
    unsafe withUnsafeBytes { source in
      for index in 0..<target.count {
        target[index] = UInt32(
          truncatingIfNeeded: unsafe source.loadUnaligned(
            fromByteOffset: index * size, as: Number.self))
      }
    }
  }
}
