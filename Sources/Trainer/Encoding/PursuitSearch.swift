// The search of matching pursuit: for each row one latent after another, with its value. Comes in:
// rows without b_dec. Leaves: what was found in which order, and what is left of each row.

import Shared

/// What a search found in the rows of a batch.
struct PursuitFindings: ~Copyable {
  /// Steps that a row has room for.
  private(set) var room: Int
  /// The latents of each row in the order in which they were found, and their values `[B, room]`.
  fileprivate(set) var latents: AlignedBuffer<Int32>
  fileprivate(set) var values: AlignedBuffer<Float>
  fileprivate(set) var counts: AlignedBuffer<Int32>
  /// Which rows are done.
  fileprivate var done: AlignedBuffer<Int32>
  /// What is left of the rows `[B, d]`.
  fileprivate(set) var residual: Matrix

  fileprivate init(rows: Int, width: Int, room: Int) {
    self.room = room
    latents = AlignedBuffer(count: rows * room)
    values = AlignedBuffer(count: rows * room)
    counts = AlignedBuffer(count: rows)
    done = AlignedBuffer(count: rows)
    residual = Matrix(rows: rows, columns: width)
  }

  /// Starts with rows `[rows, d]`.
  fileprivate mutating func begin(_ centered: Span<Float>, rows: Int) {
    for index in centered.indices { residual.buffer[index] = centered[index] }
    for row in 0..<rows {
      counts[row] = 0
      done[row] = 0
    }
  }

  fileprivate mutating func grow(to wider: Int, rows: Int) {
    var newLatents = AlignedBuffer<Int32>(count: counts.count * wider)
    var newValues = AlignedBuffer<Float>(count: counts.count * wider)
    for row in 0..<rows {
      for index in 0..<Int(counts[row]) {
        newLatents[row * wider + index] = latents[row * room + index]
        newValues[row * wider + index] = values[row * room + index]
      }
    }
    latents = newLatents
    values = newValues
    room = wider
  }

  fileprivate func isDone(_ rows: Range<Int>) -> Bool {
    for row in rows where done[row] == 0 { return false }
    return true
  }

  /// Whether no earlier step of a row found the same latent as the step `index`.
  func isFirst(_ index: Int, row: Int) -> Bool {
    let start = row * room
    for earlier in 0..<index where latents[start + earlier] == latents[start + index] {
      return false
    }
    return true
  }

  /// Fills codes with the latents of every row in order, each once with the sum of its values.
  func fill(_ codes: inout SparseCodes, rows: Int) {
    codes.reserve(max(1, rows * room))
    codes.begin()
    for row in 0..<rows {
      var entries: [Int32: Float] = [:]
      for index in row * room..<row * room + Int(counts[row]) {
        entries[latents[index], default: 0] += values[index]
      }
      codes.append(row: entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
  }
}

/// Searches the latents of batches.
struct PursuitSearch: ~Copyable {
  static let rowBlock = 256

  private let limits: PursuitLimits
  private var products: Matrix
  private(set) var findings: PursuitFindings

  init(_ configuration: SAEConfiguration, _ limits: PursuitLimits, rows: Int) {
    self.limits = limits
    products = Matrix(rows: Self.rowBlock, columns: configuration.dSae)
    findings = PursuitFindings(
      rows: rows, width: configuration.dIn, room: min(limits.iterations, 32))
  }

  /// Finds the latents of rows `[rows, d]`, from which b_dec is subtracted, by `decoder` `[D, d]`.
  mutating func search(
    _ centered: Span<Float>, rows: Int, _ decoder: Span<Float>, width: Int
  ) {
    findings.begin(centered, rows: rows)
    for iteration in 0..<limits.iterations {
      if iteration == findings.room {
        findings.grow(to: min(limits.iterations, 2 * findings.room), rows: rows)
      }
      for start in stride(from: 0, to: rows, by: Self.rowBlock) {
        step(start..<min(start + Self.rowBlock, rows), decoder, width: width)
      }
      if findings.isDone(0..<rows) { break }
    }
  }

  /// As `search`, of rows that were prepared, `rows` of them.
  mutating func search(
    _ prepared: borrowing CenteredBatch, rows: Int, _ decoder: borrowing Matrix
  ) {
    search(
      prepared.centered.span.extracting(0..<rows * decoder.columns), rows: rows, decoder.span,
      width: decoder.columns)
  }

  /// One iteration for a block of rows.
  private mutating func step(_ block: Range<Int>, _ decoder: Span<Float>, width: Int) {
    if findings.isDone(block) { return }
    Self.multiply(block, findings.residual, decoder, &products)
    Self.take(block, limits, products, decoder, &findings)
  }

  private static func multiply(
    _ block: Range<Int>, _ residual: borrowing Matrix, _ decoder: Span<Float>,
    _ products: inout Matrix
  ) {
    let (width, latents) = (residual.columns, products.columns)
    var target = products.mutableSpan
    ChainProduct.product(
      rows: block.count, columns: latents, inner: width,
      residual.span.extracting(block.lowerBound * width..<block.upperBound * width), .plain,
      decoder, .transposed, into: &target)
  }

  private static func take(
    _ block: Range<Int>, _ limits: PursuitLimits, _ products: borrowing Matrix,
    _ decoder: Span<Float>, _ findings: inout PursuitFindings
  ) {
    PursuitStep(limits, products, decoder, &findings).run(block)
  }

  /// Fills the codes of an encoder with what was found.
  func fill(_ encoder: inout Encoder, rows: Int) {
    encoder.withCodes { findings.fill(&$0, rows: rows) }
  }
}

/// One iteration of a search.
private struct PursuitStep: ~Escapable, Sendable {
  private let limits: PursuitLimits
  private let width: Int
  private let room: Int
  /// r·W_jᵀ of the rows of a block `[block, D]`.
  private let products: Span<Float>
  private let decoder: Span<Float>
  private let latents: Disjoint<Int32>
  private let values: Disjoint<Float>
  private let counts: Disjoint<Int32>
  private let done: Disjoint<Int32>
  private let residual: Disjoint<Float>
  private let dSae: Int

  @_lifetime(borrow products, copy decoder, &findings)
  init(
    _ limits: PursuitLimits, _ products: borrowing Matrix, _ decoder: Span<Float>,
    _ findings: inout PursuitFindings
  ) {
    self.limits = limits
    width = findings.residual.columns
    dSae = products.columns
    room = findings.room
    self.products = products.span
    self.decoder = decoder
    latents = findings.latents.writer
    values = findings.values.writer
    counts = findings.counts.writer
    done = findings.done.writer
    residual = findings.residual.writer
  }

  func run(_ block: Range<Int>) {
    Parallel.forBlocks(block.count, blockSize: 8) { rows in
      for index in rows { take(index, row: block.lowerBound + index) }
    }
  }

  /// Takes the best latent of a row, the `index`-th of its block.
  private func take(_ index: Int, row: Int) {
    var done = done.slice(row..<row + 1)
    guard done[0] == 0 else { return }
    let numbers = products.extracting(index * dSae..<(index + 1) * dSae)
    var residual = residual.slice(row * width..<(row + 1) * width)
    var found = latents.slice(row * room..<(row + 1) * room)
    var values = values.slice(row * room..<(row + 1) * room)
    var count = counts.slice(row..<row + 1)
    var best = 0
    for latent in 1..<max(1, numbers.count) where numbers[latent] > numbers[best] { best = latent }
    let weights = decoder.extracting(best * width..<(best + 1) * width)
    let value = numbers[best] > 0 ? max(0, Vector.dot(residual.span, weights)) : 0
    var isNew = value > 0
    let taken = Int(count[0])
    for earlier in 0..<taken where found[earlier] == Int32(best) { isNew = false }
    if value > 0 {
      found[taken] = Int32(best)
      values[taken] = value
      count[0] += 1
      Vector.add(-value, weights, to: &residual)
    }
    if isOver(isNew: isNew, residual.span) { done[0] = 1 }
  }

  private func isOver(isNew: Bool, _ residual: Span<Float>) -> Bool {
    if limits.stopsOnDuplicateSupport, !isNew { return true }
    guard limits.residualThreshold > 0 else { return false }
    return Vector.squaredNorm(residual).squareRoot() < limits.residualThreshold
  }
}
