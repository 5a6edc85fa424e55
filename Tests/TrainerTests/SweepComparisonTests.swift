import Shared
import Testing

import Trainer

enum SampleSweep {
  /// Two options, four runs of which one failed and one is beaten.
  static func comparison(lossRecovered: Double? = nil) -> SweepComparison {
    func figures(_ l0: Double, _ explained: Double, _ mse: Double, _ dead: Int) -> Figures {
      var figures: Figures = [
        .finalL0: l0, .finalExplainedVariance: explained, .finalMSE: mse,
        .deadInTraining: Double(dead),
      ]
      figures[.lossScore] = lossRecovered
      return figures
    }
    return SweepComparison(
      name: "demo & friends", options: ["expansion_factor", "l1_coefficient"], models: ["tiny"],
      hooks: ["blocks.0.hook_mlp_out"],
      rows: [
        .init(values: ["8", "1"], folder: "store/runs/demo-1", figures: figures(20, 1, 0.5, 0)),
        .init(
          values: ["8", "5"], folder: "store/runs/demo-2", figures: figures(10, 0.5, 4.25, 30)),
        .init(values: ["16", "1"], folder: "store/runs/demo-3", figures: figures(20, 0.75, 2, 7)),
        .init(values: ["16", "5"], folder: "store/runs/demo-4", figures: nil),
      ])
  }
}

@Suite("The comparison of runs")
struct SweepComparisonTests {
  @Test("The table has the swept options, the figures and the folders, to the letter")
  func table() {
    #expect(
      SampleSweep.comparison().table.text() == """
        Sweep of demo & friends
          expansion_factor  l1_coefficient     L0  explained variance     MSE  dead latents  folder
                         8               1  20.00               1.000  0.5000             0  store/runs/demo-1
                         8               5  10.00              0.5000   4.250            30  store/runs/demo-2
                        16               1  20.00              0.7500   2.000             7  store/runs/demo-3
                        16               5      –                   –       –             –  failed
        """)
  }

  @Test("What the SAE keeps of the model's loss appears where it was measured")
  func lossRecovered() {
    let table = SampleSweep.comparison(lossRecovered: 0.875).table
    #expect(
      table.columns.map(\.heading) == [
        "expansion_factor", "l1_coefficient", "L0", "explained variance", "loss recovered", "MSE",
        "dead latents", "folder",
      ])
    #expect(table.rows.map { $0[4] } == ["0.8750", "0.8750", "0.8750", "–"])
  }
}
