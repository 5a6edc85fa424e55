// The files that hold a model's weights, of safetensors or of torch.save, whole or in shards with an index. Comes
// in: a folder. Leaves: their names, in order.

/// The weight files of a model's folder.
package enum WeightFiles {
  /// The names of the files in a folder, in order.
  package static func names(folder: String) throws -> [String] {
    switch ModelFiles.weights(try System.list(folder)) {
    case .file(let name)?: return [name]
    case .index(let name)?:
      let path = folder + "/" + name
      return try ModelFiles.shards(index: MappedFile.contents(path), path: path)
    case nil: throw ModelError.noWeights(folder: folder)
    }
  }

  /// What errors call the weights as a whole.
  static func path(folder: String) -> String {
    switch (try? System.list(folder)).flatMap(ModelFiles.weights) {
    case .file(let name)?, .index(let name)?: folder + "/" + name
    case nil: folder
    }
  }
}
