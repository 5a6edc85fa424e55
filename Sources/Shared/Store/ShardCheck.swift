// Whether shards that are read are those of their manifest. Comes in: a finished stage. Leaves: an error
// for a file that other hands, or a disk, have changed since.

import Synchronization

/// Compares the shards of a finished stage with the hashes in its manifest, each once, when it is first read.
package final class ShardCheck: Sendable {
  private let folder: StageFolder
  /// What was not compared yet, by path.
  private let left: Mutex<[String: Manifest.Shard]>

  /// Compares nothing more where `verification` says that all was compared.
  package init(
    _ folder: StageFolder, _ manifest: Manifest,
    after verification: StageFolder.Verification = .sizes
  ) {
    self.folder = folder
    let shards = verification == .digests ? [] : manifest.shards
    let pairs = shards.map { (folder.path + "/" + $0.file, $0) }
    left = Mutex(Dictionary(pairs) { first, _ in first })
  }

  /// Throws where the file at `path` has another hash than its manifest says.
  package func check(_ path: String) throws {
    guard let shard = left.withLock({ $0[path] }) else { return }
    try folder.check(shard, .digests)
    _ = left.withLock { $0.removeValue(forKey: path) }
  }
}
