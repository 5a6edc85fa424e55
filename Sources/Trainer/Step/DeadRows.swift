// What is done between the products over dead latents, row by row on several threads. Comes in: pre-activations.
// Leaves: activations, and the gradients that products go on with.

import Shared

/// A block of rows over dead latents.
struct DeadRows: ~Escapable, Sendable {
  private static let rowBlock = 16
  private static let latentBlock = 64

  /// Dead latents.
  let count: Int
  let rows: Int
  /// A number per row and dead latent `[rows, n_dead]`.
  let activations: Disjoint<Float>
  let gradients: Disjoint<Float>
  /// A row of outputs `[rows, o]`.
  let difference: Disjoint<Float>
  private let width: Int
  private let totals: Disjoint<Float>
  /// ‖W_j‖ of each `[n_dead]`.
  let norms: Span<Float>
  private let biases: Span<Float>

  @_lifetime(&dead)
  init(_ dead: inout DeadLatents, rows: Int) {
    let count = dead.count
    self.count = count
    self.rows = rows
    width = dead.difference.columns
    activations = dead.activations.writer
    gradients = dead.gradients.writer
    difference = dead.difference.writer
    totals = dead.totals.writer
    norms = dead.norms.span.extracting(0..<count)
    biases = dead.biases.span.extracting(0..<count)
  }

  /// The elements of a row in what has one for each dead latent.
  func elements(_ row: Int) -> Range<Int> { row * count..<(row + 1) * count }

  /// The elements of a row in what is as wide as the output.
  func outputs(_ row: Int) -> Range<Int> { row * width..<(row + 1) * width }

  /// Runs `body` for each row.
  func forEachRow(_ body: @Sendable (_ row: Int) -> Void) {
    Parallel.forBlocks(rows, blockSize: Self.rowBlock) { block in
      for row in block { body(row) }
    }
  }

  /// Activations ← activations + b_enc.
  func addBiases() {
    forEachRow { row in
      var values = activations.slice(elements(row))
      Kernels.add(biases, to: &values)
    }
  }

  /// Activations ← ReLU(activations).
  func clearBelowZero() {
    forEachRow { row in
      var values = activations.slice(elements(row))
      for index in values.indices { values[index] = values[index] < 0 ? 0 : values[index] }
    }
  }

  /// Gradients ← 0 where nothing was active.
  func clearInactiveGradients() {
    forEachRow { row in
      let values = activations.slice(elements(row))
      var target = gradients.slice(elements(row))
      for index in target.indices { target[index] = values[index] == 0 ? 0 : target[index] }
    }
  }

  /// Totals ← Σ over rows of the gradients, in order of rows.
  func sumGradients() {
    Parallel.forBlocks(count, blockSize: Self.latentBlock) { latents in
      var sums = totals.slice(latents)
      for index in sums.indices { sums[index] = 0 }
      for row in 0..<rows {
        let start = row * count
        let values = gradients.slice(start + latents.lowerBound..<start + latents.upperBound)
        Kernels.add(values.span, to: &sums)
      }
    }
  }
}
