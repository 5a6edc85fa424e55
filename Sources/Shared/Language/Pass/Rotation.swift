// Rotary positions as tables. Comes in: a description. Leaves: queries and keys, rotated by the
// angle of their position.

import Foundation

/// The cosines and sines of a model's kinds of rotary positions; empty where it has none.
struct Rotations: ~Copyable, Sendable {
  /// Rotated pairs of each kind, and which elements they are.
  private let pairs: [Int]
  private let pairings: [RotaryPairing]
  private let contextSize: Int
  /// `[kinds · C, pairs]`.
  private var cosines: Matrix
  private var sines: Matrix

  init(_ model: ModelDescription, contextSize: Int) {
    var kinds: [Rotary] = []
    if case .rotary(let rotaries) = model.positions { kinds = rotaries }
    self.contextSize = contextSize
    pairs = kinds.map(\.pairCount)
    pairings = kinds.map(\.pairing)
    cosines = Matrix(rows: kinds.count * contextSize, columns: pairs.max() ?? 0)
    sines = Matrix(rows: kinds.count * contextSize, columns: pairs.max() ?? 0)
    for (kind, rotary) in kinds.enumerated() {
      let frequencies = rotary.frequencies(contextSize: contextSize)
      let factor = rotary.attentionFactor
      for position in 0..<contextSize {
        for index in frequencies.indices {
          // transformers multiplies in single precision, which shows at late positions.
          let angle = Double(Float(position) * frequencies[index])
          cosines[kind * contextSize + position, index] = Float(cos(angle) * factor)
          sines[kind * contextSize + position, index] = Float(sin(angle) * factor)
        }
      }
    }
  }

  /// Rotates the first `heads` heads of each row, in each what stands from an element on.
  func rotate(
    _ values: inout Matrix, _ kind: Int, heads: Int, headWidth: Int, from first: Int = 0,
    tokens: Int
  ) {
    let (stride, count, context) = (cosines.columns, pairs[kind], contextSize)
    let pairing = pairings[kind]
    let (cosines, sines) = (cosines.span, sines.span)
    Rows.forEach(tokens, heads * headWidth, &values) { token, row in
      let start = (kind * context + token % context) * stride
      let angles = start..<start + count
      let (cosines, sines) = (cosines.extracting(angles), sines.extracting(angles))
      let end = row.count
      row.withDisjoint { row in
        row.withSlice(first..<end) { row in
          switch pairing {
          case .halves:
            Kernels.rotate(&row, headWidth: headWidth, cosines: cosines, sines: sines)
          case .neighbors:
            Kernels.rotateNeighbors(&row, headWidth: headWidth, cosines: cosines, sines: sines)
          }
        }
      }
    }
  }
}

extension Rotary {
  /// What cosines and sines are multiplied with.
  var attentionFactor: Double {
    switch scaling {
    case .yarn(let yarn): yarn.attentionFactor
    case .long(let long): long.attentionFactor
    case .none, .linear, .first, .llama3: 1
    }
  }

  /// Radians per position of each pair, `[pairs]`, in contexts of a size.
  func frequencies(contextSize: Int) -> [Float] {
    (0..<pairCount).map { index in
      let plain = pow(base, -2 * Double(index) / Double(width))
      return Float(scaled(plain, pair: index, contextSize: contextSize))
    }
  }

  private func scaled(_ frequency: Double, pair: Int, contextSize: Int) -> Double {
    switch scaling {
    case .none: return frequency
    case .linear(let factor): return frequency / factor
    case .first(let pairs, let factor): return pair < pairs ? frequency / factor : 0
    case .llama3(let factor, let low, let high, let originalContext):
      let turns = originalContext * frequency / (2 * .pi)
      if turns < low { return frequency / factor }
      if turns > high { return frequency }
      let share = (turns - low) / (high - low)
      return (1 - share) * frequency / factor + share * frequency
    case .yarn(let yarn):
      let kept = 1 - yarn.ramp(pair: pair, width: width, base: base)
      return frequency / yarn.factor * (1 - kept) + frequency * kept
    case .long(let long):
      let isLong = Double(contextSize) > long.originalContext
      return frequency / (isLong ? long.long : long.short)[pair]
    }
  }
}

extension Yarn {
  /// How much of the factor stretches a pair: 0 for short wavelengths, 1 for long ones.
  fileprivate func ramp(pair: Int, width: Int, base: Double) -> Double {
    func pairWith(turns: Double) -> Double {
      Double(width) * log(originalContext / (turns * 2 * .pi)) / (2 * log(base))
    }
    let (low, high) = (pairWith(turns: fast), pairWith(turns: slow))
    let first = max(rounds ? low.rounded(.down) : low, 0)
    let last = min(rounds ? high.rounded(.up) : high, Double(width - 1))
    let span = first == last ? 0.001 : last - first
    return min(max((Double(pair) - first) / span, 0), 1)
  }
}
