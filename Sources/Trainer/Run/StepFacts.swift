// What the line on the terminal says of a training step. Comes in: the figures of the step. Leaves: facts,
// the most important of the lowest rank.

import Shared

extension Figures {
  /// What a line of progress says after `step` of `steps` steps.
  func facts(step: Int, of steps: Int) -> [ProgressFact] {
    let count = "\(step)/\(steps)"
    var facts = [ProgressFact("\(count) steps", short: count, rank: 0)]
    if let value = self[.explainedVariance] {
      facts.append(
        ProgressFact(
          "\(Figure.explainedVariance.words) \(Readable.fixed(value, decimals: 4))",
          short: "EV \(Readable.fixed(value, decimals: 3))", rank: 2))
    }
    if let value = self[.l0] {
      facts.append(ProgressFact("L0 \(Readable.fixed(value, decimals: 1))", rank: 3))
    }
    if let value = self[.deadLatents] {
      let text = Figure.deadLatents.text(value)
      facts.append(
        ProgressFact("\(Figure.deadLatents.words) \(text)", short: "dead \(text)", rank: 5))
    }
    if let value = self[.overall] {
      facts.append(ProgressFact("loss \(Readable.figure(value))", rank: 4))
    }
    return facts
  }
}
