import Shared
import Testing
import Trainer

@Suite("The bill of a run")
struct TrainerBillTests {
  private var settings: TrainSettings {
    var settings = TrainSettings()
    settings.architecture = .topk
    settings.dSae = 1000
    settings.k = 10
    settings.trainingTokens = 100_001
    settings.trainBatchSizeTokens = 100
    settings.threads = 2
    return settings
  }

  private func bill(_ settings: TrainSettings) -> TrainingBill {
    TrainingBill(
      settings, dIn: 100, rowsPerEpoch: ExpectedRows(count: 60_000, isExact: true),
      speed: MachineSpeed(product: 1e10, copy: 1e10))
  }

  @Test("Steps, operations, memory and disk follow from the settings")
  func figures() {
    #expect(
      bill(settings).json.canonical == """
        {"disk_bytes":10457200,"epochs":2,"expected_l0":10,"flops_dense":100100000000,\
        "flops_sparse":20820800000,"memory_bytes":3738144,"parameters":201100,\
        "seconds":2.88596308,"steps":1001,"tokens":100100}
        """)
  }

  @Test("A ReLU SAE is billed at an assumed L0")
  func assumedL0() {
    var settings = settings
    settings.architecture = .standard
    #expect(bill(settings).expectedL0 == 64)
    settings.dSae = 5
    #expect(bill(settings).expectedL0 == 5)
  }

  @Test("The table names every figure")
  func table() {
    #expect(
      bill(settings).table.text() == """
        Training
          quantity                          amount
          steps                               1001
          tokens                             100 k
          passes over the cache                  2
          parameters                         201 k
          operations, dense                  100 G
          operations, sparse at L0 10       20.8 G
          memory                            3.7 MB
          disk, checkpoints included       10.5 MB
          time on this machine         about 2.9 s
        """)
  }

  @Test("Without a cache the bill comes from what the pipeline file says")
  func withoutCache() throws {
    var pipeline = Pipeline()
    pipeline.store = "/nonexistent/store"
    pipeline.cache.hookName = "blocks.0.hook_mlp_out"
    pipeline.cache.dIn = 100
    pipeline.cache.trainingTokens = 60_000
    pipeline.train = settings
    let speed = MachineSpeed(product: 1e10, copy: 1e10)
    var missing: [String] = []
    #expect(
      try TrainingBill(pipeline, speed: speed) { missing.append($0.sentence) } == bill(settings))
    #expect(
      missing == [
        "The store /nonexistent/store holds no activations of blocks.0.hook_mlp_out that were "
          + "cached with these settings."
      ])
    pipeline.cache.dIn = nil
    #expect(throws: TrainingSourceError.self) { try TrainingBill(pipeline, speed: speed) { _ in } }
  }

  @Test("A disk that is too small is refused before anything is written")
  func disk() throws {
    #expect(throws: DiskSpaceError.self) {
      try DiskSpace.require(.max, at: "/tmp/not/there/yet")
    }
    try DiskSpace.require(1, at: "/tmp/not/there/yet")
    let error = DiskSpaceError(path: "store", needed: 5_000_000, free: 1_000_000)
    #expect(
      error.sentence == "The disk of store is too small: 5.0 MB are needed and 1.0 MB are free.")
    #expect(error.hint == "Free some space, or set store to a folder on another disk.")
  }
}
