import ActivationCacher
import Shared
import Support
import Testing

@Suite("Cached activations go up to the Hub")
struct ActivationUploadTests {
  private func environment(
    _ hub: LocalHub, _ folder: borrowing TemporaryFolder
  ) -> [String: String] {
    [
      "HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub.options.token, "HF_HOME": folder.file("home"),
    ]
  }

  private func upload(_ pipeline: Pipeline, _ environment: [String: String]) throws -> String? {
    try ActivationUpload(pipeline, environment: environment, mode: .quiet)?.run()
  }

  @Test("Without a repository nothing is asked")
  func none() throws {
    let folder = try TemporaryFolder()
    #expect(try upload(pipeline(folder), [:]) == nil)
  }

  @Test("A file for each shard, the record and a card go up, once")
  func layout() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    var pipeline = try pipeline(folder)
    pipeline.cache.hfRepoID = "me/activations"
    _ = try run(pipeline)
    let environment = environment(hub, folder)
    #expect(try upload(pipeline, environment) == hub.endpoint + "/datasets/me/activations")
    let names = (0..<3).map { "data/train-0000\($0)-of-00003.arrow" }
    #expect(
      hub.uploadedPaths(in: "me/activations", .dataset)
        == ["README.md", "cache_activations_runner_cfg.json"] + names)
    // What goes up is what the export writes.
    _ = try Exporting(pipeline, output: folder.file("out"), mode: .quiet).run()
    for (index, name) in names.enumerated() {
      let exported = try contents(of: folder.file("out/data-0000\(index)-of-00003.arrow"))
      #expect(try hub.contents(of: name, in: "me/activations", .dataset) == exported)
    }
    let record = try JSON(
      parsing: hub.contents(
        of: "cache_activations_runner_cfg.json", in: "me/activations", .dataset) ?? [])
    #expect(record["hook_name"] == "blocks.1.hook_resid_post")
    #expect(record["model_name"] == "grouped")
    #expect(record["training_tokens"] == 176)
    hub.forgetRequests()
    _ = try upload(pipeline, environment)
    #expect(hub.requests.allSatisfy { $0.method == "GET" })
  }

  @Test("The bill says what will go up and where to")
  func bill() throws {
    let folder = try TemporaryFolder()
    var pipeline = try pipeline(folder)
    let environment = [
      "HF_ENDPOINT": "https://hub.example", "HF_TOKEN": "hf_x", "HF_HOME": folder.file("home"),
    ]
    func bill() throws -> JSON? {
      let estimate = try Estimate.make(
        pipeline, speed: CacheSpeed(secondsPerToken: 1e-6, shardBytesPerSecond: 1e9))
      var stage = estimate.stage
      try ActivationUpload.bill(pipeline.cache, estimate.bill, environment: environment)?
        .add(to: &stage)
      return stage.json["upload"]
    }
    #expect(try bill() == nil)
    pipeline.cache.hfRepoID = "me/activations"
    let found = try #require(try bill())
    #expect(found["page"] == "https://hub.example/datasets/me/activations")
    #expect(found["files"] == 5)
    pipeline.cache.hfNumShards = 2
    #expect(try bill()?["files"] == 4)
    // What the export of the finished stage writes is that, the table of contents of each file aside.
    _ = try run(pipeline)
    pipeline.cache.hfNumShards = nil
    _ = try Exporting(pipeline, output: folder.file("out"), mode: .quiet).run()
    let written = try (0..<3).reduce(0) { sum, index in
      try sum + System.status(folder.file("out/data-0000\(index)-of-00003.arrow")).byteCount
    }
    let stated = try #require(try bill()?["bytes"]?.integer)
    #expect(stated <= written && written < stated + 3 * 4096)
  }

  @Test("The wanted number of files holds the same rows")
  func cutAnew() throws {
    let hub = try LocalHub()
    let folder = try TemporaryFolder()
    defer { hub.stop() }
    var pipeline = try pipeline(folder)
    pipeline.cache.hfRepoID = "me/activations"
    pipeline.cache.hfNumShards = 2
    _ = try run(pipeline)
    _ = try upload(pipeline, environment(hub, folder))
    var values: [Int] = []
    for index in 0..<2 {
      let name = "data/train-0000\(index)-of-00002.arrow"
      let bytes = try hub.contents(of: name, in: "me/activations", .dataset)
      values.append(bytes?.count ?? 0)
    }
    #expect(values[0] > values[1] && values[1] > 0)
  }

  @Test("Several hook points do not fit into one data set")
  func severalHooks() throws {
    var settings = CacheSettings()
    settings.hookNames = ["a", "b"]
    settings.hfRepoID = "me/x"
    #expect(
      settings.contradictions == [
        Complaint(
          "hf_repo_id",
          "takes the activations of one hook point, but hook_names has 2: leave hook_names out, and upload each "
            + "in a run of its own, by hook_name and a repository for it.")
      ])
  }
}
