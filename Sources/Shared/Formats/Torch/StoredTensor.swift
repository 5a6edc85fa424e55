// A tensor of a file as another program left it there: row by row, column by column, or with gaps, as a view
// of a larger one. Comes in: its entry and its strides. Leaves: its numbers, row by row.

/// A tensor of a file.
package struct StoredTensor: Sendable, Equatable {
  /// Its type, its shape, and the bytes from its first number to its last.
  package let entry: TensorEntry
  /// Elements between neighbors of each dimension; nil where the tensor lies row by row.
  package let strides: [Int]?

  package init(_ entry: TensorEntry, strides: [Int]? = nil) {
    self.entry = entry
    self.strides = strides
  }

  /// Whether a matrix lies there column by column, without gaps.
  package var liesByColumns: Bool { entry.shape.count == 2 && strides == [1, entry.shape[0]] }

  /// The number of elements.
  package var count: Int { entry.shape.reduce(1, *) }

  /// Fills `target` with all elements, row by row, of an F64, F32, F16 or BF16 tensor of the file `bytes`.
  package func readFloats(in bytes: RawSpan, into target: inout MutableSpan<Float>) {
    guard let strides else {
      entry.readFloats(in: bytes, into: &target)
      return
    }
    precondition(target.count == count, "\(entry.name): target and tensor differ in size")
    if target.isEmpty { return }
    var numbers = AlignedBuffer<Float>(count: entry.range.count / entry.type.byteCount)
    var all = numbers.mutableSpan
    TensorEntry(name: entry.name, type: entry.type, shape: [all.count], range: entry.range)
      .readFloats(in: bytes, into: &all)
    var index = [Int](repeating: 0, count: strides.count)
    var place = 0
    for element in 0..<target.count {
      target[element] = all[place]
      for dimension in strides.indices.reversed() {
        index[dimension] += 1
        place += strides[dimension]
        if index[dimension] < entry.shape[dimension] { break }
        place -= strides[dimension] * entry.shape[dimension]
        index[dimension] = 0
      }
    }
  }
}
