// What lies in the place of a shard and is none. Comes in: a folder whose stage is not finished.
// Leaves: the same without such files, and a sentence for each.

import Shared

extension StageFolder {
  /// Removes files in the places of `count` shards that are none of `dIn` columns, so that they are
  /// made again.
  func removeUnreadableShards(_ count: Int, dIn: Int) throws -> [String] {
    var damages: [String] = []
    guard System.isDirectory(path) else { return damages }
    let names = try System.names(path)
    for name in (0..<count).map(ActivationShard.fileName) where names.contains(name) {
      let path = path + "/" + name
      do {
        guard try ActivationShard.open(path).dIn != dIn else { continue }
        damages.append("\(path) is not \(dIn) wide.")
      } catch let error as SystemError {
        // What cannot be read now may be whole.
        throw error
      } catch let error as any Failure {
        damages.append(error.sentence)
      }
      try System.remove(path)
    }
    return damages
  }
}
