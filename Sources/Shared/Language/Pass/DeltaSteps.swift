// The gated delta rule within a block. Comes in: the rows of tokens. Leaves: what each head reads of
// its state, projected. Heads of sequences are independent; a head goes through its tokens in order.
// After transformers' modeling_qwen3_5.py.

import Foundation

extension ForwardPass {
  /// output ← delta rule(normalized).
  mutating func applyDeltaRule(
    _ weights: borrowing ModelWeights, _ places: LayerPlaces, _ small: DeltaPlaces, _ layer: Int,
    tokens: Int, _ visit: Visitor
  ) throws {
    guard let rule = model.deltaRule else { return }
    Rows.project(
      weights, places.queryKeyValue, normalized, into: &queryKeyValue, scratch: &tiles,
      tokens: tokens)
    let delta = DeltaPass(
      rule: rule, contextSize: contextSize, sequences: tokens / contextSize,
      epsilon: model.normEpsilon)
    delta.convolve(&queryKeyValue, weights.vector(small.convolution))
    Rows.activate(
      model.activation, &queryKeyValue, width: rule.convolvedWidth, tokens: tokens)
    delta.run(
      queryKeyValue, decay: weights.vector(small.decay),
      decayBias: weights.vector(small.decayBias), gain: weights.vector(small.norm), into: &mixed)
    Rows.project(
      weights, places.attentionOutput, mixed, into: &output, scratch: &tiles, tokens: tokens)
    try emit(.attentionOutput, layer, output, tokens: tokens, visit)
  }
}

/// The steps of a delta rule over a batch.
private struct DeltaPass: Sendable {
  let rule: DeltaRule
  let contextSize: Int
  let sequences: Int
  let epsilon: Float

  /// Each of the first columns ← a weighted sum of it over the last tokens, by `[columns, kernel]`;
  /// what lies before a sequence is zero.
  func convolve(_ rows: inout Matrix, _ kernel: Span<Float>) {
    let (width, taps, stride) = (rule.convolvedWidth, rule.kernelWidth, rows.columns)
    let values = rows.disjoint
    Parallel.forBlocks(sequences, blockSize: 1) { block in
      for sequence in block {
        let start = sequence * contextSize
        values.withSlice(start * stride..<(start + contextSize) * stride) { rows in
          // The last token first, so that those before it are as they were.
          for token in (0..<contextSize).reversed() {
            for column in 0..<width {
              var sum: Float = 0
              for tap in max(0, taps - 1 - token)..<taps {
                let source = (token - taps + 1 + tap) * stride + column
                sum += kernel[column * taps + tap] * rows[source]
              }
              rows[token * stride + column] = sum
            }
          }
        }
      }
    }
  }

  /// mixed `[T, heads · width]` ← what each head reads, normed and multiplied with silu of its gate.
  func run(
    _ rows: borrowing Matrix, decay: Span<Float>, decayBias: Span<Float>, gain: Span<Float>,
    into mixed: inout Matrix
  ) {
    let (values, stride) = (rows.span, rows.columns)
    let (target, targetStride) = (mixed.disjoint, mixed.columns)
    let heads = rule.valueHeadCount
    Parallel.forBlocks(sequences * heads, blockSize: 1) { block in
      for task in block {
        let (sequence, head) = (task / heads, task % heads)
        var state = DeltaState(rule, head: head)
        let rate = -exp(decay[head])
        for token in sequence * contextSize..<(sequence + 1) * contextSize {
          let row = values.extracting(token * stride..<(token + 1) * stride)
          state.update(row, rate: rate, bias: decayBias[head])
          let place = token * targetStride + head * rule.valueHeadWidth
          target.withSlice(place..<place + rule.valueHeadWidth) { output in
            state.read(row, epsilon: epsilon, gain: gain, into: &output)
          }
        }
      }
    }
  }
}

/// The state of one head, `[key width, value width]`.
private struct DeltaState {
  private let rule: DeltaRule
  private let head: Int
  private var state: [Float]
  private var query: [Float]
  private var key: [Float]
  private var change: [Float]

  init(_ rule: DeltaRule, head: Int) {
    self.rule = rule
    self.head = head
    state = [Float](repeating: 0, count: rule.keyHeadWidth * rule.valueHeadWidth)
    query = [Float](repeating: 0, count: rule.keyHeadWidth)
    key = query
    change = [Float](repeating: 0, count: rule.valueHeadWidth)
  }

  /// S ← decay·S + k·(β·(v − decay·Sᵀk))ᵀ.
  mutating func update(_ row: Span<Float>, rate: Float, bias: Float) {
    let (width, keyWidth) = (rule.valueHeadWidth, rule.keyHeadWidth)
    let shared = head / (rule.valueHeadCount / rule.keyHeadCount) * keyWidth
    query = Self.unit(
      row.extracting(shared..<shared + keyWidth), scale: 1 / Float(keyWidth).squareRoot())
    key = Self.unit(
      row.extracting(rule.keyWidth + shared..<rule.keyWidth + shared + keyWidth), scale: 1)
    let rates = rule.convolvedWidth + rule.valueWidth
    let strength = Kernels.logistic(of: row[rates + head])
    let decay = exp(rate * Self.softplus(row[rates + rule.valueHeadCount + head] + bias))
    let values = 2 * rule.keyWidth + head * width
    Self.recall(&state, decay: decay, key: key, into: &change)
    for column in 0..<width {
      change[column] = (row[values + column] - change[column]) * strength
    }
    Self.store(change, key: key, in: &state)
  }

  /// S ← decay·S; change ← Sᵀk.
  private static func recall(
    _ state: inout [Float], decay: Float, key: [Float], into change: inout [Float]
  ) {
    let width = change.count
    var states = state.mutableSpan
    var changes = change.mutableSpan
    for column in 0..<width { changes[column] = 0 }
    for (index, value) in key.enumerated() {
      for column in 0..<width {
        let decayed = states[index * width + column] * decay
        states[index * width + column] = decayed
        changes[column] += value * decayed
      }
    }
  }

  /// S ← S + k·changeᵀ.
  private static func store(_ change: [Float], key: [Float], in state: inout [Float]) {
    let (changes, width) = (change.span, change.count)
    var states = state.mutableSpan
    for (index, value) in key.enumerated() {
      for column in 0..<width { states[index * width + column] += value * changes[column] }
    }
  }

  /// output ← norm(Sᵀq) · gain · silu(gate).
  func read(
    _ row: Span<Float>, epsilon: Float, gain: Span<Float>, into output: inout MutableSpan<Float>
  ) {
    let width = rule.valueHeadWidth
    for column in 0..<width { output[column] = 0 }
    let states = state.span
    for (index, value) in query.enumerated() {
      for column in 0..<width { output[column] += value * states[index * width + column] }
    }
    _ = Kernels.normalizeInPlace(&output, .rootMeanSquare, epsilon: epsilon)
    let gates = rule.convolvedWidth + head * width
    for column in 0..<width {
      let gate = row[gates + column]
      output[column] *= gain[column] * gate * Kernels.logistic(of: gate)
    }
  }

  private static func unit(_ row: Span<Float>, scale: Float) -> [Float] {
    let factor = scale / (Kernels.squareSum(row) + 1e-6).squareRoot()
    return (0..<row.count).map { row[$0] * factor }
  }

  private static func softplus(_ x: Float) -> Float { x > 20 ? x : log1p(exp(x)) }
}
