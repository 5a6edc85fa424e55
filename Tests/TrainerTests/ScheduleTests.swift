import Shared
import Testing
import Trainer

@Suite struct ScheduleTests {
  @Test func everyTableOfSAELensIsReproduced() throws {
    let tables = try SAEGoldens.schedules()
    #expect(tables.count == 54)
    for table in tables {
      let schedule = Schedule(table.settings, totalSteps: table.rates.count)
      let loss = SAEConfiguration(table.settings, dIn: 16).architecture.sparsity
      for (step, (rate, weight)) in zip(table.rates, table.weights).enumerated() {
        let isEqual =
          abs(schedule.learningRate(step: step) - rate) < 1e-14
          && abs(schedule.sparsityCoefficient(step: step, loss) - weight) < 1e-14
        #expect(isEqual, "step \(step) of \(table.settings)")
      }
    }
  }

  @Test func stepsBeyondTheEndKeepTheLastRateOfADecay() {
    var settings = TrainSettings()
    settings.lr = 1
    settings.lrDecaySteps = 4
    let schedule = Schedule(settings, totalSteps: 10)
    #expect(schedule.learningRate(step: 9) == 0.25)
    #expect(schedule.learningRate(step: 10) == 0)
    #expect(schedule.learningRate(step: 50) == 0)
  }

  @Test func aRunShorterThanItsWarmUpOnlyWarmsUp() {
    var settings = TrainSettings()
    settings.lr = 1
    settings.lrWarmUpSteps = 8
    settings.lrSchedulerName = .cosineAnnealing
    let schedule = Schedule(settings, totalSteps: 4)
    #expect((0..<4).map { schedule.learningRate(step: $0) } == [0.125, 0.25, 0.375, 0.5])
  }
}
