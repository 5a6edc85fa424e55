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

/// Matrix products on row-major spans.
package enum Multiply {
  /// Tells OpenBLAS to leave threads to us; called before the first product.
  private static let prepared: Void = openblas_set_num_threads(1)

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
  /// The array `a` holds A, or its transpose `[inner, rows]` with `aLayout: .transposed`; `b`
  /// likewise B or `[columns, inner]`. A stride is the distance between rows of an array in
  /// elements. With `keep: 0` what C held is overwritten.
  package static func product(
    rows: Int, columns: Int, inner: Int,
    _ a: Span<Float>, _ aLayout: Layout = .plain, aStride: Int? = nil,
    _ b: Span<Float>, _ bLayout: Layout = .plain, bStride: Int? = nil,
    into c: inout MutableSpan<Float>, cStride: Int? = nil,
    scale: Float = 1, keep: Float = 0, threads: Sharing = .blocks
  ) {
    guard rows > 0, columns > 0 else { return }
    let aStride = aStride ?? (aLayout == .plain ? inner : rows)
    let bStride = bStride ?? (bLayout == .plain ? columns : inner)
    let cStride = cStride ?? columns
    let aShape = aLayout == .plain ? (rows, inner) : (inner, rows)
    let bShape = bLayout == .plain ? (inner, columns) : (columns, inner)
    check(a.count, rows: aShape.0, columns: aShape.1, stride: aStride, "A")
    check(b.count, rows: bShape.0, columns: bShape.1, stride: bStride, "B")
    check(c.count, rows: rows, columns: columns, stride: cStride, "C")
    prepared
    let transA = aLayout == .plain ? CblasNoTrans : CblasTrans
    let transB = bLayout == .plain ? CblasNoTrans : CblasTrans
    unsafe c.withUnsafeMutableBufferPointer { c in
      unsafe a.withUnsafeBufferPointer { a in
        unsafe b.withUnsafeBufferPointer { b in
          guard let c = c.baseAddress else { return }
          let work = unsafe Operands(a: a.baseAddress, b: b.baseAddress, c: c)
          let block =
            threads == .none
            ? (rows: rows, columns: columns) : block(rows: rows, columns: columns)
          let rowTasks = (rows + block.rows - 1) / block.rows
          let columnTasks = (columns + block.columns - 1) / block.columns
          Parallel.forEach(rowTasks * columnTasks) { task in
            let row = task / columnTasks * block.rows
            let column = task % columnTasks * block.columns
            unsafe cblas_sgemm(
              CblasRowMajor, transA, transB,
              blasint(min(block.rows, rows - row)), blasint(min(block.columns, columns - column)),
              blasint(inner), scale,
              work.a.map { unsafe $0 + (aLayout == .plain ? row * aStride : row) },
              blasint(aStride),
              work.b.map { unsafe $0 + (bLayout == .plain ? column : column * bStride) },
              blasint(bStride), keep,
              work.c + row * cStride + column, blasint(cStride))
          }
        }
      }
    }
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
    check(a.count, rows: rows, columns: inner, stride: aStride, "A")
    check(c.count, rows: rows, columns: columns, stride: cStride, "C")
    precondition(bias.isEmpty || bias.count == columns, "bias and columns differ")
    prepared
    let cut = RowCut(rows: rows, tiles: tiles.count)
    let next = Counter()
    unsafe c.withUnsafeMutableBufferPointer { c in
      unsafe a.withUnsafeBufferPointer { a in
        guard let target = c.baseAddress else { return }
        let work = unsafe Operands(a: a.baseAddress, b: nil, c: target)
        Parallel.forEach(min(workers, cut.tasks)) { worker in
          var task = next.take()
          while task < cut.tasks {
            let number = cut.tile(of: task)
            let tile = tiles[number]
            withTile(worker, number) { factor in
              check(factor, inner: inner, columns: tile.count)
              while task < cut.tasks, cut.tile(of: task) == number {
                let range = cut.rows(of: task)
                unsafe block(
                  rows: range.count, columns: tile.count, inner: inner,
                  work.a.map { unsafe $0 + range.lowerBound * aStride }, aStride: aStride, factor,
                  bias: bias.isEmpty ? bias : bias.extracting(tile),
                  into: work.c + range.lowerBound * cStride + tile.lowerBound, cStride: cStride,
                  activation)
                task = next.take()
              }
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

  /// How the rows of a product are cut for every tile of its columns; a function of the shape alone.
  ///
  /// Blocks are as large as leaves enough of them to share. Those of the last tile halve towards the
  /// end, so that threads that were held up do not keep the others waiting for a whole block.
  private struct RowCut {
    private static let least = 256
    private let count: Int
    private let block: Int
    private let perTile: Int
    private let lastTile: Int
    let tasks: Int

    init(rows: Int, tiles: Int) {
      var block = 2048
      while block > 128, (rows + block - 1) / block * tiles < 8 { block /= 2 }
      count = rows
      self.block = block
      perTile = (rows + block - 1) / block
      lastTile = tiles - 1
      var (start, tapered) = (0, 0)
      while start < rows {
        start += RowCut.taper(rows - start, block: block)
        tapered += 1
      }
      tasks = perTile * lastTile + tapered
    }

    func tile(of task: Int) -> Int { min(task / perTile, lastTile) }

    func rows(of task: Int) -> Range<Int> {
      let first = perTile * lastTile
      guard task >= first else {
        let start = task % perTile * block
        return start..<min(start + block, count)
      }
      var start = 0
      for _ in first..<task { start += RowCut.taper(count - start, block: block) }
      return start..<start + RowCut.taper(count - start, block: block)
    }

    /// Rows of the next block of the last tile.
    private static func taper(_ left: Int, block: Int) -> Int {
      let half = (left + 2 * least - 1) / (2 * least) * least
      return min(left, block, half)
    }
  }

  private static func block(
    rows: Int, columns: Int, inner: Int, _ a: UnsafePointer<Float>?, aStride: Int, _ b: Factor,
    bias: Span<Float>, into c: UnsafeMutablePointer<Float>, cStride: Int,
    _ activation: Activation?
  ) {
    if !bias.isEmpty {
      unsafe bias.withUnsafeBufferPointer { bias in
        guard let source = bias.baseAddress else { return }
        for row in 0..<rows { unsafe (c + row * cStride).update(from: source, count: columns) }
      }
    }
    unsafe b.values.withUnsafeBufferPointer { values in
      unsafe cblas_sgemm(
        CblasRowMajor, CblasNoTrans, b.layout == .plain ? CblasNoTrans : CblasTrans,
        blasint(rows), blasint(columns), blasint(inner), 1, a, blasint(aStride),
        values.baseAddress, blasint(b.stride), bias.isEmpty ? 0 : 1, c, blasint(cStride))
    }
    guard let activation else { return }
    for row in 0..<rows {
      let run = unsafe UnsafeMutableBufferPointer(start: c + row * cStride, count: columns)
      var span = unsafe MutableSpan(_unsafeElements: run)
      Kernels.activate(activation, &span)
    }
  }

  private static func check(_ factor: Factor, inner: Int, columns: Int) {
    let shape = factor.layout == .plain ? (inner, columns) : (columns, inner)
    check(factor.values.count, rows: shape.0, columns: shape.1, stride: factor.stride, "B")
  }

  private static func check(_ count: Int, rows: Int, columns: Int, stride: Int, _ name: String) {
    precondition(stride >= columns, "\(name): stride below the row length")
    precondition(
      rows == 0 || columns == 0 || (rows - 1) * stride + columns <= count,
      "\(name): [\(rows), \(columns)] does not fit into \(count) elements")
  }

  /// The three arrays of a product; its tasks write disjoint blocks of `c`.
  @unsafe private struct Operands: @unchecked Sendable {
    let a: UnsafePointer<Float>?
    let b: UnsafePointer<Float>?
    let c: UnsafeMutablePointer<Float>
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
