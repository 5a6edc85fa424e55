// Which files of a folder are a model. Comes in: the names of the files, here or on a server. Leaves: the
// configuration and one form of the weights, as transformers chooses among several.

/// The files of a model: config.json and weights in one form.
package enum ModelFiles {
  package static let configuration = ModelConfiguration.fileName

  private static let indexLimit = 64 << 20

  /// Where a model's weights are.
  package enum Weights: Sendable, Equatable {
    case file(String)
    /// The name of the file that lists the shards.
    case index(String)
  }

  /// In which transformers looks for them (`_get_resolved_checkpoint_files`).
  private static let order: [Weights] = [
    .file("model.safetensors"), .index("model.safetensors.index.json"),
    .file("pytorch_model.bin"), .index("pytorch_model.bin.index.json"),
  ]

  /// What the last state of TransformerLens's own models ends with; the first of the repository's list is
  /// taken (`get_pretrained_state_dict`).
  private static let ownEnding = "final.pth"

  /// The weights among the files of a folder; nil where there are none.
  package static func weights(_ names: some Collection<String>) -> Weights? {
    let present = Set(names)
    let known = order.first { weights in
      switch weights {
      case .file(let name), .index(let name): present.contains(name)
      }
    }
    if let known { return known }
    return names.filter { $0.hasSuffix(ownEnding) && $0.isPlainName }.min().map { .file($0) }
  }

  /// The files that are needed before anything else is known: the configuration, and the weights or what
  /// lists them; `names` are those of the whole repository or folder.
  package static func first(_ names: some Collection<String>) -> [String] {
    var first = names.contains(configuration) ? [configuration] : []
    switch weights(names) {
    case .file(let name)?, .index(let name)?: first.append(name)
    case nil: break
    }
    return first
  }

  /// The shards that an index lists, in the order of their names, none of which leads out of the folder.
  package static func shards(index text: [UInt8], path: String) throws(ModelError) -> [String] {
    guard text.count <= indexLimit, let map = (try? JSON(parsing: text))?["weight_map"]?.object,
      !map.isEmpty
    else { throw .malformed(path: path) }
    let names = Set(map.values.compactMap(\.string))
    guard names.allSatisfy(\.isPlainName), map.values.allSatisfy({ $0.string != nil }) else {
      throw .malformed(path: path)
    }
    return names.sorted()
  }
}
