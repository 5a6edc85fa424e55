// The names of language models. Comes in: what a user calls a model. Leaves: the repository of the Hugging Face
// Hub that it is in, by TransformerLens's table of names, or as it stands where it has an owner.

package enum ModelNames {
  /// The official name for a name or another one for it, whatever the case; nil where the table has none.
  package static func official(_ name: String) -> String? { table[name.lowercased()] }

  /// The repository that a model is in.
  ///
  /// Names with an owner that the table does not know are taken as they stand.
  package static func repository(_ name: String) throws(ModelNameError) -> String {
    guard let official = official(name) else {
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      if parts.count == 2, parts.allSatisfy(RepositoryRules.isPart) { return name }
      if parts.count > 1 { throw .noRepository(name) }
      throw .unknown(name, nearest: nearest(name))
    }
    if ModelNameTable.elsewhere.contains(official) { throw .elsewhere(official) }
    return official
  }

  /// The official name of the nearest name that there is, and that name.
  private static func nearest(_ name: String) -> String? {
    Spelling.nearest(name.lowercased(), in: spellings)
  }

  private static let spellings = table.keys.sorted()

  /// Official names by all names, in lower case.
  private static let table: [String: String] = {
    var table: [String: String] = [:]
    for entry in ModelNameTable.lines.joined(separator: " ").split(separator: ";") {
      let names = entry.split(separator: " ").map(String.init)
      for name in names { table[name.lowercased()] = names[0] }
    }
    return table
  }()
}

/// Why a name leads to no model.
package enum ModelNameError: Failure, Equatable {
  case unknown(String, nearest: String?)
  case noRepository(String)
  /// Of TransformerLens's, but in no repository.
  case elsewhere(String)

  package var sentence: String {
    switch self {
    case .unknown(let name, let nearest):
      "No model is called \(JSON.clipped(name))"
        + (nearest.map { "; did you mean \($0)?" } ?? ".")
    case .noRepository(let name):
      "\(JSON.clipped(name)) is neither a folder on this machine nor the name of a repository."
    case .elsewhere(let name): "The model \(name) is not on the Hugging Face Hub."
    }
  }

  package var hint: String? {
    switch self {
    case .unknown, .noRepository:
      "Give a folder, a repository of the Hugging Face Hub as owner/name, or a name of "
        + "TransformerLens such as gpt2-small."
    case .elsewhere: "Give a folder with config.json and weights as cache.model_name."
    }
  }
}
