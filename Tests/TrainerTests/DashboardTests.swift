import Foundation
import Shared
import Testing

import Trainer

@Suite("Dashboards for Neuronpedia")
struct DashboardTests {
  @Test(
    "What stands against a dashboard is said in a sentence",
    arguments: [
      (
        DashboardError.notLatents("1-x"), "--latents 1-x is no list of latents.",
        "Write --latents 5, --latents 1,5-9 or --latents all."
      ),
      (
        .noSuchLatent(9, count: 4), "There is no latent 9: the SAE has 4, counted from 0.",
        ""
      ),
      (
        .noDetails(folder: "runs/x"), "runs/x holds no details of latents.",
        "Run saeline-train report with the run's pipeline file and evaluate.report_latents above 0."
      ),
    ])
  func sentences(error: DashboardError, sentence: String, hint: String) {
    #expect(error.sentence == sentence)
    #expect((error.hint ?? "") == hint)
  }
}
