// Matrix products, from OpenBLAS: the only import of COpenBLAS. OpenBLAS runs single-threaded; a
// product is cut into blocks whose size depends on its shape alone and the blocks are shared among
// threads, so that the number of threads cannot change a bit of the result.

internal import COpenBLAS

/// How a factor lies in memory.
package enum Layout: Sendable {
  /// Row-major as named in the formula.
  case plain
  /// The row-major array holds the transpose of what the formula names.
  case transposed
}

/// Whether a product is shared among threads.
package enum Sharing: Sendable {
  /// Blocks of the result are computed by any thread.
  case blocks
  /// The calling thread computes all of it: for products inside a parallel loop.
  case none
}

/// The right factor of a product, or some columns of it.
package struct Factor: ~Escapable {
  package let values: Span<Float>
  package let layout: Layout
  package let stride: Int

  @_lifetime(copy values)
  package init(_ values: Span<Float>, _ layout: Layout, stride: Int) {
    self.values = values
    self.layout = layout
    self.stride = stride
  }
}

/// The library, made ready once, before the first call of it.
private enum OpenBLAS {
  static let prepare: Void = {
    let wish = unsafe getenv("OPENBLAS_CORETYPE").map { unsafe String(cString: $0) }
    let chosen = unsafe openblas_get_corename().map { unsafe String(cString: $0) } ?? ""
    if let better = ProductKernels.better(than: chosen, on: .here, wish: wish) {
      unsafe saeline_choose_kernels(better)
    }
    openblas_set_num_threads(1)
  }()
}

/// Matrix products on row-major spans.
package enum Multiply {
  /// Takes the memory that products on so many threads work in, so that it is not missing later.
  static func takeMemory(threads: Int) {
    OpenBLAS.prepare
    saeline_take_memory(Int32(clamping: threads))
  }

  /// The block of the result that one task computes.
  ///
  /// Large blocks keep OpenBLAS's packing cheap (512 × 1024 costs 5 % against one undivided
  /// product); smaller ones let a small product still be shared. A function of the shape alone.
  private static func block(rows: Int, columns: Int) -> (rows: Int, columns: Int) {
    var block = (rows: 512, columns: 1024)
    func tasks() -> Int {
      ((rows + block.rows - 1) / block.rows) * ((columns + block.columns - 1) / block.columns)
    }
    while tasks() < 4 && (block.rows > 64 || block.columns > 64) {
      let splitsRows = min(rows, block.rows) >= min(columns, block.columns)
      if (splitsRows && block.rows > 64) || block.columns <= 64 {
        block.rows /= 2
      } else {
        block.columns /= 2
      }
    }
    return block
  }

  /// C ← scale·A·B + keep·C with A `[rows, inner]`, B `[inner, columns]`, C `[rows, columns]`.
  ///
  /// With `keep: 0` what C held is overwritten.
  package static func product(
    rows: Int, columns: Int, inner: Int, _ a: Factor, _ b: Factor,
    into c: inout MutableSpan<Float>, cStride: Int, scale: Float = 1, keep: Float = 0,
    threads: Sharing = .blocks
  ) {
    guard rows > 0, columns > 0 else { return }
    check(a, rows: rows, columns: inner, "A")
    check(b, rows: inner, columns: columns, "B")
    check(c.count, rows: rows, columns: columns, stride: cStride, "C")
    OpenBLAS.prepare
    let block =
      threads == .none ? (rows: rows, columns: columns) : block(rows: rows, columns: columns)
    let rowTasks = (rows + block.rows - 1) / block.rows
    let columnTasks = (columns + block.columns - 1) / block.columns
    unsafe withArrays(a, &c, cStride: cStride) { arrays in
      unsafe b.values.withUnsafeBufferPointer { values in
        let b = unsafe Operand(base: values.baseAddress, layout: b.layout, stride: b.stride)
        Parallel.forEach(rowTasks * columnTasks) { task in
          let row = task / columnTasks * block.rows
          let column = task % columnTasks * block.columns
          unsafe arrays.multiply(
            b, rows: row..<min(row + block.rows, rows),
            columns: column..<min(column + block.columns, columns), inner: inner, scale: scale,
            keep: keep)
        }
      }
    }
  }

  /// C ← scale·A·B + keep·C of arrays whose rows lie without gaps unless a stride says otherwise.
  ///
  /// The array `a` holds A, or its transpose `[inner, rows]` with `aLayout: .transposed`; `b`
  /// likewise B or `[columns, inner]`. A stride is the distance between rows of an array in
  /// elements.
  package static func product(
    rows: Int, columns: Int, inner: Int,
    _ a: Span<Float>, _ aLayout: Layout = .plain, aStride: Int? = nil,
    _ b: Span<Float>, _ bLayout: Layout = .plain, bStride: Int? = nil,
    into c: inout MutableSpan<Float>, cStride: Int? = nil,
    scale: Float = 1, keep: Float = 0, threads: Sharing = .blocks
  ) {
    product(
      rows: rows, columns: columns, inner: inner,
      Factor(a, aLayout, stride: aStride ?? (aLayout == .plain ? inner : rows)),
      Factor(b, bLayout, stride: bStride ?? (bLayout == .plain ? columns : inner)),
      into: &c, cStride: cStride ?? columns, scale: scale, keep: keep, threads: threads)
  }

  /// C ← activation(A·B + bias) with A `[rows, inner]`, B `[inner, columns]` lent tile by tile, C
  /// `[rows, columns]`; an empty bias is zero.
  ///
  /// Each of `workers` asks for a tile of B's columns by `withTile(worker, number, use)` and keeps it
  /// for as many blocks of rows as it can take.
  package static func product(
    rows: Int, inner: Int, _ a: Span<Float>, aStride: Int, tiles: [Range<Int>],
    bias: Span<Float>, into c: inout MutableSpan<Float>, cStride: Int, workers: Int,
    withTile: @Sendable (Int, Int, (Factor) -> Void) -> Void,
    activation: Activation?
  ) {
    guard rows > 0, let columns = tiles.last?.upperBound else { return }
    let a = Factor(a, .plain, stride: aStride)
    check(a, rows: rows, columns: inner, "A")
    check(c.count, rows: rows, columns: columns, stride: cStride, "C")
    precondition(bias.isEmpty || bias.count == columns, "bias and columns differ")
    OpenBLAS.prepare
    let cut = RowCut(rows: rows, tiles: tiles.count)
    let next = Counter()
    unsafe withArrays(a, &c, cStride: cStride) { arrays in
      Parallel.forEach(min(workers, cut.tasks)) { worker in
        var tasks = RowTasks(cut, next)
        while let number = tasks.tile {
          let tile = tiles[number]
          withTile(worker, number) { factor in
            check(factor, rows: inner, columns: tile.count, "B")
            let bias = bias.isEmpty ? bias : bias.extracting(tile)
            let c = unsafe arrays.fromColumn(tile.lowerBound)
            while let rows = tasks.rows(in: number) {
              unsafe c.multiply(
                factor, rows: rows, columns: tile.count, inner: inner, bias: bias, activation)
              tasks.advance()
            }
          }
        }
      }
    }
  }

  /// Operations per second of large products on all threads, each with one of its own: what this
  /// machine can do at most.
  package static func measurePeak(rounds: Int = 3) -> Double {
    let (size, threads) = (1536, Parallel.threadCount)
    let a = Matrix(rows: size, columns: size)
    let c = Matrix(rows: threads * size, columns: size)
    let operations = 2 * Double(size * size * size) * Double(threads)
    var best = Double.infinity
    for _ in 0..<rounds {
      let start = System.uptime
      let (factor, results) = (a.span, c.disjoint)
      Parallel.forEach(threads) { thread in
        results.withSlice(thread * size * size..<(thread + 1) * size * size) { result in
          product(
            rows: size, columns: size, inner: size, factor, .plain, factor, .transposed,
            into: &result, threads: .none)
        }
      }
      best = min(best, System.uptime - start)
    }
    return operations / best
  }

  private static func check(_ factor: Factor, rows: Int, columns: Int, _ name: String) {
    let shape = factor.layout == .plain ? (rows, columns) : (columns, rows)
    check(factor.values.count, rows: shape.0, columns: shape.1, stride: factor.stride, name)
  }

  private static func check(_ count: Int, rows: Int, columns: Int, stride: Int, _ name: String) {
    precondition(stride >= columns, "\(name): stride below the row length")
    precondition(
      rows == 0 || columns == 0 || (rows - 1) * stride + columns <= count,
      "\(name): [\(rows), \(columns)] does not fit into \(count) elements")
  }

  /// Lends where A and C lie.
  private static func withArrays(
    _ a: Factor, _ c: inout MutableSpan<Float>, cStride: Int, _ body: (Arrays) -> Void
  ) {
    unsafe c.withUnsafeMutableBufferPointer { target in
      unsafe a.values.withUnsafeBufferPointer { values in
        guard let c = target.baseAddress else { return }
        let a = unsafe Operand(base: values.baseAddress, layout: a.layout, stride: a.stride)
        unsafe body(Arrays(a: a, c: c, cStride: cStride))
      }
    }
  }

  /// A factor as OpenBLAS takes it.
  @unsafe private struct Operand: @unchecked Sendable {
    let base: UnsafePointer<Float>?
    let layout: Layout
    let stride: Int

    var transposition: CBLAS_TRANSPOSE { unsafe layout == .plain ? CblasNoTrans : CblasTrans }

    /// Where what the formula names row and column begins.
    func from(row: Int, column: Int) -> UnsafePointer<Float>? {
      let offset = unsafe layout == .plain ? row * stride + column : column * stride + row
      return unsafe base.map { unsafe $0 + offset }
    }
  }

  /// Where A and C of a product lie; its tasks write disjoint blocks of C.
  @unsafe private struct Arrays: @unchecked Sendable {
    let a: Operand
    let c: UnsafeMutablePointer<Float>
    let cStride: Int

    /// A block of C ← scale·A·B + keep·C.
    func multiply(
      _ b: Operand, rows: Range<Int>, columns: Range<Int>, inner: Int, scale: Float, keep: Float
    ) {
      unsafe cblas_sgemm(
        CblasRowMajor, a.transposition, b.transposition,
        blasint(rows.count), blasint(columns.count), blasint(inner), scale,
        a.from(row: rows.lowerBound, column: 0), blasint(a.stride),
        b.from(row: 0, column: columns.lowerBound), blasint(b.stride), keep,
        c + rows.lowerBound * cStride + columns.lowerBound, blasint(cStride))
    }

    /// The same with a C that begins at a column.
    func fromColumn(_ column: Int) -> Arrays {
      unsafe Arrays(a: a, c: c + column, cStride: cStride)
    }

    /// The first columns of some rows of C ← activation(A·B + bias); an empty bias is zero.
    func multiply(
      _ b: Factor, rows: Range<Int>, columns: Int, inner: Int, bias: Span<Float>,
      _ activation: Activation?
    ) {
      unsafe fill(rows, with: bias)
      unsafe b.values.withUnsafeBufferPointer { values in
        let b = unsafe Operand(base: values.baseAddress, layout: b.layout, stride: b.stride)
        unsafe multiply(
          b, rows: rows, columns: 0..<columns, inner: inner, scale: 1, keep: bias.isEmpty ? 0 : 1)
      }
      if let activation { unsafe activate(activation, rows, count: columns) }
    }

    /// Rows of C ← bias.
    private func fill(_ rows: Range<Int>, with bias: Span<Float>) {
      unsafe bias.withUnsafeBufferPointer { bias in
        guard let source = bias.baseAddress else { return }
        for row in rows { unsafe (c + row * cStride).update(from: source, count: bias.count) }
      }
    }

    /// The first `count` elements of rows of C ← activation of them.
    private func activate(_ activation: Activation, _ rows: Range<Int>, count: Int) {
      for row in rows {
        let run = unsafe UnsafeMutableBufferPointer(start: c + row * cStride, count: count)
        var span = unsafe MutableSpan(_unsafeElements: run)
        Kernels.activate(activation, &span)
      }
    }
  }
}

/// Eigenvalues, from the LAPACK within OpenBLAS.
package enum Eigen {
  /// The eigenvalues of a symmetric matrix `[size, size]`, ascending, and its eigenvectors, one per
  /// row.
  ///
  /// LAPACK counts columns first: the rows that it sees are the columns of a symmetric matrix.
  package static func symmetric(
    _ matrix: [Double], size: Int
  ) -> (values: [Double], vectors: [Double]) {
    precondition(matrix.count == size * size, "not a square matrix")
    OpenBLAS.prepare
    var vectors = matrix
    var values = [Double](repeating: 0, count: size)
    var order = blasint(size)
    var (workCount, integerCount) = (blasint(1 + 6 * size + 2 * size * size), blasint(3 + 5 * size))
    var work = [Double](repeating: 0, count: Int(workCount))
    var integers = [blasint](repeating: 0, count: Int(integerCount))
    var info: blasint = 0
    var (job, part) = (CChar(86), CChar(85))  // "V", "U"
    unsafe dsyevd_(
      &job, &part, &order, &vectors, &order, &values, &work, &workCount, &integers, &integerCount,
      &info, 1, 1)
    precondition(info == 0, "no eigenvalues were found")
    return (values, vectors)
  }
}
