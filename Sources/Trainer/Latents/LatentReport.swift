// What a report holds about latents: the columns of all, the details of some, and the text of tokens. Comes in:
// what was collected. Leaves: the member `latents` of report.json, which the page reads as it is.

package import Shared

/// The latents of a report.
package struct LatentReport: Sendable, Equatable {
  package let columns: LatentColumns
  /// Evaluated rows, and those whose codes the contexts come from.
  package let rows: Int
  package let keptRows: Int
  /// Rows by the number of active latents.
  package let rowsByL0: [Int: Int]
  package let details: [LatentDetail]
  /// The text of tokens that the report shows, and those that stand for no text.
  package let texts: [UInt32: String]
  package let special: Set<UInt32>
  /// The names of the categories that `columns` counts.
  package let categories: [String]
  /// The words of each, so that a word finds its latent.
  package let words: [[String]]
  /// Details of all latents in files of so many each; nil where there are none.
  package let chunk: Int?
  /// What could not be shown, each in a sentence.
  package let remarks: [String]

  package init(
    columns: LatentColumns, rows: Int, keptRows: Int, rowsByL0: [Int: Int] = [:],
    details: [LatentDetail] = [], texts: [UInt32: String] = [:], special: Set<UInt32> = [],
    categories: [String] = [], words: [[String]] = [], chunk: Int? = nil, remarks: [String] = []
  ) {
    self.columns = columns
    self.rows = rows
    self.keptRows = keptRows
    self.rowsByL0 = rowsByL0
    self.details = details
    self.texts = texts
    self.special = special
    self.categories = categories
    self.words = words
    self.chunk = chunk
    self.remarks = remarks
  }

  /// `fires`, `mean`, `max`, `norm`, `cosine`, `token`, `category` and `f1` are arrays by latent, in which −1 is no
  /// token and no category; `texts` are by token; `details` as `LatentDetail` writes them, tokens inside.
  package var json: JSON {
    func numbers(_ values: [Double]) -> JSON {
      .array(values.map { .number(Significant.four($0)) })
    }
    let texts = texts.map { (String($0.key), JSON.string($0.value)) }
    let l0 = rowsByL0.sorted { $0.key < $1.key }
    var members: [String: JSON] = [
      "count": .integer(columns.fires.count), "rows": .integer(rows),
      "kept_rows": .integer(keptRows),
      "fires": .array(columns.fires.map { .integer($0) }), "mean": numbers(columns.means),
      "max": numbers(columns.highest), "norm": numbers(columns.norms),
      "cosine": numbers(columns.cosines),
      "token": .array(columns.tokens.map { .integer($0.map { Int($0) } ?? -1) }),
      "category": .array(columns.categories.map { .integer($0?.category ?? -1) }),
      "f1": numbers(columns.categories.map { $0?.f1 ?? 0 }),
      "l0": [
        "values": .array(l0.map { .integer($0.key) }),
        "rows": .array(l0.map { .integer($0.value) }),
      ],
      "details": .array(details.map { $0.json(.inside) }),
      "texts": .object(Dictionary(texts) { first, _ in first }),
      "special": .array(special.sorted().map { .integer(Int($0)) }),
      "categories": .array(categories.map { .string($0) }),
      "words": .array(words.map { .array($0.map { .string($0) }) }),
      "remarks": .array(remarks.map { .string($0) }),
    ]
    members["chunk"] = chunk.map { .integer($0) }
    return .object(members)
  }
}
