// Rows that try bounds and orders: numbers of all sizes, ties, and what is no number.

import Shared

/// A kind of rows.
package enum AdversarialRows: String, CaseIterable, Sendable {
  case ordinary, ties, constant, zero, denormal, tiny, huge, overflowing, outlier, infinite,
    notANumber
  case nearlyEqual

  /// So many rows of so many elements, in one array.
  package func values(rows: Int, width: Int, seed: Int = 1) -> [Float] {
    let random = Random(seed: seed, stream: "adversarial", index: 0)
    var values = (0..<rows * width).map { Float(random.normal($0)) }
    for row in 0..<rows {
      for column in 0..<width {
        let index = row * width + column
        switch self {
        case .ordinary: break
        // Rows of a few whole numbers, of which many are alike.
        case .ties: values[index] = Float((column * (row % 3 + 1)) % 5 - 2)
        case .constant: values[index] = Float(row % 4) - 1.5
        case .zero: values[index] = row % 2 == 0 ? 0 : -0.0
        case .denormal: values[index] *= row % 2 == 0 ? 1e-40 : 1
        case .tiny: values[index] *= 1e-25
        case .huge: values[index] *= 1e17
        case .overflowing: values[index] *= row % 3 == 0 ? 1e30 : 1
        case .outlier: values[index] *= column == row % width ? 3000 : 0.01
        case .infinite: if column == row % width, row % 3 == 1 { values[index] = .infinity }
        case .notANumber: if column == row % width, row % 3 == 2 { values[index] = .nan }
        case .nearlyEqual:
          values[index] = values[column] + (column == row % width ? values[column].ulp : 0)
        }
      }
    }
    return values
  }
}
