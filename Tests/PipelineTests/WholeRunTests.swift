import Foundation
import Shared
import Testing

/// The three programs on a small text, as users run them.
@Suite("The whole pipeline", .serialized)
struct WholeRunTests {
  private func didWork(_ results: [ProgramResult]) throws -> [Bool?] {
    try results.map { try $0.json["did_work"]?.bool }
  }

  @Test("Text becomes an SAE, and only what a change concerns is made again")
  func textToSAE() throws {
    let place = try Workplace()
    let first = try place.runAll()
    for result in first { #expect(result.code == 0, "\(result.errors)") }
    #expect(try didWork(first) == [true, true, true])
    let figures = try first[2].json
    // A band around what 157 steps of this run reach.
    #expect((0.7...0.99).contains(figures["explained_variance"]?.double ?? 0))
    #expect((4...8.01).contains(figures["l0"]?.double ?? 0))
    let ablated = try #require(figures["ce_loss_with_ablation"]?.double)
    #expect(try #require(figures["ce_loss_without_sae"]?.double) < ablated)
    #expect(try #require(figures["ce_loss_with_sae"]?.double) < ablated)
    let folder = try #require(figures["folder"]?.string)
    #expect(System.exists(place.folder + "/" + folder + "/report.html"))

    #expect(try didWork(place.runAll()) == [false, false, false])
    #expect(try didWork(place.runAll(["--set", "train.lr=2e-3"])) == [false, false, true])
    #expect(
      try didWork(place.runAll(["--set", "pretokenize.context_size=16"])) == [true, true, true])
    let idle = try place.run("saeline-train")
    #expect(idle.errors.hasPrefix("nothing to do: \(folder) is finished\n\nFiles\n  SAE "))
    #expect(idle.errors.contains("\n\nResult of tiny\n  explained variance "))
    #expect(idle.output == folder + "\n")
    #expect(try place.run("saeline-train", ["report", "--quiet"]).output == folder + "\n")
  }

  @Test("Training needs no model, but for who asks what it loses")
  func withoutModel() throws {
    let place = try Workplace()
    for program in Workplace.programs.dropLast() { #expect(try place.run(program).code == 0) }
    let gone = ["--set", "cache.model_name=/nowhere/model"]
    let refused = try place.run(
      "saeline-train", gone + ["--set", "evaluate.loss_recovered=true"])
    #expect(refused.code == 2)
    #expect(
      refused.errors == """
        error: evaluate.loss_recovered is true, but the model /nowhere/model is not on this machine.
        hint: Set cache.model_name to the model that was cached, or leave \
        evaluate.loss_recovered out.

        """)
    let trained = try place.run("saeline-train", gone)
    #expect(trained.code == 0)
    #expect(
      trained.errors.contains(
        "note: Loss recovered is not known: the model /nowhere/model is not on this machine.\n"))
    let measured = try place.run("saeline-train", ["report", "--json"])
    #expect(try measured.json["ce_loss_score"]?.double != nil)
  }

  @Test("Two workers write the same bytes as one")
  func twoWorkers() throws {
    let one = try Workplace()
    for result in try one.runAll() { #expect(result.code == 0, "\(result.errors)") }
    let two = try Workplace()
    for program in Workplace.programs {
      let workers = [try two.start(program), try two.start(program, ["--quiet"])]
      for worker in workers { #expect(try worker.result().code == 0) }
    }
    #expect(try two.digests() == one.digests())
  }

  @Test("Killed at any moment and run again, a stage ends in the same bytes")
  func killing() throws {
    // A run records its settings, so both places have the same.
    let often = ["--set", "train.checkpoint_minutes=1e-4"]
    let undisturbed = try Workplace()
    for program in Workplace.programs { _ = try undisturbed.run(program, often) }
    let place = try Workplace()
    let random = Random(seed: Int(Date().timeIntervalSince1970), stream: "kills")
    for (index, program) in Workplace.programs.enumerated() {
      for attempt in 0..<7 {
        let running = try place.start(program, often)
        System.sleep(seconds: 0.02 + 0.4 * random.uniform(7 * index + attempt))
        running.kill(SIGKILL)
        _ = try running.result()
      }
      let result = try place.run(program, often)
      #expect(result.code == 0, "\(result.errors)")
    }
    #expect(try place.digests() == undisturbed.digests())
  }

  @Test("An interrupted training says how to go on, and goes on")
  func interruption() throws {
    let place = try Workplace()
    let long = ["--set", "train.training_tokens=400000000"]
    for program in Workplace.programs.dropLast() {
      #expect(try place.run(program).code == 0)
    }
    let running = try place.start("saeline-train", long)
    System.sleep(seconds: 2)
    running.kill(SIGINT)
    let result = try running.result()
    #expect(result.code == 130)
    #expect(
      result.errors.contains(/error: Stopped after step \d+ of 1562500; the state is saved\.\n/))
    #expect(result.errors.hasSuffix("hint: Run the same command again to continue.\n"))
    let again = try place.start("saeline-train", long)
    System.sleep(seconds: 2)
    again.kill(SIGTERM)
    let continued = try again.result()
    #expect(continued.code == 130)
    #expect(continued.errors.contains(/continuing after step \d+ from \.\/store\/runs\/tiny-/))
  }

  @Test("A sweep makes a run per combination, stops and goes on, and ends in a table and a page")
  func sweep() throws {
    let place = try Workplace()
    for program in Workplace.programs.dropLast() { _ = try place.run(program) }
    let axes = ["--set", "train.sweep={k: [4, 8]}"]
    let bill = try place.run("saeline-train", axes + ["--dry-run", "--json"])
    #expect(try bill.json["runs"]?.array?.count == 2)
    #expect(!System.exists(place.folder + "/store/runs"))

    let running = try place.start(
      "saeline-train", axes + ["--set", "train.training_tokens=400000000"])
    System.sleep(seconds: 2)
    running.kill(SIGINT)
    let stopped = try running.result()
    #expect(stopped.code == 130)
    #expect(stopped.errors.contains("run 1 of 2: k=4\n"))
    #expect(
      stopped.errors.contains(/error: k=4: Stopped after step \d+ of \d+; the state is saved/))
    #expect(stopped.errors.hasSuffix("hint: Run the same command again to continue.\n"))

    let workers = [
      try place.start("saeline-train", axes + ["--json"]),
      try place.start("saeline-train", axes + ["--quiet"]),
    ]
    let results = try workers.map { try $0.result() }
    for result in results { #expect(result.code == 0, "\(result.errors)") }
    let runs = try #require(try results[0].json.array)
    #expect(runs.compactMap { $0["sweep"]?["k"]?.double } == [4, 8])
    let folders = runs.compactMap { $0["folder"]?.string }
    #expect(results[1].output == folders.map { $0 + "\n" }.joined())
    #expect(results[0].errors.contains("Sweep of tiny\n"))
    let page = try #require(runs[0]["sweep_report"]?.string)
    #expect(System.exists(place.folder + "/" + page))

    let again = try place.run("saeline-train", axes)
    #expect(
      again.errors.hasPrefix(
        "note: train.k: gives way to the values of train.sweep.\n"
          + "nothing to do: all 2 runs are finished\n\nSweep of tiny\n"))
    let alone = try place.run("saeline-train", ["--set", "train.k=4"])
    #expect(alone.errors.hasPrefix("nothing to do: \(folders[0]) is finished\n\nFiles\n"))
    try System.remove(place.folder + "/" + page)
    #expect(try place.run("saeline-train", ["report"] + axes).code == 0)
    #expect(System.exists(place.folder + "/" + page))
    let refused = try place.run("saeline-train", ["reconstruct"] + axes)
    #expect(refused.code == 2)
  }

  @Test("A wrong input gets one sentence and exit code 2, and nothing is written")
  func wrongInput() throws {
    let place = try Workplace()
    let before = try System.list(place.folder)
    let cases: [(String, [String], String)] = [
      (
        "saeline-train", ["--set", "train.learning_rate=1"],
        "train.learning_rate: is unknown"
      ),
      ("saeline-train", [], "holds no activations of blocks.0.hook_mlp_out"),
      ("saeline-pretokenize", ["--set", "pretokenize.dataset_path=missing.txt"], "missing.txt"),
    ]
    for (program, arguments, words) in cases {
      let result = try place.run(program, arguments)
      #expect(result.code == 2)
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(result.output == "")
    }
    #expect(try System.list(place.folder) == before)
  }

  @Test("A damaged shard is named, with what to do")
  func damagedShard() throws {
    let place = try Workplace()
    for program in Workplace.programs.dropLast() { _ = try place.run(program) }
    let stage = place.folder + "/store/activations"
    let cache = stage + "/" + (try #require(try System.list(stage).first))
    let shard = cache + "/shard-00000.safetensors"
    let bytes = try MappedFile.contents(shard)
    try Data(bytes.dropLast(10)).write(to: URL(fileURLWithPath: shard))
    let result = try place.run("saeline-train")
    #expect(result.code == 2)
    #expect(
      result.errors.contains("has \(bytes.count - 10) bytes; its manifest says \(bytes.count)."))
    #expect(result.errors.contains("hint: Delete the folder"))
    #expect(!System.exists(place.folder + "/store/runs"))
  }
}
