// How far the stage of tokens is, from what lies in the store. Comes in: the stage's folders. Leaves: units that
// are done, held and missing.

package import Shared

extension Pretokenizing {
  /// How far the stage is, whoever works on it: its blocks of tokens first, then its shards.
  package func progress() throws -> [StageProgress] {
    if let finished = try StageProgress.finished(folder) { return [finished] }
    let isHere = text.files.allSatisfy(\.isLocal)
    let blocks = isHere ? try InputBlock.cut(text, reading).count : nil
    return [
      StageProgress(
        folder: work.path, unit: "block",
        names: blocks.map { (0..<$0).map { TokenBlock.fileName($0) } },
        isUnit: { $0.hasPrefix("block-") }),
      // How many there will be is known once all blocks are there.
      StageProgress(
        folder: folder.path, unit: StageProgress.shard, names: nil,
        isUnit: { $0.hasPrefix("shard-") && $0.hasSuffix(".safetensors.zst") }),
    ]
  }
}
