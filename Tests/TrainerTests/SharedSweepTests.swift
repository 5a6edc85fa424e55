import Foundation
import Shared
import Support
import Testing
import Trainer

@Suite("A sweep whose runs share a stream")
struct SharedSweepTests {
  /// Keeps caches, whose folders go with them, to the end of a test.
  private final class Caches {
    var kept: [SyntheticCache] = []
  }

  private let caches = Caches()

  private func sweep(
    _ cache: SyntheticCache, _ axes: JSON, shared: Bool = true, terminal: Terminal? = nil
  ) throws -> Sweep {
    caches.kept.append(cache)
    cache.pipeline.evaluate.evalTokens = 300
    cache.pipeline.train.nCheckpoints = 1
    cache.pipeline.train.sweep = try #require(SweepAxes(setting: axes))
    cache.pipeline.train.sweepMode = shared ? .shared : .separate
    let plan = SweepPlan(cache.pipeline)
    #expect(plan.problems == [])
    return try Sweep(
      cache.pipeline, combinations: plan.combinations,
      mode: terminal == nil ? .quiet : .automatic, terminal: terminal ?? .standardError)
  }

  private static let files = [
    "cfg.json", "sae_weights.safetensors", "sparsity.safetensors", "evaluation.json",
  ]

  private func bytes(_ sweep: Sweep) throws -> [[[UInt8]]] {
    try sweep.members.map { member in
      try Self.files.map { try MappedFile.contents(member.folder.path + "/" + $0) }
    }
  }

  /// The same sweep, one run after another, in a cache of its own.
  private func separate(_ axes: JSON) throws -> [[[UInt8]]] {
    let sweep = try sweep(SyntheticCache(), axes, shared: false)
    #expect(try sweep.run().map(\.didWork).allSatisfy { $0 })
    return try bytes(sweep)
  }

  private let mixed: JSON = [
    "architecture": .array([.string("standard"), .string("topk"), .string("jumprelu")]),
    "lr": .array([.number(1e-3), .number(3e-3)]),
  ]

  @Test("Each run ends in the bytes that it has by itself")
  func bytes() throws {
    let terminal = RecordedTerminal(isInteractive: false)
    let sweep = try sweep(SyntheticCache(), mixed, terminal: terminal.terminal)
    #expect(try sweep.run().map(\.didWork) == [Bool](repeating: true, count: 6))
    #expect(try bytes(sweep) == separate(mixed))
    #expect(terminal.writes.joined().contains("6 runs read one stream:\n"))
    #expect(terminal.writes.joined().contains("run 2 of 6: architecture=standard, lr=0.003\n"))
    #expect(try sweep.run().map(\.didWork) == [Bool](repeating: false, count: 6))
  }

  @Test("Runs that see other batches have streams of their own; longer ones go on alone")
  func streams() throws {
    let axes: JSON = [
      "seed": .array([.integer(1), .integer(2)]),
      "training_tokens": .array([.integer(640), .integer(1280)]),
    ]
    let terminal = RecordedTerminal(isInteractive: false)
    let sweep = try sweep(SyntheticCache(), axes, terminal: terminal.terminal)
    #expect(try sweep.run().map(\.didWork) == [Bool](repeating: true, count: 4))
    #expect(terminal.writes.joined().components(separatedBy: "2 runs read one stream:").count == 3)
    let alone = try self.sweep(SyntheticCache(), axes, shared: false)
    _ = try alone.run()
    for (a, b) in zip(sweep.members, alone.members) {
      let name = "/sae_weights.safetensors"
      #expect(
        try MappedFile.contents(a.folder.path + name)
          == MappedFile.contents(b.folder.path + name))
    }
  }

  @Test("A run that is ahead waits for the others, and none changes by that")
  func resuming() throws {
    let cache = try SyntheticCache()
    let axes: JSON = ["lr": .array([.number(1e-3), .number(2e-3), .number(3e-3)])]
    let expected = try separate(axes)
    let first = try sweep(cache, axes)
    _ = try first.run()
    // Of the second run the checkpoint in the middle is left, of the third nothing.
    for (index, member) in first.members.enumerated() where index > 0 {
      let path = member.folder.path
      for name in try System.list(path) where index == 2 || name != "checkpoints" {
        try FileManager.default.removeItem(atPath: path + "/" + name)
      }
      if index == 1 {
        #expect(try System.list(path + "/checkpoints").count == 1)
      }
    }
    #expect(try sweep(cache, axes).run().map(\.didWork) == [false, true, true])
    let found = try bytes(first)
    for index in 0..<3 { #expect(found[index] == expected[index], "\(index)") }
  }

  @Test("A run that diverges stops no other")
  func divergence() throws {
    let axes: JSON = ["lr": .array([.number(1e-3), .number(2e-3), .number(1e30)])]
    let sweep = try sweep(SyntheticCache(), axes)
    let endings = try sweep.run()
    #expect(endings.map(\.didWork) == [true, true, false])
    #expect(
      endings[2].failure?.hasSuffix("in \(sweep.members[2].folder.path) diverged.") == true)
    #expect(
      try System.list(sweep.members[2].folder.path).contains { $0.hasSuffix(".lease") } == false)
  }

  @Test("A run that somebody else holds is left for the end")
  func held() throws {
    let axes: JSON = ["lr": .array([.number(1e-3), .number(2e-3), .number(3e-3)])]
    let sweep = try sweep(SyntheticCache(), axes)
    let folder = sweep.members[0].folder
    try System.createDirectories(folder.path)
    let lease = try #require(try Lease.claim(Run.leasePath(folder)))
    let other = sweep.members[2].folder
    DispatchQueue.global().async {
      while (try? other.manifest()) == nil { System.sleep(seconds: 0.01) }
      lease.release()
    }
    #expect(try sweep.run().map(\.didWork) == [true, true, true])
  }
}
