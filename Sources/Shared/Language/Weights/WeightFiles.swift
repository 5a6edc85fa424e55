// The files that hold a model's weights: model.safetensors, or shards with an index. Comes in: a
// folder. Leaves: their names, in order.

/// The weight files of a model's folder.
package enum WeightFiles {
  private static let single = "model.safetensors"
  private static let index = "model.safetensors.index.json"

  /// The names of the files in a folder, in order.
  package static func names(folder: String) throws -> [String] {
    let indexPath = folder + "/" + index
    if System.exists(indexPath) {
      let text = try MappedFile.open(indexPath).bytes.copied()
      guard let map = (try? JSON(parsing: text))?["weight_map"]?.object else {
        throw ModelError.malformed(path: indexPath)
      }
      let names = Set(map.values.compactMap(\.string)).sorted()
      // A name may lead nowhere else than into the folder.
      guard names.allSatisfy({ !$0.contains("/") }) else {
        throw ModelError.malformed(path: indexPath)
      }
      return names
    }
    guard !System.exists(folder + "/" + single) else { return [single] }
    let files = (try? System.list(folder)) ?? []
    let pickles = files.filter { $0.hasSuffix(".bin") || $0.hasSuffix(".pth") }.sorted()
    guard let pickle = pickles.first(where: { $0.hasSuffix("final.pth") }) ?? pickles.first else {
      throw ModelError.noWeights(folder: folder)
    }
    throw ModelError.pickledWeights(folder: folder, file: pickle)
  }

  /// What errors call the weights as a whole.
  static func path(folder: String) -> String {
    let indexPath = folder + "/" + index
    return System.exists(indexPath) ? indexPath : folder + "/" + single
  }
}
