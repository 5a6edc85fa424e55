// Many workers at one folder, as the simulation of Benchmarks/scale has them, in small.

import Foundation
import Shared
import Support
import Testing

@Suite struct ManyWorkersTests {
  @Test("Twenty workers, of whom some are killed and one is suspended, make 500 shards once each")
  func twenty() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.file("store")
    let shards = 500
    let workers = try (0..<20).map { worker in
      try RunningProgram(
        "ScaleWorker",
        [folder, String(shards), "1", "0.005", temporary.file("notes-\(worker)")],
        in: temporary.path)
    }
    while ((try? System.list(folder)) ?? []).filter({ $0.hasSuffix(".safetensors") }).count < 50 {
      System.sleep(seconds: 0.01)
    }
    for worker in workers[..<4] { worker.kill(SIGKILL) }
    workers[4].kill(SIGSTOP)
    System.sleep(seconds: 1.5)
    workers[4].kill(SIGCONT)
    for (index, worker) in workers.enumerated() {
      let result = try worker.result()
      #expect(result.code == (index < 4 ? -SIGKILL : 0), "\(index): \(result.errors)")
    }
    let names = (0..<shards).map(ActivationShard.fileName)
    #expect(try System.list(folder) == (["manifest.json"] + names).sorted())
    let stage = StageFolder(path: folder, stage: .activations, fingerprint: nil)
    #expect(try stage.manifest(verify: .digests)?.shards.map(\.file) == names)
    for (shard, name) in names.enumerated() {
      #expect(try MappedFile.contents(folder + "/" + name) == Array("shard \(shard)\n".utf8))
    }
  }
}
