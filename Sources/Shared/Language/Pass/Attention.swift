// Causal attention over a batch. Comes in: queries, keys and values side by side. Leaves: the heads'
// outputs side by side. Work is cut by sequence, head and block of queries.

/// Attention of one layer.
struct Attention: Sendable {
  /// Which inner values are kept for a hook point.
  struct Records: Sendable {
    let scores: Bool
    let pattern: Bool
  }

  private let contextSize: Int
  private let sequences: Int
  private let heads: Int
  private let keyValueHeads: Int
  private let headWidth: Int
  private let valueWidth: Int
  private let scale: Float
  private let cap: Float?
  private let kind: LayerKind
  /// What a key's position adds to its score, `[C, H]`, or nothing.
  private let biases: [Float]
  private let records: Records
  private let factors: FactorPrecision

  init(
    _ model: ModelDescription, layer: Int, contextSize: Int, sequences: Int, records: Records,
    factors: FactorPrecision
  ) {
    self.contextSize = contextSize
    self.sequences = sequences
    let shape = model.heads(layer: layer)
    heads = shape.count
    keyValueHeads = shape.keyValueCount
    headWidth = shape.width
    valueWidth = shape.valueWidth
    scale = model.attentionScale(layer: layer)
    cap = model.scoreCap
    kind = model.layers[layer]
    if case .linearBias(let bias) = model.positions {
      biases = (0..<contextSize).flatMap { bias.biases(position: $0) }
    } else {
      biases = []
    }
    self.records = records
    self.factors = factors
  }

  /// Where a task writes; rows of different tasks are disjoint.
  private struct Targets: ~Escapable, Sendable {
    let mixed: Disjoint<Float>
    let mixedStride: Int
    let scores: Disjoint<Float>
    let pattern: Disjoint<Float>
    let sinks: Span<Float>

    @_lifetime(borrow mixed, borrow scores, borrow pattern, copy sinks)
    init(
      mixed: borrowing Matrix, scores: borrowing Matrix, pattern: borrowing Matrix,
      sinks: Span<Float>
    ) {
      self.mixed = mixed.disjoint
      mixedStride = mixed.columns
      self.scores = scores.disjoint
      self.pattern = pattern.disjoint
      self.sinks = sinks
    }
  }

  /// mixed `[T, H·h]` ← softmax(scale · q·kᵀ) · v for each head, over the tokens that it sees and
  /// the head's sink, where there is one.
  func run(
    _ queryKeyValue: borrowing Matrix, sinks: Span<Float>, into mixed: inout Matrix,
    scratch: inout AttentionScratch,
    scores: inout Matrix, pattern: inout Matrix
  ) {
    let blocks = (contextSize + AttentionRoom.queryBlock - 1) / AttentionRoom.queryBlock
    let tasks = sequences * heads * blocks
    let (values, stride) = (queryKeyValue.span, queryKeyValue.columns)
    let (workers, count) = (scratch.threads, scratch.values.columns)
    let roundedCount = scratch.rounded.count / workers
    let next = Counter()
    let (all, allRounded) = (scratch.values.disjoint, scratch.rounded.disjoint)
    let targets = Targets(mixed: mixed, scores: scores, pattern: pattern, sinks: sinks)
    Parallel.forEach(workers) { worker in
      var room = all.slice(worker * count..<(worker + 1) * count)
      var rounded = allRounded.slice(worker * roundedCount..<(worker + 1) * roundedCount)
      while true {
        let task = next.take()
        if task >= tasks { return }
        runTask(
          task, blocks: blocks, values, stride: stride, scratch: &room, rounded: &rounded, targets)
      }
    }
  }

  /// mixed `[T, H·h]` ← pattern · v for each head, whichever tokens a pattern looks at.
  func mix(
    _ pattern: borrowing Matrix, _ queryKeyValue: borrowing Matrix, into mixed: inout Matrix
  ) {
    let (weights, weightStride) = (pattern.span, pattern.columns)
    let (values, stride) = (queryKeyValue.span, queryKeyValue.columns)
    Rows.forEach(sequences * contextSize, heads * valueWidth, &mixed) { token, row in
      let first = token / contextSize * contextSize
      for index in row.indices { row[index] = 0 }
      for head in 0..<heads {
        let shared = head / (heads / keyValueHeads)
        let place = (heads + keyValueHeads) * headWidth + shared * valueWidth
        row.withSlice(head * valueWidth..<(head + 1) * valueWidth) { target in
          for key in 0..<contextSize {
            let start = (first + key) * stride + place
            add(
              weights[token * weightStride + head * contextSize + key],
              values.extracting(start..<start + valueWidth), to: &target)
          }
        }
      }
    }
  }

  /// target ← target + weight · source, in the precision of products.
  private func add(_ weight: Float, _ source: Span<Float>, to target: inout MutableSpan<Float>) {
    guard factors == .bfloat16 else { return Vector.add(weight, source, to: &target) }
    let weight = Precision.float(bfloat16: Precision.bfloat16(weight))
    for index in target.indices {
      target[index] += weight * Precision.float(bfloat16: Precision.bfloat16(source[index]))
    }
  }

  /// One block of queries of one head of one sequence.
  private func runTask(
    _ task: Int, blocks: Int, _ values: Span<Float>, stride: Int,
    scratch: inout MutableSpan<Float>, rounded: inout MutableSpan<UInt16>,
    _ targets: borrowing Targets
  ) {
    let (sequence, head, block) = (task / blocks / heads, task / blocks % heads, task % blocks)
    let first = block * AttentionRoom.queryBlock
    let queries = min(AttentionRoom.queryBlock, contextSize - first)
    // No query of the block sees a key before these.
    let firstKey = kind.firstVisible(first)
    let keys = first + queries - firstKey
    let start = sequence * contextSize * stride
    let shared = head / (heads / keyValueHeads)
    func part(_ head: Int, from row: Int, rows: Int) -> Range<Int> {
      let offset = start + row * stride + head * headWidth
      return offset..<offset + (rows - 1) * stride + headWidth
    }
    let firstValue =
      start + firstKey * stride + (heads + keyValueHeads) * headWidth + shared * valueWidth
    let room = AttentionRoom(
      queries: queries, keys: keys, width: headWidth, valueWidth: valueWidth, factors: factors)
    let weights = 0..<room.weightCount
    let outputs = room.weightCount..<room.weightCount + room.outputCount
    scratch.withSlice(weights) { weights in
      AttentionProduct(rows: queries, columns: keys, inner: headWidth, scale: scale).compute(
        Factor(
          values.extracting(part(head, from: first, rows: queries)), .plain, stride: stride),
        Factor(
          values.extracting(part(heads + shared, from: firstKey, rows: keys)), .transposed,
          stride: stride), into: &weights, stride: room.weightStride, rowCount: room.roundedRows,
        &rounded)
    }
    for query in 0..<queries {
      let position = first + query
      let visible = kind.firstVisible(position) - firstKey..<position + 1 - firstKey
      let place = ((sequence * contextSize + position) * heads + head) * contextSize
      let start = query * room.weightStride
      scratch.withSlice(start..<start + keys) { row in
        addBiases(to: &row, visible, firstKey: firstKey, position: position, head: head)
        weigh(&row, visible, firstKey: firstKey, place: place, head: head, targets)
      }
    }
    scratch.withDisjoint { scratch in
      scratch.withSlice(outputs) { output in
        scratch.withSlice(weights) { weights in
          AttentionProduct(rows: queries, columns: valueWidth, inner: keys).compute(
            Factor(weights.span, .plain, stride: room.weightStride),
            Factor(
              values.extracting(firstValue..<firstValue + (keys - 1) * stride + valueWidth), .plain,
              stride: stride), into: &output, stride: room.outputStride,
            rowCount: room.roundedRows, &rounded)
        }
        for query in 0..<queries {
          let token = sequence * contextSize + first + query
          let place = token * targets.mixedStride + head * valueWidth
          let start = query * room.outputStride
          targets.mixed.withSlice(place..<place + valueWidth) { target in
            Kernels.copy(output.span.extracting(start..<start + valueWidth), to: &target)
          }
        }
      }
    }
  }

  /// Adds what the keys' distances from a query take from their scores.
  private func addBiases(
    to row: inout MutableSpan<Float>, _ visible: Range<Int>, firstKey: Int, position: Int,
    head: Int
  ) {
    guard !biases.isEmpty else { return }
    for key in visible {
      row[key] += biases[(firstKey + key) * heads + head] - biases[position * heads + head]
    }
  }

  /// Turns a row of scores, of the keys from `firstKey` on, into weights over the `visible` ones.
  ///
  /// The others get none. Records begin at `place`.
  private func weigh(
    _ row: inout MutableSpan<Float>, _ visible: Range<Int>, firstKey: Int, place: Int, head: Int,
    _ targets: borrowing Targets
  ) {
    row.withDisjoint { row in
      row.withSlice(visible) { scores in
        if let cap { Kernels.softCap(&scores, cap: cap) }
        if records.scores {
          record(
            scores.span, firstKey + visible.lowerBound, place, targets.scores, rest: -.infinity)
        }
        let sink = targets.sinks.isEmpty ? -Float.infinity : targets.sinks[head]
        Kernels.softmax(&scores, sink: sink)
        if records.pattern {
          record(scores.span, firstKey + visible.lowerBound, place, targets.pattern, rest: 0)
        }
      }
    }
    for key in 0..<visible.lowerBound { row[key] = 0 }
    for key in visible.upperBound..<row.count { row[key] = 0 }
  }

  /// Writes the row of one head and query, `[C]`, with `rest` where it sees nothing.
  private func record(
    _ values: Span<Float>, _ firstKey: Int, _ place: Int, _ target: borrowing Disjoint<Float>,
    rest: Float
  ) {
    target.withSlice(place..<place + contextSize) { row in
      for key in 0..<contextSize {
        let index = key - firstKey
        row[key] = index >= 0 && index < values.count ? values[index] : rest
      }
    }
  }
}
