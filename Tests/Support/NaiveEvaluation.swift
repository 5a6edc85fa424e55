// The final figures computed as their formulas read, one at a time, in Double.

/// How well a latent names a set of tokens.
package enum NaiveCategories {
  package static func score(
    latent: Int, tokens: Set<UInt32>, rows: [(token: UInt32, active: [Int32])]
  ) -> (precision: Double, recall: Double, f1: Double) {
    let isActive = rows.map { $0.active.contains(Int32(latent)) }
    let isMember = rows.map { tokens.contains($0.token) }
    let both = Double(rows.indices.count { isActive[$0] && isMember[$0] })
    let active = Double(isActive.count { $0 })
    let members = Double(isMember.count { $0 })
    return (
      active > 0 ? both / active : 0, members > 0 ? both / members : 0,
      active + members > 0 ? 2 * both / (active + members) : 0
    )
  }
}

/// Means over rows and their reconstructions, `[rows][columns]`.
package enum NaiveFigures {
  package static func meanSquaredError(_ rows: [[Float]], _ outs: [[Float]]) -> Double {
    mean(
      zip(rows, outs).map { row, out in
        zip(row, out).reduce(0) {
          $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
        }
      })
  }

  /// 1 − mean ‖x−x̂‖² / mean ‖x−x̄‖².
  package static func explainedVariance(_ rows: [[Float]], _ outs: [[Float]]) -> Double {
    let means = (rows.first ?? []).indices.map { column in mean(rows.map { Double($0[column]) }) }
    let variance = mean(
      rows.map { row in
        zip(row, means).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
      })
    return 1 - meanSquaredError(rows, outs) / variance
  }

  /// Mean over rows of 1 − ‖x−x̂‖² / ‖x−x̄‖², with the mean of the rows' own batch of `size`.
  package static func explainedVarianceOfRows(
    _ rows: [[Float]], _ outs: [[Float]], batch size: Int
  ) -> Double {
    mean(
      stride(from: 0, to: rows.count, by: size).flatMap { start in
        let batch = rows[start..<min(start + size, rows.count)]
        let means = rows[0].indices.map { column in mean(batch.map { Double($0[column]) }) }
        return batch.indices.map { index in
          let row = rows[index]
          let variance = row.indices.reduce(0.0) {
            $0 + (Double(row[$1]) - means[$1]) * (Double(row[$1]) - means[$1])
          }
          return 1 - meanSquaredError([row], [outs[index]]) / variance
        }
      })
  }

  /// mean ‖x̂‖² / mean x·x̂.
  package static func reconstructionBias(_ rows: [[Float]], _ outs: [[Float]]) -> Double {
    mean(outs.map { dot($0, $0) }) / mean(zip(rows, outs).map { dot($0, $1) })
  }

  package static func cosine(_ rows: [[Float]], _ outs: [[Float]]) -> Double {
    mean(zip(rows, outs).map { dot($0, $1) / (norm($0) * norm($1)) })
  }

  package static func normRatio(_ rows: [[Float]], _ outs: [[Float]]) -> Double {
    mean(zip(rows, outs).map { norm($1) / norm($0) })
  }

  package static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  package static func norm(_ row: [Float]) -> Double { dot(row, row).squareRoot() }

  private static func dot(_ left: [Float], _ right: [Float]) -> Double {
    zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
