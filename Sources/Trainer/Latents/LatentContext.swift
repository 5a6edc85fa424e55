// A stretch of text around a row on which a latent is active. Comes in: the row, and the latent's activations
// and the tokens around it. Leaves: JSON of {sequence, position, value, first token, activations, tokens}.

import Foundation
package import Shared

/// A stretch of a sequence around one row.
package struct LatentContext: Sendable, Equatable {
  package let sequence: UInt32
  package let position: UInt32
  package let value: Float
  /// The position of the first token that is shown.
  package let first: Int
  /// The tokens that are shown.
  package let tokens: [UInt32]
  /// The latent's activation on each of them; 0 where it is not active or the row was not evaluated.
  package let activations: [Float]

  /// Tokens shown before and after the row's own.
  static let before = 28
  static let after = 12

  /// Cuts the stretch out of its sequence; tokens without text of their own are left away at both ends.
  ///
  /// - Parameters:
  ///   - place: of the row.
  ///   - value: of the latent on it.
  ///   - sequence: the tokens of the whole sequence.
  ///   - special: the tokens that stand for no text.
  ///   - activation: the latent's activation at a position of that sequence.
  package init(
    _ place: RowPosition, value: Float, in sequence: [UInt32], special: Set<UInt32>,
    activation: (Int) -> Float
  ) {
    let position = Int(place.position)
    var first = max(0, position - LatentContext.before)
    var end = max(first, min(sequence.count, position + LatentContext.after + 1))
    while first < position, special.contains(sequence[first]) { first += 1 }
    while end > position + 1, special.contains(sequence[end - 1]) { end -= 1 }
    self.sequence = place.sequence
    self.position = place.position
    self.value = value
    self.first = first
    tokens = Array(sequence[first..<end])
    activations = (first..<end).map { $0 == position ? value : activation($0) }
  }

  /// Where the tokens of a context stand.
  package enum TokenPlace: Sendable {
    /// In the context itself.
    case inside
    /// In the sequences that lie beside it.
    case beside
  }

  /// `[sequence, position, value, first, count, [place, activation, …], [token, …]]`, with the places
  /// counted from `first` on and without the tokens where these lie beside.
  package func json(_ tokens: TokenPlace) -> JSON {
    var active: [JSON] = []
    for (place, activation) in activations.enumerated() where activation != 0 {
      active += [.integer(place), .number(Significant.four(activation))]
    }
    let members: [JSON] = [
      .integer(Int(sequence)), .integer(Int(position)), .number(Significant.four(value)),
      .integer(first), .integer(self.tokens.count), .array(active),
    ]
    switch tokens {
    case .inside: return .array(members + [.array(self.tokens.map { .integer(Int($0)) })])
    case .beside: return .array(members)
    }
  }
}

/// Numbers as files for pages hold them.
enum Significant {
  /// The value in four significant digits: what a page shows of it.
  static func four(_ value: Double) -> Double {
    guard value.isFinite, value != 0 else { return 0 }
    let power = 3 - Int(log10(abs(value)).rounded(.down))
    // Dividing by a power of ten that is exact gives the double nearest to the digits.
    let scale = pow(10, Double(abs(power)))
    return power >= 0 ? (value * scale).rounded() / scale : (value / scale).rounded() * scale
  }

  static func four(_ value: Float) -> Double { four(Double(value)) }
}
