// Products of factors that are rounded to bfloat16, with sums in float32. Comes in: rows and columns of
// float32. Leaves: float32. An element's order of summation depends on the kernel alone, so that neither
// the number of threads nor its place in a batch or a tile can change a bit of it.

internal import CProducts

/// What the factors of products are rounded to before they are multiplied.
package enum FactorPrecision: Sendable, Equatable {
  case float32
  case bfloat16
}

/// Kernels of products of bfloat16, the fastest first.
package enum RoundedKind: Int32, CaseIterable, Sendable {
  case amx = 1
  case avx512BF16 = 2
  case avx512 = 3
  case avx2 = 4
  case portable = 5

  /// Whether this processor, and the system for this process, can run it.
  package var isAvailable: Bool { saeline_rounded_available(rawValue) != 0 }

  /// The fastest of this processor.
  package static let best = allCases.first { $0.isAvailable } ?? .portable

  /// The rows and columns of a tile of the result, which together with its factors stays in the
  /// second cache.
  fileprivate var tile: (rows: Int, columns: Int) { self == .amx ? (192, 256) : (96, 512) }
}

/// Factors in bfloat16, and their products.
package enum RoundedProduct {
  package static let panelColumns = Int(saeline_screen_latents)
  /// Rows that a kernel may read and write beyond the last one.
  package static let rowPadding = Int(saeline_screen_row_padding)
  /// Elements of float32 of the tile that a worker needs.
  package static let tileCount =
    RoundedKind.allCases.map { ($0.tile.rows + rowPadding) * $0.tile.columns }.max() ?? 0

  /// Elements of a vector of `inner` elements in bfloat16.
  package static func width(_ inner: Int) -> Int { saeline_screen_width(inner) }

  /// Columns that are computed for so many.
  package static func padded(_ columns: Int) -> Int {
    (columns + panelColumns - 1) / panelColumns * panelColumns
  }

  /// Elements of bfloat16 of so many rows.
  package static func rowCount(_ rows: Int, inner: Int) -> Int {
    (rows + rowPadding) * width(inner)
  }

  /// Elements of bfloat16 of so many columns.
  package static func columnCount(_ columns: Int, inner: Int) -> Int {
    padded(columns) * width(inner)
  }

  /// Rounds rows of `inner` elements, `stride` apart, to `[rows, width]`.
  package static func round(
    rows: Int, inner: Int, stride: Int, _ source: Span<Float>,
    into target: inout MutableSpan<UInt16>
  ) {
    guard rows > 0 else { return }
    precondition(
      stride >= inner && (rows - 1) * stride + inner <= source.count, "rows are missing")
    precondition(target.count >= rows * width(inner), "no room for rows")
    unsafe source.withUnsafeBufferPointer { source in
      unsafe target.withUnsafeMutableBufferPointer { target in
        unsafe saeline_round_rows(source.baseAddress, rows, inner, stride, target.baseAddress)
      }
    }
  }

  /// Rounds the columns of B `[inner, columns]` to panels.
  package static func round(
    columns: Int, inner: Int, _ b: Factor, into target: inout MutableSpan<UInt16>
  ) {
    guard columns > 0 else { return }
    let isTransposed = b.layout == .transposed
    let (rows, length) = isTransposed ? (columns, inner) : (inner, columns)
    precondition(
      b.stride >= length && (rows - 1) * b.stride + length <= b.values.count,
      "columns are missing")
    precondition(target.count >= columnCount(columns, inner: inner), "no room for columns")
    unsafe b.values.withUnsafeBufferPointer { source in
      unsafe target.withUnsafeMutableBufferPointer { target in
        for first in Swift.stride(from: 0, to: columns, by: panelColumns) {
          unsafe saeline_round_panel(
            source.baseAddress.map { unsafe $0 + first * (isTransposed ? b.stride : 1) },
            min(panelColumns, columns - first), inner, b.stride, isTransposed ? 1 : 0,
            target.baseAddress.map { unsafe $0 + first * width(inner) })
        }
      }
    }
  }

  /// Fills a tile, with `rowPadding` rows more than `rows` and whole panels of columns.
  package static func fill(
    _ tile: inout MutableSpan<Float>, stride: Int, rows: Int, columns: Int, inner: Int,
    _ rowValues: Span<UInt16>, _ columnValues: Span<UInt16>, kind: RoundedKind = .best
  ) {
    let panels = padded(columns) / panelColumns
    precondition(rowValues.count >= rowCount(rows, inner: inner), "rows without padding")
    precondition(
      columnValues.count >= columnCount(columns, inner: inner), "panels are missing")
    precondition(
      stride >= padded(columns) && tile.count >= (rows + rowPadding) * stride,
      "tile without padding")
    unsafe rowValues.withUnsafeBufferPointer { rowValues in
      unsafe columnValues.withUnsafeBufferPointer { columnValues in
        unsafe tile.withUnsafeMutableBufferPointer { tile in
          unsafe saeline_rounded_product(
            kind.rawValue, rows, panels, width(inner), rowValues.baseAddress,
            columnValues.baseAddress, tile.baseAddress, stride)
        }
      }
    }
  }
}

/// The right factor of a product in bfloat16.
package struct RoundedColumns: ~Escapable, Sendable {
  let values: Span<UInt16>
  package let inner: Int
  package let columns: Int

  /// Panels as `RoundedProduct.round` leaves them.
  @_lifetime(copy values)
  package init(_ values: Span<UInt16>, inner: Int, columns: Int) {
    precondition(
      values.count >= RoundedProduct.columnCount(columns, inner: inner), "panels are missing")
    self.values = values
    self.inner = inner
    self.columns = columns
  }

  /// The panels of some columns, the first of which begins one.
  @_lifetime(copy self)
  fileprivate func panels(_ range: Range<Int>) -> Span<UInt16> {
    let width = RoundedProduct.width(inner)
    return values.extracting(
      range.lowerBound * width..<RoundedProduct.padded(range.upperBound) * width)
  }
}

/// What is done with a product before it is left.
package struct ProductEnd: ~Escapable, Sendable {
  let bias: Span<Float>
  let activation: Activation?

  /// An empty bias is zero.
  @_lifetime(copy bias)
  package init(bias: Span<Float>, _ activation: Activation? = nil) {
    self.bias = bias
    self.activation = activation
  }
}

extension RoundedProduct {
  /// C ← activation(A·B + bias) with the rows of A as `round` leaves them, C `[rows, columns]` with rows
  /// `cStride` apart; `tiles` has room for `tileCount` elements for each of `workers`.
  package static func product(
    rows: Int, _ a: Span<UInt16>, _ b: borrowing RoundedColumns, _ end: borrowing ProductEnd,
    into c: inout MutableSpan<Float>, cStride: Int, tiles: borrowing Disjoint<Float>, workers: Int,
    kind: RoundedKind = .best
  ) {
    let (columns, inner) = (b.columns, b.inner)
    guard rows > 0, columns > 0 else { return }
    precondition(a.count >= rowCount(rows, inner: inner), "rows without padding")
    precondition(
      cStride >= columns && (rows - 1) * cStride + columns <= c.count, "result too small")
    precondition(end.bias.isEmpty || end.bias.count == columns, "bias and columns differ")
    let cut = TileCut(rows: rows, columns: columns, kind)
    c.withDisjoint { c in
      Parallel.forEach(cut.count, atMost: workers) { task, worker in
        let (rows, columns) = cut[task]
        let stride = padded(columns.count)
        tiles.withSlice(worker * tileCount..<(worker + 1) * tileCount) { tile in
          fill(
            &tile, stride: stride, rows: rows.count, columns: columns.count, inner: inner,
            a.extracting(
              rows.lowerBound * width(inner)..<(rows.upperBound + rowPadding) * width(inner)),
            b.panels(columns), kind: kind)
          for row in rows {
            let start = (row - rows.lowerBound) * stride
            end.write(
              tile.span.extracting(start..<start + columns.count), columns,
              at: row * cStride + columns.lowerBound, in: c)
          }
        }
      }
    }
  }
}

extension ProductEnd {
  /// A place of C ← activation(sums + bias), of some columns.
  fileprivate func write(
    _ sums: Span<Float>, _ columns: Range<Int>, at place: Int, in c: borrowing Disjoint<Float>
  ) {
    c.withSlice(place..<place + sums.count) { target in
      Kernels.copy(sums, to: &target)
      if !bias.isEmpty { Kernels.add(bias.extracting(columns), to: &target) }
      if let activation { Kernels.activate(activation, &target) }
    }
  }
}

extension RoundedProduct {
  /// Operations per second of large products on all threads: what this machine can do at most.
  package static func measurePeak(rounds: Int = 3) -> Double {
    let size = 1536
    let a = AlignedBuffer<UInt16>(count: rowCount(size, inner: size))
    let b = AlignedBuffer<UInt16>(count: columnCount(size, inner: size))
    let tiles = Matrix(rows: Parallel.threadCount, columns: tileCount)
    var c = Matrix(rows: size, columns: size)
    var best = Double.infinity
    for _ in 0..<rounds {
      let start = System.uptime
      var result = c.mutableSpan
      product(
        rows: size, a.span, RoundedColumns(b.span, inner: size, columns: size),
        ProductEnd(bias: tiles.span.extracting(0..<0)), into: &result, cStride: size,
        tiles: tiles.disjoint,
        workers: tiles.rows)
      best = min(best, System.uptime - start)
    }
    return 2 * Double(size * size * size) / best
  }
}

/// How a product is cut into tiles; no bit of the result depends on it.
private struct TileCut: Sendable {
  let rows: Int
  let columns: Int
  let tile: (rows: Int, columns: Int)
  let rowTasks: Int
  let count: Int

  init(rows: Int, columns: Int, _ kind: RoundedKind) {
    self.rows = rows
    self.columns = columns
    var tile = kind.tile
    let rowTasks = (rows + tile.rows - 1) / tile.rows
    // Enough of them to share.
    while tile.columns > 64, rowTasks * ((columns + tile.columns - 1) / tile.columns) < 8 {
      tile.columns /= 2
    }
    self.tile = tile
    self.rowTasks = rowTasks
    count = rowTasks * ((columns + tile.columns - 1) / tile.columns)
  }

  /// Tasks of the same columns follow one another.
  subscript(task: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (row, column) = (task % rowTasks * tile.rows, task / rowTasks * tile.columns)
    return (
      row..<min(row + tile.rows, rows), column..<min(column + tile.columns, columns)
    )
  }
}
