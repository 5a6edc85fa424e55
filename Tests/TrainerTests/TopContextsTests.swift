import Shared
import Testing

import Trainer

@Suite("Top contexts")
struct TopContextsTests {
  private func row(_ value: Float, _ sequence: UInt32, _ position: UInt32) -> TopRow {
    TopRow(value: value, row: .init(sequence: sequence, position: position))
  }

  @Test("The top rows are those of a full sort, one per sequence, in any order of arrival")
  func agreesWithSorting() {
    let random = Random(seed: 1, stream: "top")
    for trial in 0..<50 {
      let rows = (0..<40).map { index in
        row(
          Float(random.integer(trial * 1000 + index, below: 12)),
          UInt32(random.integer(trial * 1000 + 100 + index, below: 9)), UInt32(index))
      }
      var top = TopRows(latentCount: 3, limit: 5)
      for entry in rows { top.add(latent: 1, entry) }
      var seen: Set<UInt32> = []
      let sorted = rows.sorted {
        ($1.value, $0.row.sequence, $0.row.position) < ($0.value, $1.row.sequence, $1.row.position)
      }
      let expected = sorted.filter { seen.insert($0.row.sequence).inserted }.prefix(5)
      #expect(top.rows(of: 1) == Array(expected))
      var reversed = TopRows(latentCount: 3, limit: 5)
      for entry in rows.reversed() { reversed.add(latent: 1, entry) }
      #expect(reversed.rows(of: 1) == Array(expected))
      #expect(top.rows(of: 0).isEmpty)
    }
  }

  @Test("Named latents come first, the rest is spread over the densities")
  func choosing() {
    // Latent 0 is dense, latents 1 … 20 fire less and less, latent 21 never.
    let fires = [900] + (1...20).map { 101 - 5 * $0 } + [0]
    let chosen = ReportedLatents.choose(
      6, fires: fires, rows: 1000, contexts: 1, named: [7, 0, 7, 9, 11])
    #expect(chosen == [7, 0, 9, 4, 12, 18])
    #expect(Set(chosen).count == 6)
  }

  @Test("Few latents are all shown, and dense ones where there are no others")
  func fewLatents() {
    #expect(
      ReportedLatents.choose(20, fires: [900, 0, 800], rows: 1000, contexts: 8, named: []) == [
        0, 2,
      ])
    #expect(ReportedLatents.choose(20, fires: [0, 0], rows: 10, contexts: 8, named: []).isEmpty)
  }

  @Test("A context is the stretch around its token, with the activations of the latent")
  func context() {
    let sequence = (0..<100).map { UInt32($0 * 10) }
    let context = LatentContext(
      row(0.3, 4, 30), sequence: sequence,
      activation: { $0 == 29 ? 0.1 : 0 }, text: { "t\($0)" })
    #expect(context.focus == 28)
    #expect(context.tokens.count == 41)
    #expect(context.tokens[28] == "t300")
    #expect(context.activations[27] == 0.1)
    #expect(context.activations[28] == 0.3)
    #expect(context.activations[29] == 0)
    let first = LatentContext(
      row(1, 4, 0), sequence: [5, 6], activation: { _ in 0 }, text: { "t\($0)" })
    #expect(first.tokens == ["t5", "t6"])
    #expect(first.focus == 0)
  }
}
