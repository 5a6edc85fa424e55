import Foundation
import Shared
import Support
import Testing

/// A pipeline whose cache has about ninety shards, of which a stream holds a tenth.
private final class Streaming {
  /// Bytes that the shards of a stream may take, and what is noted of them.
  static let budget = 2_000_000
  static let cut = [
    "--set", "cache.model_batch_size=4", "--set", "cache.buffer_size_gb=1e-9", "--set",
    "train.checkpoint_minutes=1e-3",
  ]
  static let stream = cut + ["--set", "cache.max_disk_gb=0.002"]

  let place: Workplace
  private(set) var mostByteCount = 0

  init() throws {
    place = try Workplace()
    _ = try place.run("saeline-pretokenize", Streaming.cut)
  }

  private var activations: String { place.folder + "/store/activations" }

  /// What the folder takes of the disk now.
  func byteCount() -> Int {
    // A file that gets its name has two for a moment.
    var seen: Set<UInt64> = []
    func blocks(_ path: String) -> Int {
      guard let status = try? System.status(path), seen.insert(status.inode).inserted else {
        return 0
      }
      guard status.isDirectory else { return (status.byteCount + 4095) / 4096 * 4096 }
      return ((try? System.list(path)) ?? []).reduce(0) { $0 + blocks(path + "/" + $1) }
    }
    let now = blocks(activations)
    mostByteCount = max(mostByteCount, now)
    return now
  }

  /// Starts a program again whenever it is killed, until it ends by itself.
  func run(_ programs: [String], _ options: [String], kills: Int, _ random: Random) throws
    -> [ProgramResult]
  {
    var running = try programs.map { try place.start($0, options) }
    var results: [ProgramResult?] = programs.map { _ in nil }
    var (left, due) = (kills, System.uptime + 0.3)
    while results.contains(where: { $0 == nil }) {
      _ = byteCount()
      System.sleep(seconds: 0.01)
      let open = results.indices.filter { results[$0] == nil }
      if left > 0, System.uptime > due {
        running[open[random.integer(2 * left, below: open.count)]].kill(SIGKILL)
        due = System.uptime + 0.1 + 1.5 * random.uniform(2 * left + 1)
        left -= 1
      }
      for index in open where !running[index].isRunning {
        let result = try running[index].result()
        if result.code == -SIGKILL {
          running[index] = try place.start(programs[index], options)
        } else {
          results[index] = result
        }
      }
    }
    return results.compactMap(\.self)
  }

  /// Shards that are left on the disk.
  func shardsLeft() throws -> Int {
    try System.list(activations).reduce(0) { sum, stage in
      try sum
        + System.list(activations + "/" + stage + "/stream").count {
          $0.hasSuffix(".safetensors") || $0.hasPrefix("place-")
        }
    }
  }

  /// The digests of the files of the runs that say what was trained.
  func runs() throws -> [String: String] {
    try place.digests().filter { path, _ in
      path.hasPrefix("store/runs")
        && ["sae_weights.safetensors", "sparsity.safetensors", "evaluation.json", "metrics.jsonl"]
          .contains { path.hasSuffix($0) }
        && !path.contains("/checkpoints/")
    }
  }
}

@Suite("A stream of activations")
struct StreamRunTests {
  private static let sides = ["saeline-cache", "saeline-cache", "saeline-train"]

  @Test(
    "Training reads a stream as the whole cache, within its budget, whatever is killed",
    arguments: [0, 8])
  func sameWeights(kills: Int) throws {
    let whole = try Streaming()
    for program in Workplace.programs.dropFirst() {
      #expect(try whole.place.run(program, Streaming.cut).code == 0)
    }
    let streamed = try Streaming()
    let seed = Int(Date().timeIntervalSince1970)
    let results = try streamed.run(
      Self.sides, Streaming.stream + ["--json"], kills: kills, Random(seed: seed, stream: "kills"))
    for result in results { #expect(result.code == 0, "seed \(seed): \(result.errors)") }
    let made = try results.prefix(2).map { result in
      let (made, again) = (
        try result.json["shards_made"]?.integer ?? -1, try result.json["made_again"]?.integer ?? -1
      )
      #expect(again >= 0 && again <= made)
      return made
    }
    // The cache has some ninety shards, and all are needed.
    #expect(kills > 0 || made.reduce(0, +) > 80)
    #expect(try whole.runs().count == 4)
    #expect(try streamed.runs() == whole.runs(), "seed \(seed)")
    #expect(streamed.mostByteCount > 500_000)
    #expect(streamed.mostByteCount <= Streaming.budget, "seed \(seed)")
    #expect(try streamed.shardsLeft() == 0)
    for program in ["saeline-cache", "saeline-train"] {
      let again = try streamed.place.run(program, Streaming.stream)
      #expect(again.code == 0 && again.errors.contains("nothing to do"))
    }
  }

  @Test("A budget without room for what is mixed is refused, with the smallest that has it")
  func tooSmall() throws {
    let streaming = try Streaming()
    let options = Streaming.cut + ["--set", "cache.max_disk_gb=0.0005"]
    let result = try streaming.place.run("saeline-cache", options)
    #expect(result.code == 2)
    #expect(
      result.errors.contains(
        "error: cache.max_disk_gb is 0.0005, but training reads up to 9 shards at once, which take "
      ))
    let number = result.errors.firstMatch(of: /hint: Set it to ([0-9.]+) or more/)?.1
    let smallest = try #require(number.map { "\($0)" })
    let enough = Streaming.cut + ["--set", "cache.max_disk_gb=\(smallest)"]
    let results = try streaming.run(
      Self.sides, enough, kills: 0, Random(seed: 0, stream: "kills"))
    for result in results { #expect(result.code == 0, "\(result.errors)") }
  }
}
