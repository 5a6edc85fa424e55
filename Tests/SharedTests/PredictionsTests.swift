import Foundation
import Shared
import Support
import Testing

@Suite struct PredictionsTests {
  private func rows(_ count: Int, _ spread: Double) -> ([Float], [Float]) {
    let random = Random(seed: count, stream: "logits")
    let row = (0..<count).map { Float(random.normal($0) * spread) }
    return (row, row.indices.map { row[$0] + Float(random.normal(count + $0) * spread / 4) })
  }

  @Test(arguments: [1, 7, 53, 1000, 50_257], [0.1, 4, 30])
  func theyAgreeWithTheirFormulas(count: Int, spread: Double) {
    let (row, other) = rows(count, spread)
    let (plain, plainOther) = (row.map { Double($0) }, other.map { Double($0) })
    let logSum = Predictions.logSum(row.span)
    let otherLogSum = Predictions.logSum(other.span)
    let top = plain.max() ?? 0
    let expected = top + log(plain.reduce(0) { $0 + exp($1 - top) })
    #expect(abs(logSum - expected) < 1e-6)
    let token = count / 2
    let loss = NaiveLoss.crossEntropy([plain], [0, UInt32(token)])[0]
    #expect(
      abs(Predictions.crossEntropy(row.span, logSum: logSum, token: UInt32(token)) - loss)
        < 1e-6 + 1e-6 * loss)
    let otherTop = plainOther.max() ?? 0
    let otherSum = otherTop + log(plainOther.reduce(0) { $0 + exp($1 - otherTop) })
    let shares = NaiveGPT2.softmax(plain)
    let divergence = plain.indices.reduce(0.0) {
      $0 + shares[$1] * (plain[$1] - expected - plainOther[$1] + otherSum)
    }
    let found = Predictions.divergence(
      row.span, logSum: logSum, from: other.span, logSum: otherLogSum)
    #expect(abs(found - divergence) < 2e-6 + 1e-5 * abs(divergence))
  }

  @Test func equalPredictionsDoNotDiverge() {
    let (row, _) = rows(1000, 5)
    let logSum = Predictions.logSum(row.span)
    #expect(Predictions.divergence(row.span, logSum: logSum, from: row.span, logSum: logSum) == 0)
  }
}
