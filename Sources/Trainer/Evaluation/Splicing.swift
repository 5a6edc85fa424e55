// The loop that runs a language model as it is, with an SAE in it and with zeros there. Comes in:
// the place, sequences of tokens and an encoder. Leaves: the loss of all three.

package import Shared

/// One measurement of the loss.
package struct Splicing: Sendable {
  private let plan: SplicePlan
  private let sequences: [[UInt32]]
  private let earlier: LossRecovered?

  /// - Parameters:
  ///   - plan: the model and the place.
  ///   - sequences: whole sequences of tokens below the model's vocabulary.
  ///   - earlier: what was measured there of any SAE; zeros in its place do what they did then.
  package init(_ plan: SplicePlan, sequences: [[UInt32]], earlier: LossRecovered? = nil) {
    self.plan = plan
    self.sequences = sequences
    self.earlier = earlier
  }

  /// Runs every sequence three times, or twice where zeros were measured earlier.
  ///
  /// - Parameters:
  ///   - sae: the SAE, for rows as they are cached.
  ///   - source: where the sequences come from.
  ///   - progress: is told the tokens that are done.
  /// - Returns: the means over all chosen rows.
  /// - Throws: what is wrong with the model's files, or that the program was interrupted.
  package func run<SAE: RowEncoder & ~Copyable>(
    _ sae: inout SAE, source: EvaluatedRows, progress: Progress
  ) throws -> LossRecovered {
    var sums: SplicedSums?
    return try run(&sae, adding: &sums, source: source, progress: progress)
  }

  /// As `run`, and adds up the rows that the SAE takes the place of where there are sums for them.
  package func run<SAE: RowEncoder & ~Copyable>(
    _ sae: inout SAE, adding sums: inout SplicedSums?, source: EvaluatedRows, progress: Progress
  ) throws -> LossRecovered {
    let limit = plan.sequenceLimit(sequences.count)
    var model = try SplicedModel(plan, sequences: limit)
    let work = SpliceWork(plan, tokens: limit * plan.contextSize, batchRows: sae.batchRows)
    let predictions = PlainPredictions(plan, tokens: limit * plan.contextSize)
    var (plain, withSAE, ablated) = (PredictionSums(), PredictionSums(), PredictionSums())
    var (count, predicted) = (0, 0)
    for start in stride(from: 0, to: sequences.count, by: limit) {
      try Interrupted.check(while: "the loss with the SAE was measured")
      let tokens = sequences[start..<min(start + limit, sequences.count)].flatMap(\.self)
      var chosen: [Int] = []
      try model.visit(tokens, replace: nil) { index, values, rows in
        if index == 0 { chosen = choose(values, rows, tokens) }
        if index == plan.replacedIndex { work.keepTargets(values, rows, chosen) }
      } predict: { logits, rows in
        predictions.keep(logits, rows)
        plain += predictions.compare(logits, rows, tokens, chosen)
      }
      try model.visit(tokens, replace: { work.write(to: &$0, $1, chosen) }) { index, values, rows in
        guard index == 0 else { return }
        try work.reconstruct(values, rows, chosen, &sae, adding: &sums, firstSequence: start)
      } predict: {
        withSAE += predictions.compare($0, $1, tokens, chosen)
      }
      if earlier == nil {
        // Every row, also those that an SAE leaves as they are.
        try model.visit(tokens, replace: SpliceWork.clear) { _, _, _ in
        } predict: {
          ablated += predictions.compare($0, $1, tokens, chosen)
        }
      }
      count += chosen.count
      predicted += chosen.count { predictions.hasNext($0) }
      progress.advance(tokens.count)
    }
    var means: Figures = [
      .lossTokens: Double(count), .lossWithoutSAE: plain.loss / Double(predicted),
      .lossWithSAE: withSAE.loss / Double(predicted),
      .divergenceWithSAE: withSAE.divergence / Double(count),
    ]
    means[.lossWithAblation] =
      earlier?.figures[.lossWithAblation] ?? ablated.loss / Double(predicted)
    means[.divergenceWithAblation] =
      earlier?.figures[.divergenceWithAblation] ?? ablated.divergence / Double(count)
    return LossRecovered(source: source, means: means)
  }

  /// The rows of a batch that the SAE takes the place of.
  private func choose(_ values: Span<Float>, _ rows: TappedRows, _ tokens: [UInt32]) -> [Int] {
    tokens.indices.filter { index in
      plan.rows.contains(
        values.extracting(rows.range(index)), token: tokens[index],
        position: index % plan.contextSize)
    }
  }
}

/// Owns the language model and its buffers.
private struct SplicedModel: ~Copyable {
  private let plan: SplicePlan
  private let transformer: Transformer
  private var pass: ForwardPass

  init(_ plan: SplicePlan, sequences limit: Int) throws {
    self.plan = plan
    transformer = try Transformer.open(
      plan.folder, for: plan.hookPoints, factors: plan.factors)
    pass = ForwardPass(
      transformer, sequenceLimit: limit, contextSize: plan.contextSize,
      hookPoints: plan.hookPoints, processing: plan.processing)
  }

  /// Runs the model over a batch: lends what the SAE reads and then what it stands for, by their numbers
  /// among the plan's hook points, lets the latter be replaced, and lends the logits that come of it.
  mutating func visit(
    _ tokens: [UInt32], replace: ((inout MutableSpan<Float>, TappedRows) -> Void)?,
    read: (Int, Span<Float>, TappedRows) throws -> Void,
    predict: (Span<Float>, TappedRows) -> Void
  ) throws {
    let (replaced, logits) = (plan.replacedIndex, plan.logitsIndex)
    try pass.visit(transformer, tokens: tokens.span) { index, values, rows in
      if index <= replaced { try read(index, values.span, rows) }
      if index == logits { predict(values.span, rows) }
      guard index == replaced, let replace else { return .seen }
      replace(&values, rows)
      return .replaced
    }
  }
}

/// Owns the rows of a batch on their way through an SAE.
private struct SpliceWork: ~Copyable {
  private let dIn: Int
  private let dOut: Int
  private let batchRows: Int
  private let contextSize: Int
  /// What the model has in the place of the reconstructions of the chosen rows `[T, dOut]`.
  private let targets: AlignedBuffer<Float>
  /// A batch of chosen rows `[batchRows, dIn]`.
  private let input: AlignedBuffer<Float>
  /// Reconstructions of the chosen rows, one after another `[T, dOut]`.
  private let output: AlignedBuffer<Float>

  init(_ plan: SplicePlan, tokens: Int, batchRows: Int) {
    dIn = plan.dIn
    dOut = plan.dOut
    self.batchRows = batchRows
    input = AlignedBuffer(count: batchRows * dIn)
    output = AlignedBuffer(count: tokens * dOut)
    targets = AlignedBuffer(count: tokens * dOut)
    contextSize = plan.contextSize
  }

  /// targets ← the chosen rows.
  func keepTargets(_ values: Span<Float>, _ rows: TappedRows, _ chosen: [Int]) {
    for (place, row) in chosen.enumerated() {
      targets.disjoint.withSlice(place * dOut..<(place + 1) * dOut) { target in
        Kernels.copy(values.extracting(rows.range(row)), to: &target)
      }
    }
  }

  /// output ← the reconstructions of the chosen rows, which are added to the sums.
  func reconstruct<SAE: RowEncoder & ~Copyable>(
    _ values: Span<Float>, _ rows: TappedRows, _ chosen: [Int], _ sae: inout SAE,
    adding sums: inout SplicedSums?, firstSequence: Int
  ) throws {
    for start in stride(from: 0, to: chosen.count, by: batchRows) {
      let batch = chosen[start..<min(start + batchRows, chosen.count)]
      for (place, row) in batch.enumerated() {
        input.disjoint.withSlice(place * dIn..<(place + 1) * dIn) { target in
          Kernels.copy(values.extracting(rows.range(row)), to: &target)
        }
      }
      let inputs = input.span.extracting(0..<batch.count * dIn)
      let kept = targets.span.extracting(start * dOut..<(start + batch.count) * dOut)
      try sae.encode(inputs, rows: batch.count) { offsets, latents, values, reconstruction in
        sums?.add(
          batch.map { firstSequence + $0 / contextSize }, kept, reconstruction,
          SplicedSums.Codes(offsets: offsets, latents: latents, values: values))
        output.disjoint.withSlice(start * dOut..<(start + batch.count) * dOut) { target in
          Kernels.copy(reconstruction.extracting(0..<batch.count * dOut), to: &target)
        }
      }
    }
  }

  /// All rows ← 0.
  static func clear(_ values: inout MutableSpan<Float>, _ rows: TappedRows) {
    for row in 0..<rows.count { for place in rows.range(row) { values[place] = 0 } }
  }

  /// The chosen rows ← output.
  func write(to values: inout MutableSpan<Float>, _ rows: TappedRows, _ chosen: [Int]) {
    for (place, row) in chosen.enumerated() {
      values.withSlice(rows.range(row)) { target in
        Kernels.copy(output.span.extracting(place * dOut..<(place + 1) * dOut), to: &target)
      }
    }
  }
}

/// Sums over the predictions of chosen tokens.
private struct PredictionSums {
  /// Σ cross-entropy of the next token.
  var loss = 0.0
  /// Σ divergence from the predictions of the model as it is.
  var divergence = 0.0

  static func += (left: inout PredictionSums, right: PredictionSums) {
    left.loss += right.loss
    left.divergence += right.divergence
  }
}

/// Owns the predictions of the model as it is, for a batch, and compares others with them.
private struct PlainPredictions: ~Copyable {
  private let vocabulary: Int
  private let contextSize: Int
  /// Of all tokens `[T, V]`.
  private let logits: AlignedBuffer<Float>
  /// ln Σ exp of each row `[T]`.
  private let logSums: AlignedBuffer<Double>
  /// Of each token, of the predictions that are looked at.
  private let losses: AlignedBuffer<Double>
  private let divergences: AlignedBuffer<Double>

  init(_ plan: SplicePlan, tokens: Int) {
    vocabulary = plan.model.vocabularySize
    contextSize = plan.contextSize
    logits = AlignedBuffer(count: tokens * vocabulary)
    logSums = AlignedBuffer(count: tokens)
    losses = AlignedBuffer(count: tokens)
    divergences = AlignedBuffer(count: tokens)
  }

  /// Takes the logits of a batch.
  func keep(_ values: Span<Float>, _ rows: TappedRows) {
    let (logits, logSums, vocabulary) = (logits.disjoint, logSums.disjoint, vocabulary)
    Parallel.forBlocks(rows.count, blockSize: 16) { block in
      for token in block {
        let prediction = values.extracting(rows.range(token))
        logits.withSlice(token * vocabulary..<(token + 1) * vocabulary) {
          Kernels.copy(prediction, to: &$0)
        }
        logSums.set(token, Predictions.logSum(prediction))
      }
    }
  }

  /// The sums over the chosen tokens of a batch with the logits `values`.
  func compare(
    _ values: Span<Float>, _ rows: TappedRows, _ tokens: [UInt32], _ chosen: [Int]
  ) -> PredictionSums {
    let (logits, logSums) = (logits.span, logSums.span)
    let (losses, divergences) = (losses.disjoint, divergences.disjoint)
    let vocabulary = vocabulary
    let following = tokens.indices.map { hasNext($0) ? tokens[$0 + 1] : nil }
    Parallel.forBlocks(tokens.count, blockSize: 16) { block in
      for token in block {
        let row = token * vocabulary..<(token + 1) * vocabulary
        let prediction = values.extracting(rows.range(token))
        let logSum = Predictions.logSum(prediction)
        let loss = following[token].map {
          Predictions.crossEntropy(prediction, logSum: logSum, token: $0)
        }
        losses.set(token, loss ?? 0)
        divergences.set(
          token,
          Predictions.divergence(
            logits.extracting(row), logSum: logSums[token], from: prediction, logSum: logSum))
      }
    }
    return sums(chosen)
  }

  private func sums(_ chosen: [Int]) -> PredictionSums {
    var sums = PredictionSums()
    for token in chosen {
      sums += PredictionSums(loss: losses[token], divergence: divergences[token])
    }
    return sums
  }

  /// Whether another token follows in the same sequence.
  func hasNext(_ index: Int) -> Bool { index % contextSize < contextSize - 1 }
}
