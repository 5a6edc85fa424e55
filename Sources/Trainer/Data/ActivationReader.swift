// An activation shard that is read piece by piece instead of being mapped. Comes in: a path. Leaves:
// rows as Float, in whatever order; cheapest where they follow one another.
//
// A mapping of a file that another program cuts short ends the process; here it is an error.

import Shared

/// Rows of a shard that follow one another, as they lie in the file.
private struct RowWindow: ~Copyable {
  let bytes: AlignedBuffer<UInt8>
  /// The factor of each row, where rows are of I8.
  let factors: AlignedBuffer<Float>
  var rows = 0..<0

  init(byteCount: Int, factors count: Int) {
    bytes = AlignedBuffer(count: byteCount)
    factors = AlignedBuffer(count: count)
  }

  /// Reads bytes to the beginning of the window and returns how many there were.
  func read(_ count: Int, of file: InputFile, from start: Int) throws(SystemError) -> Int {
    try file.read(at: start, count: count, into: bytes.disjoint)
  }

  func setFactors(_ source: [UInt8], count: Int) {
    factors.disjoint.withSlice(0..<count) { Precision.widen(float32: source.span.raw, into: &$0) }
  }

  /// Fills `target` with the row that begins at byte `start` of the window.
  func widen(_ type: TensorType, from start: Int, row: Int, into target: inout MutableSpan<Float>) {
    let byteCount = target.count * type.byteCount
    let source = bytes.span.raw.extracting(start..<start + byteCount)
    switch type {
    case .float16: Precision.widen(float16: source, into: &target)
    case .bfloat16: Precision.widen(bfloat16: source, into: &target)
    case .int8: Precision.widen(int8: source, scale: factors.span[row], into: &target)
    default: Precision.widen(float32: source, into: &target)
    }
  }
}

/// An open activation shard; to be used by one thread at a time.
package final class ActivationReader {
  /// About so many bytes are read at once.
  private static let windowByteCount = 1 << 20

  private let file: InputFile
  private let layout: ActivationLayout
  private let rowByteCount: Int
  private var window: RowWindow

  /// Opens a shard and proves that its tensors belong together.
  package static func open(_ path: String) throws -> ActivationReader {
    let file = try InputFile(path)
    let header = try SafetensorsHeader.read(file)
    return ActivationReader(file, try .proven(header, path: path))
  }

  private init(_ file: InputFile, _ layout: ActivationLayout) {
    self.file = file
    self.layout = layout
    rowByteCount = layout.dIn * layout.activations.type.byteCount
    window = RowWindow(byteCount: 0, factors: 0)
  }

  package var path: String { file.path }
  package var rows: Int { layout.rows }
  package var dIn: Int { layout.dIn }
  /// What another file of the same name would not have.
  package var inode: UInt64 { file.inode }

  /// Sets how many rows are read at once: as many as make a window where they are asked for one
  /// after another, a single one where most are passed over.
  package func expect(_ count: Int) {
    let most = max(1, Self.windowByteCount / max(1, rowByteCount))
    let size = count > rows / 4 ? min(most, rows) : 1
    window = RowWindow(
      byteCount: size * rowByteCount, factors: layout.scales == nil ? 0 : size)
  }

  /// Fills `target` with row `index`, `[dIn]`.
  ///
  /// A row of I8 that could not be stored, because it held NaN or an infinity, is NaN throughout.
  package func readRow(_ index: Int, into target: inout MutableSpan<Float>) throws {
    precondition(index >= 0 && index < rows && target.count == dIn, "no such row")
    if !window.rows.contains(index) { try fillWindow(from: index) }
    let row = index - window.rows.lowerBound
    window.widen(
      layout.activations.type, from: row * rowByteCount, row: row, into: &target)
  }

  private func fillWindow(from row: Int) throws {
    if window.bytes.count == 0 { expect(rows) }
    let count = min(window.bytes.count / max(1, rowByteCount), rows - row)
    window.rows = 0..<0
    let start = layout.activations.range.lowerBound + row * rowByteCount
    let got = try window.read(count * rowByteCount, of: file, from: start)
    guard got == count * rowByteCount else { throw cutShort(at: start + got) }
    if let scales = layout.scales {
      window.setFactors(try bytes(of: scales, row..<row + count), count: count)
    }
    window.rows = row..<row + count
  }

  private func cutShort(at end: Int) -> ShardError {
    // The file ended no later than there; where it ends now is what people see.
    let byteCount = (try? System.status(path).byteCount) ?? end
    return .cutShort(path: path, wanted: file.byteCount, byteCount: min(byteCount, end))
  }

  /// The bytes of some elements of a tensor of one number per row.
  private func bytes(of entry: TensorEntry, _ elements: Range<Int>) throws -> [UInt8] {
    let size = entry.type.byteCount
    let start = entry.range.lowerBound + elements.lowerBound * size
    let bytes = try file.read(at: start, count: elements.count * size)
    guard bytes.count == elements.count * size else { throw cutShort(at: start + bytes.count) }
    return bytes
  }

  private func integers(_ entry: TensorEntry) throws -> [UInt32] {
    let bytes = try bytes(of: entry, 0..<rows)
    return entry.integers(of: bytes.span.raw)
  }

  /// The tokens of all rows.
  package func tokens() throws -> [UInt32] { try integers(layout.tokens) }

  /// The sequences of all rows, by their index in the token stage.
  package func sequences() throws -> [UInt32] { try integers(layout.sequence) }

  /// The positions of all rows within their sequences.
  package func positions() throws -> [UInt32] { try integers(layout.position) }
}
