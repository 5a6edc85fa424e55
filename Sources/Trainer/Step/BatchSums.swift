// What is measured of whole matrices in every step: the norms of decoder rows, the sums of columns
// and the spread around their mean. Blocks of rows are fixed, so that no sum depends on threads.

import Foundation
import Shared

/// The norms of the decoder's rows, and gated's factors.
struct DecoderNorms: ~Copyable {
  private(set) var values: AlignedBuffer<Float>
  /// 1/‖W_j‖; 0 where the norm is 0.
  private(set) var inverses: AlignedBuffer<Float>
  /// exp(r_mag) of gated.
  private(set) var magnitudeFactors: AlignedBuffer<Float>

  init(_ configuration: SAEConfiguration) {
    values = AlignedBuffer(count: configuration.dSae)
    inverses = AlignedBuffer(count: configuration.dSae)
    magnitudeFactors = AlignedBuffer(
      count: configuration.selection == .gate ? configuration.dSae : 0)
  }

  mutating func measure(_ parameters: borrowing Parameters) {
    for latent in 0..<magnitudeFactors.count {
      magnitudeFactors[latent] = exp(parameters.magnitudeScale.buffer[latent])
    }
    measure(parameters.decoder)
  }

  private mutating func measure(_ decoder: borrowing Matrix) {
    let weights = decoder.span
    let width = decoder.columns
    let values = values.disjoint
    let inverses = inverses.disjoint
    Parallel.forBlocks(decoder.rows, blockSize: 64) { latents in
      for latent in latents {
        let row = weights.extracting(latent * width..<(latent + 1) * width)
        let norm = Float(Vector.squaredNorm(row).squareRoot())
        values.set(latent, norm)
        inverses.set(latent, norm > 0 ? 1 / norm : 0)
      }
    }
  }
}

/// The sums of the columns of a matrix, in float64.
struct ColumnSums: ~Copyable {
  private static let rowBlock = 256

  private let columns: Int
  /// Sums of each block of rows `[blocks, columns]`.
  private let partial: AlignedBuffer<Double>
  let totals: AlignedBuffer<Double>
  /// The means that `spread` found.
  let means: AlignedBuffer<Float>

  init(rows: Int, columns: Int) {
    self.columns = columns
    partial = AlignedBuffer(count: (rows + Self.rowBlock - 1) / Self.rowBlock * columns)
    totals = AlignedBuffer(count: columns)
    means = AlignedBuffer(count: columns)
  }

  /// Sums the columns of `values` `[rows, columns]`, rows with their weights where there are any.
  ///
  /// With a stride only every so many rows of the array are rows of `values`.
  func measure(_ values: Span<Float>, weights: Span<Float> = Span(), stride: Int = 1) {
    let columns = columns
    let rows = (values.count / columns + stride - 1) / stride
    let partial = partial.disjoint
    Parallel.forBlocks(rows, blockSize: Self.rowBlock) { block in
      let start = block.lowerBound / Self.rowBlock * columns
      partial.withSlice(start..<start + columns) { sums in
        for column in 0..<sums.count { sums[column] = 0 }
        for index in block {
          let start = index * stride * columns
          let row = values.extracting(start..<start + columns)
          if weights.isEmpty {
            for column in 0..<sums.count { sums[column] += Double(row[column]) }
          } else {
            let weight = Double(weights[index])
            for column in 0..<sums.count { sums[column] += weight * Double(row[column]) }
          }
        }
      }
    }
    addBlocks((rows + Self.rowBlock - 1) / Self.rowBlock)
  }

  private func addBlocks(_ blocks: Int) {
    let partial = partial.span
    totals.disjoint.withAll { totals in
      for column in 0..<columns { totals[column] = 0 }
      for block in 0..<blocks {
        for column in 0..<columns { totals[column] += partial[block * columns + column] }
      }
    }
  }

  /// Σ_b ‖x_b − x̄‖² of rows `[rows, columns]`.
  func spread(_ values: Span<Float>) -> Double {
    measure(values)
    let columns = columns
    let rows = values.count / columns
    means.disjoint.withAll { means in
      for column in 0..<columns { means[column] = Float(totals[column] / Double(rows)) }
    }
    let means = means.span
    let blocks = (rows + Self.rowBlock - 1) / Self.rowBlock
    let partial = partial.disjoint
    Parallel.forBlocks(rows, blockSize: Self.rowBlock) { block in
      var sum = 0.0
      for row in block {
        sum += Vector.squaredDistance(
          values.extracting(row * columns..<(row + 1) * columns), means)
      }
      partial.set(block.lowerBound / Self.rowBlock, sum)
    }
    return partial.withAll { partial in (0..<blocks).reduce(0) { $0 + partial[$1] } }
  }
}
