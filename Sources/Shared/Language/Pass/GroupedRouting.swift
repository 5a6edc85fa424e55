// The choice of experts by groups. Comes in: the weights of all experts of a token. Leaves: what they are
// chosen by, and the weights of those chosen. After transformers' modeling_deepseek_v2.py and
// modeling_deepseek_v3.py.

extension GroupedRouting {
  /// The weights of all experts from their scores.
  func weights(_ scores: [Float]) -> [Float] {
    switch scoring {
    case .softmax: ForwardPass.softmax(scores)
    case .sigmoid: scores.map { Kernels.logistic(of: $0) }
    }
  }

  /// What experts are chosen by: their weights, with biases where there are some, and nothing for those
  /// of groups that are not among the largest.
  func choice(_ weights: [Float], biases: Span<Float>) -> [Float] {
    var values = weights
    if !biases.isEmpty { for index in values.indices { values[index] += biases[index] } }
    let size = values.count / groups
    let groupScores = (0..<groups).map { group in
      score(values[group * size..<(group + 1) * size])
    }
    let kept = Set(ForwardPass.largest(groupScores, kept))
    for index in values.indices where !kept.contains(index / size) { values[index] = left }
    return values
  }

  /// The weights of the chosen experts.
  func kept(_ weights: [Float], _ choice: [Float], _ chosen: [Int]) -> [Float] {
    var kept = chosen.map { scoring == .softmax ? choice[$0] : weights[$0] }
    if sumsToOne {
      let sum = kept.reduce(0, +) + 1e-20
      kept = kept.map { $0 / sum }
    }
    return kept.map { $0 * factor }
  }

  private func score(_ group: ArraySlice<Float>) -> Float {
    let largest = group.sorted(by: >)
    return scoring == .softmax ? largest[0] : largest[0] + largest[1]
  }

  /// What experts of other groups are chosen by.
  private var left: Float { scoring == .softmax ? 0 : -.infinity }
}
