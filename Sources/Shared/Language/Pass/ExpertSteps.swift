// Experts within a block. Come in: the rows of tokens. Leave: for each token the weighted sum of what
// its experts write. Experts are gone through in order, each with the tokens that are routed to it, so
// that sums have one order whatever the number of threads.

/// A token that goes through an expert.
private struct Visit {
  let token: Int
  let weight: Float
}

extension ForwardPass {
  /// output ← Σ weight · expert(normalized), over each token's experts.
  mutating func applyExperts(
    _ weights: borrowing ModelWeights, _ places: ExpertPlaces, _ layer: Int, tokens: Int,
    _ visit: Visitor
  ) throws {
    guard let experts = model.experts else { return }
    Rows.project(
      weights, places.router, normalized, into: &routerScores, scratch: &tiles, tokens: tokens)
    try emit(.routerScores, layer, routerScores, tokens: tokens, visit)
    weighExperts(experts, tokens: tokens)
    let biases = weights.vector(places.choiceBias)
    try emit(.expertWeights, layer, expertWeights, tokens: tokens, visit)
    let visits = route(experts, biases, tokens: tokens)
    try emit(.expertIndices, layer, expertIndices, tokens: tokens, visit)
    guard continues(after: .expertIndices, layer) else { return }
    Rows.forEach(tokens, model.width, &output) { _, row in
      for column in row.indices { row[column] = 0 }
    }
    for (place, visits) in zip(places.experts, visits) where !visits.isEmpty {
      apply(weights, place, experts, visits)
    }
    applyShared(weights, places, experts, tokens: tokens)
  }

  /// output ← output + expert(normalized), of the expert that all tokens go through, times σ(score)
  /// where it has a score.
  private mutating func applyShared(
    _ weights: borrowing ModelWeights, _ places: ExpertPlaces, _ experts: Experts, tokens: Int
  ) {
    guard let shared = experts.shared, let place = places.shared else { return }
    Rows.project(
      weights, place.input, normalized, into: &hidden, scratch: &tiles, tokens: tokens)
    Rows.activate(model.activation, &hidden, width: shared.width, tokens: tokens)
    Rows.gate(&hidden, width: shared.width, tokens: tokens)
    Rows.project(
      weights, place.output, hidden, into: &expertOutput, scratch: &tiles, tokens: tokens)
    guard let score = places.sharedScore else {
      Rows.add(expertOutput, to: &output, tokens: tokens)
      return
    }
    Rows.project(weights, score, normalized, into: &scale, scratch: &tiles, tokens: tokens)
    Rows.add(expertOutput, byLogisticOf: scale, width: model.width, to: &output, tokens: tokens)
  }

  /// Fills expertWeights.
  private mutating func weighExperts(_ experts: Experts, tokens: Int) {
    for token in 0..<tokens {
      let scores = (0..<experts.count).map { routerScores[token, $0] }
      let weights = Self.weights(scores, experts)
      for expert in 0..<experts.count { expertWeights[token, expert] = weights[expert] }
    }
  }

  /// Fills expertIndices from expertWeights; the tokens of each expert, in order.
  private mutating func route(
    _ experts: Experts, _ biases: Span<Float>, tokens: Int
  ) -> [[Visit]] {
    var visits = [[Visit]](repeating: [], count: experts.count)
    for token in 0..<tokens {
      let scores = (0..<experts.count).map { routerScores[token, $0] }
      let weights = (0..<experts.count).map { expertWeights[token, $0] }
      let (chosen, kept) = Self.choose(scores, weights, experts, biases)
      for (place, expert) in chosen.enumerated() {
        expertIndices[token, place] = Float(expert)
        visits[expert].append(Visit(token: token, weight: kept[place]))
      }
    }
    return visits
  }

  /// The experts that a token goes through, and their weights.
  private static func choose(
    _ scores: [Float], _ weights: [Float], _ experts: Experts, _ biases: Span<Float>
  ) -> (chosen: [Int], kept: [Float]) {
    switch experts.routing {
    case .softmax, .softmaxOfChosen:
      let isByScore = experts.routing == .softmaxOfChosen
      let chosen = largest(isByScore ? scores : weights, experts.active)
      return (chosen, kept(weights, chosen, experts.routing))
    case .grouped(let routing):
      let choice = routing.choice(weights, biases: biases)
      let chosen = largest(choice, experts.active)
      return (chosen, routing.kept(weights, choice, chosen))
    }
  }

  /// The numbers of the largest scores, the largest first and of equal ones the first.
  static func largest(_ scores: [Float], _ count: Int) -> [Int] {
    let order = scores.indices.sorted { left, right in
      scores[left] == scores[right] ? left < right : scores[left] > scores[right]
    }
    return Array(order.prefix(count))
  }

  /// The weights of all experts.
  private static func weights(_ scores: [Float], _ experts: Experts) -> [Float] {
    switch experts.routing {
    case .softmax: return softmax(scores)
    case .grouped(let routing): return routing.weights(scores)
    case .softmaxOfChosen:
      let chosen = largest(scores, experts.active)
      var weights = [Float](repeating: 0, count: scores.count)
      for (expert, weight) in zip(chosen, softmax(chosen.map { scores[$0] })) {
        weights[expert] = weight
      }
      return weights
    }
  }

  static func softmax(_ scores: [Float]) -> [Float] {
    var weights = scores
    var span = weights.mutableSpan
    Kernels.softmax(&span)
    return weights
  }

  /// The weights of the chosen experts; none has one where all were set to zero.
  private static func kept(_ weights: [Float], _ chosen: [Int], _ routing: Routing) -> [Float] {
    let kept = chosen.map { weights[$0] }
    let sum = kept.reduce(0, +)
    guard case .softmax(sumsToOne: true) = routing, sum != 0 else { return kept }
    return kept.map { $0 / sum }
  }

  /// Adds to output what one expert writes for its tokens.
  private mutating func apply(
    _ weights: borrowing ModelWeights, _ place: ExpertPlace, _ experts: Experts, _ visits: [Visit]
  ) {
    let (inner, count) = (experts.width, visits.count)
    Rows.gather(normalized, visits, width: model.width, into: &expertInput)
    Rows.project(
      weights, place.input, expertInput, into: &hidden, scratch: &tiles, tokens: count)
    switch experts.gate {
    case .activation:
      Rows.activate(model.activation, &hidden, width: inner, tokens: count)
      Rows.gate(&hidden, width: inner, tokens: count)
    case .clamped(let alpha, let limit):
      Rows.forEach(count, 2 * inner, &hidden) { _, row in
        Kernels.gateClamped(&row, alpha: alpha, limit: limit)
      }
    }
    Rows.project(
      weights, place.output, hidden, into: &expertOutput, scratch: &tiles, tokens: count)
    Rows.scatter(expertOutput, visits, width: model.width, addingTo: &output)
  }
}

extension Rows {
  /// target `[visits, d]` ← the rows of some tokens.
  fileprivate static func gather(
    _ source: borrowing Matrix, _ visits: [Visit], width: Int, into target: inout Matrix
  ) {
    let (values, stride) = (source.span, source.columns)
    forEach(visits.count, width, &target) { index, row in
      let first = visits[index].token * stride
      Kernels.copy(values.extracting(first..<first + width), to: &row)
    }
  }

  /// The rows of some tokens ← themselves + weight · source `[visits, d]`; no token comes twice.
  fileprivate static func scatter(
    _ source: borrowing Matrix, _ visits: [Visit], width: Int, addingTo target: inout Matrix
  ) {
    let (values, stride) = (source.span, source.columns)
    let targetStride = target.columns
    let rows = target.disjoint
    Parallel.forBlocks(visits.count, blockSize: 16) { block in
      for index in block {
        let start = visits[index].token * targetStride
        rows.withSlice(start..<start + width) {
          let first = index * stride
          Vector.add(visits[index].weight, values.extracting(first..<first + width), to: &$0)
        }
      }
    }
  }

  /// target ← target + σ(score) · source, with a score per token `[tokens, 1]`.
  fileprivate static func add(
    _ source: borrowing Matrix, byLogisticOf scores: borrowing Matrix, width: Int,
    to target: inout Matrix, tokens: Int
  ) {
    let (values, stride, scores) = (source.span, source.columns, scores.span)
    forEach(tokens, width, &target) { token, row in
      let weight = Kernels.logistic(of: scores[token])
      Vector.add(weight, values.extracting(token * stride..<token * stride + width), to: &row)
    }
  }
}
