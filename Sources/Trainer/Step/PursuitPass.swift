// The gradients of a matching-pursuit SAE; formulas in its architecture. Comes in: what a search found.
// Leaves: the gradients of decoder and b_dec, and the figures of the rows.

import Shared

/// A search and its backward pass.
struct PursuitPass: ~Copyable {
  private let configuration: SAEConfiguration
  private var search: PursuitSearch
  private var work: PursuitWork

  init(_ configuration: SAEConfiguration, _ limits: PursuitLimits, rows: Int) {
    self.configuration = configuration
    search = PursuitSearch(configuration, limits, rows: rows)
    work = PursuitWork(configuration, rows: rows)
  }

  /// Searches a batch and fills its gradients and what is known of its rows.
  mutating func run(
    _ input: borrowing EncodingInput, _ reads: borrowing StepReads, rows: inout RowWork,
    latents: inout LatentWork, _ times: inout StepTimes
  ) {
    let start = System.uptime
    let count = input.centered.count / configuration.dIn
    search.search(input.centered, rows: count, reads.decoding.decoder, width: configuration.dIn)
    times.encode += System.uptime - start
    if work.gradients.count < search.findings.latents.count {
      work.gradients = AlignedBuffer(count: search.findings.latents.count)
    }
    Self.differentiate(reads, rows: count, search.findings, &work, &rows, &latents)
    times.rows = System.uptime - start - times.encode
  }

  private static func differentiate(
    _ reads: borrowing StepReads, rows count: Int, _ findings: borrowing PursuitFindings,
    _ work: inout PursuitWork, _ rows: inout RowWork, _ latents: inout LatentWork
  ) {
    let found = PursuitReads(
      reads.configuration, findings, reads.decoding.decoder, rows: count)
    PursuitRows(found, RowWrites(&rows), &work).run()
    Self.count(findings, rows: count, &latents)
    addGradients(found, work.gradients, &work.lanes, &latents)
  }

  private static func addGradients(
    _ found: borrowing PursuitReads, _ gradients: borrowing AlignedBuffer<Float>,
    _ lanes: inout Matrix, _ latents: inout LatentWork
  ) {
    PursuitColumns(found, LatentWrites(&latents), gradients, &lanes).run()
  }

  private static func count(
    _ findings: borrowing PursuitFindings, rows: Int, _ latents: inout LatentWork
  ) {
    let count = latents.gradient.shape.dSae
    var active = LatentWrites(&latents).activeRows.slice(0..<count)
    for latent in active.indices { active[latent] = 0 }
    for row in 0..<rows {
      for index in 0..<Int(findings.counts[row]) where findings.isFirst(index, row: row) {
        active[Int(findings.latents[row * findings.room + index])] += 1
      }
    }
  }
}

/// Working memory.
private struct PursuitWork: ~Copyable {
  static let columnBlock = 64

  /// dL/d(what is left) of every row `[B, d]`.
  var rowGradients: Matrix
  /// Two rows of a block of columns for each of them.
  var lanes: Matrix
  /// dL/dv of every step, laid out as the findings.
  var gradients = AlignedBuffer<Float>(count: 0)

  init(_ configuration: SAEConfiguration, rows: Int) {
    rowGradients = Matrix(rows: rows, columns: configuration.dIn)
    let blocks = (configuration.dIn + Self.columnBlock - 1) / Self.columnBlock
    lanes = Matrix(rows: blocks, columns: 2 * Self.columnBlock)
  }
}

/// What both passes read.
private struct PursuitReads: ~Escapable, Sendable {
  let configuration: SAEConfiguration
  let rows: Int
  let room: Int
  let latents: Span<Int32>
  let values: Span<Float>
  let counts: Span<Int32>
  let residual: Span<Float>
  let decoder: Span<Float>
  /// 2/B.
  let scale: Float

  @_lifetime(borrow findings, copy decoder)
  init(
    _ configuration: SAEConfiguration, _ findings: borrowing PursuitFindings,
    _ decoder: Span<Float>, rows: Int
  ) {
    self.configuration = configuration
    self.rows = rows
    room = findings.room
    latents = findings.latents.span
    values = findings.values.span
    counts = findings.counts.span
    residual = findings.residual.span
    self.decoder = decoder
    scale = Float(2 / Double(rows))
  }

  /// The places of a row's steps, the last one first.
  func steps(_ row: Int) -> StrideThrough<Int> {
    stride(from: row * room + Int(counts[row]) - 1, through: row * room, by: -1)
  }

  /// Whether no earlier step of the row found the latent of the step at `place`.
  func isFirst(_ place: Int, row: Int) -> Bool {
    for earlier in row * room..<place where latents[earlier] == latents[place] { return false }
    return true
  }
}

/// Fills dL/dv of every step and what is known of rows.
private struct PursuitRows: ~Escapable, Sendable {
  private let reads: PursuitReads
  private let writes: RowWrites
  private let rowGradients: Disjoint<Float>
  private let gradients: Disjoint<Float>

  @_lifetime(copy reads, copy writes, &work)
  init(
    _ reads: borrowing PursuitReads, _ writes: borrowing RowWrites, _ work: inout PursuitWork
  ) {
    self.reads = copy reads
    self.writes = copy writes
    rowGradients = work.rowGradients.writer
    gradients = work.gradients.writer
  }

  func run() {
    Parallel.forBlocks(reads.rows, blockSize: 16) { block in
      for row in block { run(row) }
    }
  }

  private func run(_ row: Int) {
    let width = reads.configuration.dIn
    let range = row * width..<(row + 1) * width
    let values = reads.residual.extracting(range)
    var gradient = rowGradients.slice(range)
    for column in 0..<width { gradient[column] = reads.scale * values[column] }
    writes.squaredErrors.set(row, Vector.squaredNorm(values))
    var distinct: Int32 = 0
    for place in reads.steps(row) {
      let latent = Int(reads.latents[place])
      let weights = reads.decoder.extracting(latent * width..<(latent + 1) * width)
      let derivative = -Vector.dot(gradient.span, weights)
      gradients.set(place, derivative)
      Vector.add(derivative, weights, to: &gradient)
      if reads.isFirst(place, row: row) { distinct += 1 }
    }
    writes.finish(row, RowSparsity(), active: distinct)
  }
}

/// Fills the gradients of decoder and b_dec.
///
/// A task has some columns of everything: rows add to the same latents, but no column twice.
private struct PursuitColumns: ~Escapable, Sendable {
  private let reads: PursuitReads
  private let writes: LatentWrites
  private let gradients: Span<Float>
  private let lanes: Disjoint<Float>

  @_lifetime(copy reads, copy writes, borrow gradients, &lanes)
  init(
    _ reads: borrowing PursuitReads, _ writes: borrowing LatentWrites,
    _ gradients: borrowing AlignedBuffer<Float>, _ lanes: inout Matrix
  ) {
    self.reads = copy reads
    self.writes = copy writes
    self.gradients = gradients.span
    self.lanes = lanes.writer
  }

  func run() {
    let blocks = (reads.configuration.dIn + PursuitWork.columnBlock - 1) / PursuitWork.columnBlock
    Parallel.forEach(blocks) { block in run(block) }
  }

  private func run(_ block: Int) {
    let dIn = reads.configuration.dIn
    let first = block * PursuitWork.columnBlock
    let width = min(PursuitWork.columnBlock, dIn - first)
    for latent in 0..<reads.configuration.dSae {
      var row = writes.gradient.decoder.slice(latent * dIn + first..<latent * dIn + first + width)
      for column in row.indices { row[column] = 0 }
    }
    var bias = writes.gradient.decoderBias.slice(first..<first + width)
    for column in bias.indices { bias[column] = 0 }
    let place = block * 2 * PursuitWork.columnBlock
    var rest = lanes.slice(place..<place + width)
    var slopes = lanes.slice(place + width..<place + 2 * width)
    for row in 0..<reads.rows {
      for column in 0..<width {
        rest[column] = reads.residual[row * dIn + first + column]
        slopes[column] = reads.scale * rest[column]
      }
      for step in reads.steps(row) { add(step, first: first, &rest, &slopes) }
      guard reads.configuration.applyBDecToInput else { continue }
      for column in 0..<width { bias[column] -= slopes[column] }
    }
  }

  /// Goes back by one step: adds what its latent learns, and leaves what was before it.
  private func add(
    _ step: Int, first: Int, _ rest: inout MutableSpan<Float>, _ slopes: inout MutableSpan<Float>
  ) {
    let (value, slope) = (reads.values[step], gradients[step])
    let start = Int(reads.latents[step]) * reads.configuration.dIn + first
    var target = writes.gradient.decoder.slice(start..<start + rest.count)
    for column in 0..<rest.count {
      let weight = reads.decoder[start + column]
      rest[column] += value * weight
      target[column] += slope * rest[column] - value * slopes[column]
      slopes[column] += slope * weight
    }
  }
}
