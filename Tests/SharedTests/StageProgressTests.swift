import Foundation
import Shared
import Support
import Testing

@Suite("How far a stage is")
struct StageProgressTests {
  private let names = (0..<6).map { "shard-\($0)" }

  /// Writes a file that was modified so many seconds after 1970.
  private func write(_ path: String, at time: Double, _ text: String = "x") throws {
    try AtomicFile.replace(path, with: text)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: time)], ofItemAtPath: path)
  }

  private func lease(_ host: String, _ process: Int, at time: Double, to path: String) throws {
    let line =
      #"{"deadline":\#(Int(time) + 60),"host":"\#(host)","machine":"other","owner":"o","#
      + #""pid":\#(process),"seconds":60}"#
    try write(path, at: time, line + "\n")
  }

  @Test("Shards are counted as done, held, given up or missing; the rate is that of the newest")
  func whole() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    for (index, time) in [1000.0, 1010, 1020].enumerated() {
      try write("\(path)/shard-\(index)", at: time)
    }
    try lease("node1", 7, at: 1015, to: path + "/shard-3.lease")
    try lease("node2", 9, at: 900, to: path + "/shard-4.lease")
    // Its shard has just been published.
    try lease("node1", 7, at: 1015, to: path + "/shard-2.lease")
    try write(path + "/shard-0.sha256", at: 1000)
    try write(path + "/manifest.json.tmp", at: 1000)
    let progress = StageProgress(folder: path, unit: "shard", names: names, now: 1025)
    #expect(progress.doneCount == 3)
    #expect(progress.heldCount == 1)
    #expect(progress.abandonedCount == 1)
    #expect(progress.missingCount == 2)
    #expect(progress.workers == [.init(host: "node1", process: 7)])
    #expect(progress.rate == 0.1)
    #expect(progress.secondsLeft == 30)
    #expect(
      StageReport(stage: "cache", [progress]).text == """
        cache
          3 of 6 shards, 1 in the making, 2 missing, 1 given up by their worker, 1 worker on node1, \
        6.000/min, 30 s left: \(path)
        """)
  }

  @Test("Where nobody is at work there is no rate, and where nothing is known no number")
  func idle() throws {
    let folder = try TemporaryFolder()
    let absent = StageProgress(folder: folder.path + "/absent", unit: "shard", names: nil)
    #expect(
      StageReport(stage: "pretokenize", [absent]).text
        == "pretokenize\n  0 of ? shards, 0 in the making, nobody at work: \(folder.path)/absent")
    try write(folder.path + "/shard-0", at: 1000)
    try write(folder.path + "/shard-1", at: 1001)
    let idle = StageProgress(folder: folder.path, unit: "shard", names: names, now: 1002)
    #expect(idle.rate == nil)
    #expect(
      StageReport(stage: "cache", [idle]).text
        == "cache\n  2 of 6 shards, 0 in the making, 4 missing, nobody at work: \(folder.path)")
  }

  @Test("Workers are told by their hosts")
  func workers() throws {
    let folder = try TemporaryFolder()
    for (index, owner) in [("a", 1), ("b", 2), ("b", 3), ("b", 3)].enumerated() {
      try lease(owner.0, owner.1, at: 1000, to: "\(folder.path)/shard-\(index).lease")
    }
    let progress = StageProgress(folder: folder.path, unit: "shard", names: names, now: 1001)
    #expect(
      StageReport(stage: "cache", [progress]).text
        == "cache\n  0 of 6 shards, 4 in the making, 2 missing, 3 workers on a, b (2): "
        + folder.path)
    #expect(
      StageReport(stage: "cache", [progress]).json["parts"]?.array?.first?["workers"]?.canonical
        == #"[{"host":"a","pid":1},{"host":"b","pid":2},{"host":"b","pid":3}]"#)
  }

  @Test("A finished stage says where it is, and one without its input what that lacks")
  func ends() {
    let done = StageProgress(finished: "store/tokens/demo-1", unit: "shard", count: 3)
    #expect(
      StageReport(stage: "pretokenize", [done]).text
        == "pretokenize\n  3 shards, finished: store/tokens/demo-1")
    let single = StageProgress(finished: "store/tokens/demo-1", unit: "shard", count: 1)
    #expect(
      StageReport(stage: "pretokenize", [single]).text
        == "pretokenize\n  1 shard, finished: store/tokens/demo-1")
    #expect(
      StageReport.of("cache") { throw NoFile(path: "x") }.text
        == "cache\n  waits: x is neither a file nor a folder.")
    #expect(
      StageReport.of("cache") { throw NoFile(path: "x") }.json.canonical
        == #"{"parts":[],"stage":"cache","waits":"x is neither a file nor a folder."}"#)
  }
}
