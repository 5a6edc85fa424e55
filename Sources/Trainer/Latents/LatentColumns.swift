// What is known of every latent in a number each: the columns of the report's table. Comes in: the kept codes, the
// SAE's weights and the words of categories. Leaves: arrays by latent.

import Foundation
import Shared

/// A category that a latent names, and how well.
package struct LatentCategory: Sendable, Equatable {
  package let category: Int
  package let f1: Double

  package init(category: Int, f1: Double) {
    self.category = category
    self.f1 = f1
  }
}

/// Numbers by latent.
package struct LatentColumns: Sendable, Equatable {
  /// The rows on which a latent is active.
  package var fires: [Int]
  /// The mean of its activations where it is active, and the highest.
  package var means: [Double]
  package var highest: [Double]
  /// Of its row of the decoder.
  package var norms: [Double]
  /// Between its column of W_enc and its row of W_dec; empty where these differ in width.
  package var cosines: [Double]
  /// The token on which its activations sum up to most; nil where it is never active.
  package var tokens: [UInt32?]
  /// The category that it names best; nil where it never fires on one.
  package var categories: [LatentCategory?]

  package init(
    fires: [Int], means: [Double], highest: [Double], norms: [Double], cosines: [Double] = [],
    tokens: [UInt32?] = [], categories: [LatentCategory?] = []
  ) {
    self.fires = fires
    self.means = means
    self.highest = highest
    self.norms = norms
    self.cosines = cosines
    self.tokens = tokens
    self.categories = categories
  }

  /// Latents by how extreme they are, with what is said of the first.
  var orders: [(words: String, latents: [Int])] {
    let active = fires.indices.filter { fires[$0] > 0 }
    func order(_ words: String, _ comesFirst: (Int, Int) -> Bool) -> (String, [Int]) {
      (words, active.sorted { comesFirst($0, $1) || (!comesFirst($1, $0) && $0 < $1) })
    }
    var orders = [
      order("among the densest") { fires[$0] > fires[$1] },
      order("among those with the highest activations") { highest[$0] > highest[$1] },
      order("among those with the largest decoder norms") { norms[$0] > norms[$1] },
    ]
    if !cosines.isEmpty {
      orders.append(
        order("among those whose encoder and decoder differ most") { cosines[$0] < cosines[$1] })
    }
    return orders
  }
}

extension LatentColumns {
  /// Takes the columns from kept codes; `tokens` and categories come from the kept rows alone.
  init(
    _ codes: KeptCodes, _ entries: LatentEntries, fires: [Int],
    _ parameters: borrowing Parameters, _ categories: CategoryTokens?
  ) {
    let labels = RowLabels(entries.rows, categories)
    self.init(
      fires: fires,
      means: fires.indices.map { fires[$0] > 0 ? codes.sums[$0] / Double(fires[$0]) : 0 },
      highest: codes.highest.map { Double($0) },
      norms: parameters.decoderNorms.map { Double(Float($0)) },
      cosines: parameters.encoderDecoderCosines.map { $0.isNaN ? 0 : Double(Float($0)) })
    let found = Parallel.map(fires.count) { latent in labels.found(latent, entries) }
    tokens = found.map(\.token)
    self.categories = found.map(\.category)
  }
}

/// What the tokens of rows are labelled with.
private struct RowLabels: Sendable {
  struct Found: Sendable {
    var token: UInt32?
    var category: LatentCategory?
  }

  private let categories: CategoryTokens?
  /// The rows of each category.
  private var support: [Int]

  init(_ rows: [CachedRow], _ categories: CategoryTokens?) {
    self.categories = categories
    support = Array(repeating: 0, count: categories?.categories.count ?? 0)
    for row in rows {
      for category in categories?.categories(of: row.token) ?? [] { support[category] += 1 }
    }
  }

  /// A latent's token and category.
  func found(_ latent: Int, _ entries: LatentEntries) -> Found {
    let range = entries.range(of: latent)
    var sums: [UInt32: Float] = [:]
    var hits: [Int: Int] = [:]
    for entry in range {
      let token = entries.row(entry).token
      sums[token, default: 0] += entries.value(entry)
      for category in categories?.categories(of: token) ?? [] { hits[category, default: 0] += 1 }
    }
    var found = Found()
    found.token = sums.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    for (category, count) in hits.sorted(by: { $0.key < $1.key }) {
      let (precision, recall) = (
        Double(count) / Double(range.count), Double(count) / Double(support[category])
      )
      let f1 = CategoryScore(latent: latent, precision: precision, recall: recall).f1
      if f1 > found.category?.f1 ?? 0 { found.category = .init(category: category, f1: f1) }
    }
    return found
  }
}
