// The matching-pursuit SAE: latents are found one after another, each the one that explains most of
// what is left. Costa et al. 2025, as SAELens 6.54 does it. There is no encoder.
//
//   r₀ = x − b_dec      i_t = argmax_j r_t·W_j      v_t = ReLU(r_t·W_{i_t})      r_{t+1} = r_t − v_t·W_{i_t}
//   f_i = Σ_{t: i_t = i} v_t      x̂ = f·W_dec + b_dec      L = mean_b ‖x̂ − x‖² = mean_b ‖r_T‖²
//
// A row ends when its set of latents no longer grows, when ‖r‖ < residual_threshold, or after
// max_iterations. Backwards, with g_T = (2/B)·r_T: dv_t = −g_{t+1}·W_{i_t}, dW_{i_t} += dv_t·r_t −
// v_t·g_{t+1}, g_t = g_{t+1} + dv_t·W_{i_t}; db_dec = −Σ_b g_0.

import Shared

/// The whole pass of a matching-pursuit SAE.
struct MatchingPursuit: ~Copyable {
  static let rowBlock = 256
  private static let columnBlock = 64

  private let configuration: SAEConfiguration
  private var products: Matrix
  private var residual: Matrix
  /// Working memory of a row and of a block of columns.
  private let rowSlopes: Matrix
  private let lanes: Matrix
  /// The latents of each row in the order in which they were found, and their values.
  private var found: AlignedBuffer<Int32>
  private var values: AlignedBuffer<Float>
  private var slopes: AlignedBuffer<Float>
  private var counts: AlignedBuffer<Int32>
  private var done: AlignedBuffer<Int32>
  /// Steps that a row has room for.
  private var room: Int

  init(_ configuration: SAEConfiguration, rows: Int) {
    self.configuration = configuration
    products = Matrix(rows: Self.rowBlock, columns: configuration.dSae)
    residual = Matrix(rows: rows, columns: configuration.dIn)
    rowSlopes = Matrix(rows: rows, columns: configuration.dIn)
    let columnBlocks = (configuration.dIn + Self.columnBlock - 1) / Self.columnBlock
    lanes = Matrix(rows: columnBlocks, columns: 2 * Self.columnBlock)
    room = min(configuration.maxIterations, 32)
    found = AlignedBuffer(count: rows * room)
    values = AlignedBuffer(count: rows * room)
    slopes = AlignedBuffer(count: rows * room)
    counts = AlignedBuffer(count: rows)
    done = AlignedBuffer(count: rows)
  }

  /// Finds the latents of rows `[rows, d]`, from which b_dec is subtracted.
  mutating func encode(_ centred: borrowing Matrix, rows: Int, _ parameters: borrowing Parameters) {
    let dIn = configuration.dIn
    let centred = centred.span
    residual.disjoint.withAll { residual in
      for index in 0..<rows * dIn { residual[index] = centred[index] }
    }
    for row in 0..<rows {
      counts[row] = 0
      done[row] = 0
    }
    for iteration in 0..<configuration.maxIterations {
      if iteration == room { grow(rows: rows) }
      for start in stride(from: 0, to: rows, by: Self.rowBlock) {
        search(start..<min(start + Self.rowBlock, rows), parameters)
      }
      var isDone = true
      for row in 0..<rows where done[row] == 0 { isDone = false }
      if isDone { break }
    }
  }

  private mutating func grow(rows: Int) {
    let wider = min(configuration.maxIterations, 2 * room)
    var newFound = AlignedBuffer<Int32>(count: counts.count * wider)
    var newValues = AlignedBuffer<Float>(count: counts.count * wider)
    for row in 0..<rows {
      for index in 0..<Int(counts[row]) {
        newFound[row * wider + index] = found[row * room + index]
        newValues[row * wider + index] = values[row * room + index]
      }
    }
    found = newFound
    values = newValues
    slopes = AlignedBuffer(count: counts.count * wider)
    room = wider
  }

  /// One iteration for a block of rows.
  private func search(_ block: Range<Int>, _ parameters: borrowing Parameters) {
    let (dIn, dSae) = (configuration.dIn, configuration.dSae)
    let elements = block.lowerBound * dIn..<block.upperBound * dIn
    let decoder = parameters.decoder.span
    var isDone = true
    for row in block where done[row] == 0 { isDone = false }
    if isDone { return }
    products.disjoint.withAll { products in
      Multiply.product(
        rows: block.count, columns: dSae, inner: dIn, residual.span.extracting(elements), .plain,
        decoder, .transposed, into: &products)
    }
    let numbers = products.span
    let rest = residual.disjoint
    let (steps, amounts) = (found.disjoint, values.disjoint)
    let (rowCounts, ended) = (counts.disjoint, done.disjoint)
    let (room, configuration) = (room, configuration)
    Parallel.forBlocks(block.count, blockSize: 8) { rows in
      for index in rows {
        let row = block.lowerBound + index
        ended.withSlice(row..<row + 1) { done in
          guard done[0] == 0 else { return }
          rowCounts.withSlice(row..<row + 1) { counts in
            rest.withSlice(row * dIn..<(row + 1) * dIn) { residual in
              steps.withSlice(row * room..<(row + 1) * room) { found in
                amounts.withSlice(row * room..<(row + 1) * room) { values in
                  let numbers = numbers.extracting(index * dSae..<(index + 1) * dSae)
                  let isDone = Self.take(
                    numbers, decoder, &residual, &found, &values, &counts[0], configuration)
                  if isDone { done[0] = 1 }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Takes the best latent of a row; returns whether the row is done.
  private static func take(
    _ numbers: Span<Float>, _ decoder: Span<Float>, _ residual: inout MutableSpan<Float>,
    _ found: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>, _ count: inout Int32,
    _ configuration: SAEConfiguration
  ) -> Bool {
    var best = 0
    for latent in 1..<max(1, numbers.count) where numbers[latent] > numbers[best] { best = latent }
    let width = residual.count
    let row = decoder.extracting(best * width..<(best + 1) * width)
    let value = numbers[best] > 0 ? max(0, Vector.dot(residual.span, row)) : 0
    var isNew = value > 0
    for index in 0..<Int(count) where found[index] == Int32(best) { isNew = false }
    if value > 0 {
      found[Int(count)] = Int32(best)
      values[Int(count)] = value
      count += 1
      Vector.add(-value, row, to: &residual)
    }
    if configuration.stopsOnDuplicateSupport, !isNew { return true }
    guard configuration.residualThreshold > 0 else { return false }
    return Vector.squaredNorm(residual.span).squareRoot() < configuration.residualThreshold
  }
}

// MARK: - Gradients

extension MatchingPursuit {
  /// Fills the gradients and the figures of a batch that was encoded.
  mutating func differentiate(
    rows: Int, _ parameters: borrowing Parameters, _ gradient: borrowing Parameters,
    _ work: borrowing EntryWork, _ sums: borrowing LatentSums
  ) {
    differentiateRows(rows, parameters, work)
    count(rows, sums)
    let scale = Float(2 / Double(rows))
    let (dIn, dSae) = (configuration.dIn, configuration.dSae)
    let columns = (dIn + Self.columnBlock - 1) / Self.columnBlock
    let decoder = parameters.decoder.span
    let (rest, found, values) = (residual.span, found.span, values.span)
    let (slopes, counts) = (slopes.span, counts.span)
    let (room, subtracts) = (room, configuration.applyBDecToInput)
    let weights = gradient.decoder.disjoint
    let bias = gradient.decoderBias.disjoint
    let laneMemory = lanes.disjoint
    // A task has some columns of everything: rows add to the same latents, but no column twice.
    Parallel.forEach(columns) { block in
      let first = block * Self.columnBlock
      let width = min(Self.columnBlock, dIn - first)
      for latent in 0..<dSae {
        weights.withSlice(latent * dIn + first..<latent * dIn + first + width) { row in
          for column in row.indices { row[column] = 0 }
        }
      }
      bias.withSlice(first..<first + width) { bias in
        for column in bias.indices { bias[column] = 0 }
        laneMemory.withSlice(block * 2 * Self.columnBlock..<(block + 1) * 2 * Self.columnBlock) {
          lanes in
          for row in 0..<rows {
            for column in 0..<width {
              lanes[column] = rest[row * dIn + first + column]
              lanes[width + column] = scale * lanes[column]
            }
            for index in stride(from: Int(counts[row]) - 1, through: 0, by: -1) {
              let place = row * room + index
              let (value, slope) = (values[place], slopes[place])
              let start = Int(found[place]) * dIn + first
              weights.withSlice(start..<start + width) { target in
                for column in 0..<width {
                  let weight = decoder[start + column]
                  lanes[column] += value * weight
                  target[column] += slope * lanes[column] - value * lanes[width + column]
                  lanes[width + column] += slope * weight
                }
              }
            }
            if subtracts { for column in 0..<width { bias[column] -= lanes[width + column] } }
          }
        }
      }
    }
  }

  /// Fills dL/dv of every step and the errors of rows.
  private mutating func differentiateRows(
    _ rows: Int, _ parameters: borrowing Parameters, _ work: borrowing EntryWork
  ) {
    let dIn = configuration.dIn
    let scale = Float(2 / Double(rows))
    let decoder = parameters.decoder.span
    let (rest, found, counts) = (residual.span, found.span, counts.span)
    let slopes = slopes.disjoint
    let rowSlopes = rowSlopes.disjoint
    let (errors, sparsity, active) = (
      work.errors.disjoint, work.sparsity.disjoint, work.active.disjoint
    )
    let room = room
    Parallel.forBlocks(rows, blockSize: 16) { block in
      for row in block {
        rowSlopes.withSlice(row * dIn..<(row + 1) * dIn) { slope in
          let values = rest.extracting(row * dIn..<(row + 1) * dIn)
          for column in 0..<dIn { slope[column] = scale * values[column] }
          errors.set(row, Vector.squaredNorm(values))
          sparsity.set(row, 0)
          var distinct: Int32 = 0
          for index in stride(from: Int(counts[row]) - 1, through: 0, by: -1) {
            let latent = Int(found[row * room + index])
            let weights = decoder.extracting(latent * dIn..<(latent + 1) * dIn)
            let derivative = -Vector.dot(slope.span, weights)
            slopes.set(row * room + index, derivative)
            Vector.add(derivative, weights, to: &slope)
            if Self.isFirst(index, row * room, found) { distinct += 1 }
          }
          active.set(row, distinct)
        }
      }
    }
  }

  /// Whether no earlier step of the row found the same latent.
  private static func isFirst(_ index: Int, _ start: Int, _ found: Span<Int32>) -> Bool {
    for earlier in 0..<index where found[start + earlier] == found[start + index] { return false }
    return true
  }

  private func count(_ rows: Int, _ sums: borrowing LatentSums) {
    sums.active.disjoint.withAll { active in
      for latent in active.indices { active[latent] = 0 }
      let found = found.span
      for row in 0..<rows {
        for index in 0..<Int(counts[row]) where Self.isFirst(index, row * room, found) {
          active[Int(found[row * room + index])] += 1
        }
      }
    }
  }

  /// Fills codes with the latents of every row in order, each once with the sum of its values.
  func fill(_ encoder: inout Encoder, rows: Int) {
    let (found, values) = (found.span, values.span)
    encoder.withCodes { codes in
      codes.reserve(max(1, rows * room))
      codes.begin()
      for row in 0..<rows {
        var entries: [Int32: Float] = [:]
        for index in row * room..<row * room + Int(counts[row]) {
          entries[found[index], default: 0] += values[index]
        }
        codes.append(row: entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
      }
    }
  }
}
