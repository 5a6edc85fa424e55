// What a pass over evaluated rows keeps so that latents can be shown: the codes of the first rows, within a
// bound, and sums over all of them. Comes in: rows with their active latents, in the order of the cache. Leaves
// to LatentEntries, which turns the codes around.

import Shared

/// The codes of evaluated rows.
package struct KeptCodes: Sendable {
  /// Codes that are kept at most, and tokens of the sequences that their rows belong to.
  static let entryLimit = 1 << 24
  static let tokenLimit = 1 << 22

  /// The rows whose codes are kept.
  private(set) var rows: [CachedRow] = []
  private(set) var offsets: [Int] = [0]
  private(set) var latents: [Int32] = []
  private(set) var values: [Float] = []
  /// Sums and the highest of each latent's activations, over all rows.
  private(set) var sums: [Double]
  private(set) var highest: [Float]
  /// Rows by the number of latents that are active on them.
  private(set) var rowsByL0: [Int: Int] = [:]
  /// Whether no row was passed over for want of room.
  private(set) var isWhole = true
  private(set) var sequences: Set<UInt32> = []
  private let sequenceLimit: Int

  package init(latentCount: Int, contextSize: Int) {
    sums = Array(repeating: 0, count: latentCount)
    highest = Array(repeating: 0, count: latentCount)
    sequenceLimit = max(1, KeptCodes.tokenLimit / max(1, contextSize))
  }

  /// Adds one row with its active latents.
  package mutating func add(_ row: CachedRow, _ active: Span<Int32>, _ activations: Span<Float>) {
    for index in active.indices {
      let (latent, value) = (Int(active[index]), activations[index])
      sums[latent] += Double(value)
      highest[latent] = max(highest[latent], value)
    }
    rowsByL0[active.count, default: 0] += 1
    guard latents.count + active.count <= KeptCodes.entryLimit,
      sequences.count < sequenceLimit || sequences.contains(row.place.sequence)
    else {
      isWhole = false
      return
    }
    sequences.insert(row.place.sequence)
    rows.append(row)
    for index in active.indices {
      latents.append(active[index])
      values.append(activations[index])
    }
    offsets.append(latents.count)
  }

  var latentCount: Int { sums.count }
}

/// The kept codes by latent: on which of the rows each is active, and how much.
struct LatentEntries: Sendable {
  let rows: [CachedRow]
  /// The entries of latent i are those from `starts[i]` to `starts[i + 1]`, by row.
  private let starts: [Int]
  private let rowNumbers: [Int32]
  private let values: [Float]

  init(_ codes: KeptCodes) {
    var starts = [Int](repeating: 0, count: codes.latentCount + 1)
    for latent in codes.latents { starts[Int(latent) + 1] += 1 }
    for latent in 0..<codes.latentCount { starts[latent + 1] += starts[latent] }
    var next = starts
    var rowNumbers = [Int32](repeating: 0, count: codes.latents.count)
    var values = [Float](repeating: 0, count: codes.latents.count)
    for row in codes.rows.indices {
      for entry in codes.offsets[row]..<codes.offsets[row + 1] {
        let latent = Int(codes.latents[entry])
        rowNumbers[next[latent]] = Int32(row)
        values[next[latent]] = codes.values[entry]
        next[latent] += 1
      }
    }
    rows = codes.rows
    self.starts = starts
    self.rowNumbers = rowNumbers
    self.values = values
  }

  func range(of latent: Int) -> Range<Int> { starts[latent]..<starts[latent + 1] }

  func value(_ entry: Int) -> Float { values[entry] }

  func row(_ entry: Int) -> CachedRow { rows[Int(rowNumbers[entry])] }
}
