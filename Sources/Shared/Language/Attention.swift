// Causal attention over a batch. Comes in: queries, keys and values side by side. Leaves: the heads'
// outputs side by side. Work is cut by sequence, head and block of queries.

import Foundation

/// Attention of one layer.
struct Attention: Sendable {
  /// Which inner values are kept for a hook point.
  struct Records: Sendable {
    let scores: Bool
    let pattern: Bool
  }

  /// Queries per task; bounds the scratch and skips the keys after a block.
  private static let queryBlock = 128

  private let contextSize: Int
  private let sequences: Int
  private let heads: Int
  private let keyValueHeads: Int
  private let headWidth: Int
  private let scale: Float
  private let records: Records

  init(
    _ model: ModelDescription, layer: Int, contextSize: Int, sequences: Int, records: Records
  ) {
    self.contextSize = contextSize
    self.sequences = sequences
    heads = model.headCount
    keyValueHeads = model.keyValueHeadCount
    headWidth = model.headWidth
    scale = model.attentionScale(layer: layer)
    self.records = records
  }

  /// Elements of scratch that a thread needs.
  static func scratchCount(_ model: ModelDescription, contextSize: Int) -> Int {
    // Rounded to whole cache lines, so that threads do not share one.
    (min(queryBlock, contextSize) * (contextSize + model.headWidth) + 15) / 16 * 16
  }

  /// Where a task writes; rows of different tasks are disjoint.
  private struct Targets: ~Escapable, Sendable {
    let mixed: Disjoint<Float>
    let scores: Disjoint<Float>
    let pattern: Disjoint<Float>

    @_lifetime(borrow mixed, borrow scores, borrow pattern)
    init(mixed: borrowing Matrix, scores: borrowing Matrix, pattern: borrowing Matrix) {
      self.mixed = mixed.disjoint
      self.scores = scores.disjoint
      self.pattern = pattern.disjoint
    }
  }

  /// mixed `[T, H·h]` ← softmax(scale · q·kᵀ) · v for each head, over the tokens up to its own.
  func run(
    _ queryKeyValue: borrowing Matrix, into mixed: inout Matrix, scratch: inout Matrix,
    scores: inout Matrix, pattern: inout Matrix
  ) {
    let blocks = (contextSize + Self.queryBlock - 1) / Self.queryBlock
    let tasks = sequences * heads * blocks
    let values = queryKeyValue.span
    let (workers, scratchCount) = (scratch.rows, scratch.columns)
    let next = Counter()
    let scratch = scratch.disjoint
    let targets = Targets(mixed: mixed, scores: scores, pattern: pattern)
    Parallel.forEach(workers) { worker in
      let room = worker * scratchCount
      while true {
        let task = next.take()
        if task >= tasks { return }
        runTask(task, blocks: blocks, values, scratch, room: room, targets)
      }
    }
  }

  /// One block of queries of one head of one sequence.
  private func runTask(
    _ task: Int, blocks: Int, _ values: Span<Float>, _ scratch: borrowing Disjoint<Float>,
    room: Int, _ targets: borrowing Targets
  ) {
    let (sequence, head, block) = (task / blocks / heads, task / blocks % heads, task % blocks)
    let first = block * Self.queryBlock
    let queries = min(Self.queryBlock, contextSize - first)
    let keys = first + queries
    let stride = (heads + 2 * keyValueHeads) * headWidth
    let start = sequence * contextSize * stride
    let shared = head / (heads / keyValueHeads)
    func part(_ head: Int, from row: Int, rows: Int) -> Range<Int> {
      let offset = start + row * stride + head * headWidth
      return offset..<offset + (rows - 1) * stride + headWidth
    }
    let outputs = room + queries * keys
    scratch.withSlice(room..<outputs) { weights in
      Multiply.product(
        rows: queries, columns: keys, inner: headWidth,
        values.extracting(part(head, from: first, rows: queries)), .plain, aStride: stride,
        values.extracting(part(heads + shared, from: 0, rows: keys)), .transposed, bStride: stride,
        into: &weights, scale: scale, threads: .none)
    }
    for query in 0..<queries {
      let token = sequence * contextSize + first + query
      scratch.withSlice(room + query * keys..<room + (query + 1) * keys) { row in
        weigh(&row, visible: first + query + 1, token: token, head: head, targets)
      }
    }
    scratch.withSlice(outputs..<outputs + queries * headWidth) { output in
      scratch.withSlice(room..<outputs) { weights in
        Multiply.product(
          rows: queries, columns: headWidth, inner: keys, weights.span, .plain, aStride: keys,
          values.extracting(part(heads + keyValueHeads + shared, from: 0, rows: keys)), .plain,
          bStride: stride, into: &output, threads: .none)
      }
      for query in 0..<queries {
        let token = sequence * contextSize + first + query
        let place = (token * heads + head) * headWidth
        targets.mixed.withSlice(place..<place + headWidth) { target in
          Kernels.copy(
            output.span.extracting(query * headWidth..<(query + 1) * headWidth), to: &target)
        }
      }
    }
  }

  /// Turns a row of scores into weights over the `visible` first keys; the others get none.
  private func weigh(
    _ row: inout MutableSpan<Float>, visible: Int, token: Int, head: Int,
    _ targets: borrowing Targets
  ) {
    let place = (token * heads + head) * contextSize
    if records.scores {
      targets.scores.withSlice(place..<place + contextSize) { target in
        for key in 0..<contextSize { target[key] = key < visible ? row[key] : -.infinity }
      }
    }
    Kernels.softmax(&row, count: visible)
    if records.pattern {
      targets.pattern.withSlice(place..<place + contextSize) { target in
        for key in 0..<contextSize { target[key] = key < visible ? row[key] : 0 }
      }
    }
  }
}

/// The cosines and sines of rotary positions, `[C, width / 2]` each; empty for learned positions.
struct RotationTable: ~Copyable, Sendable {
  private let half: Int
  private let contextSize: Int
  private var cosines: Matrix
  private var sines: Matrix

  init(_ model: ModelDescription, contextSize: Int) {
    self.contextSize = contextSize
    guard case .rotary(let rotary) = model.positions else {
      half = 0
      cosines = Matrix(rows: 0, columns: 0)
      sines = Matrix(rows: 0, columns: 0)
      return
    }
    half = rotary.width / 2
    cosines = Matrix(rows: contextSize, columns: half)
    sines = Matrix(rows: contextSize, columns: half)
    let frequencies = rotary.frequencies
    for position in 0..<contextSize {
      for index in 0..<half {
        // transformers multiplies in single precision, which shows at late positions.
        let angle = Double(Float(position) * frequencies[index])
        cosines[position, index] = Float(cos(angle))
        sines[position, index] = Float(sin(angle))
      }
    }
  }

  /// Rotates the first `heads` heads of each row.
  func rotate(_ values: inout Matrix, heads: Int, headWidth: Int, tokens: Int) {
    let (half, context) = (half, contextSize)
    let (cosines, sines) = (cosines.span, sines.span)
    Rows.forEach(tokens, heads * headWidth, &values) { token, row in
      let angles = token % context * half..<(token % context + 1) * half
      Kernels.rotate(
        &row, headWidth: headWidth, cosines: cosines.extracting(angles),
        sines: sines.extracting(angles))
    }
  }
}

extension Rotary {
  /// Radians per position of each pair, `[width / 2]`.
  var frequencies: [Float] {
    (0..<width / 2).map { index in
      let plain = pow(base, -2 * Double(index) / Double(width))
      return Float(scaled(plain))
    }
  }

  private func scaled(_ frequency: Double) -> Double {
    switch scaling {
    case .none: return frequency
    case .linear(let factor): return frequency / factor
    case .llama3(let factor, let low, let high, let originalContext):
      let turns = originalContext * frequency / (2 * .pi)
      if turns < low { return frequency / factor }
      if turns > high { return frequency }
      let share = (turns - low) / (high - low)
      return (1 - share) * frequency / factor + share * frequency
    }
  }
}
