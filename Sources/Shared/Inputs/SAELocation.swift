// Where an SAE lies in a repository of the Hugging Face Hub, and which files it consists of. Comes in: a name as
// `owner/name/folder`, and what the repository lists. Leaves: the repository, the folder, and the files to fetch.

/// A folder, or a file, of a repository.
package struct SAELocation: Sendable, Equatable {
  package let repository: String
  /// Without slashes at its ends; empty for the repository itself.
  package let path: String

  /// Reads `owner/name` and what follows; nil of anything that can be no such name.
  package static func parse(_ name: String) -> SAELocation? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let inner = parts.last == "" ? parts.dropFirst(2).dropLast() : parts.dropFirst(2)
    guard parts.count >= 2, parts.prefix(2).allSatisfy(RepositoryRules.isPart),
      inner.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
    else { return nil }
    return SAELocation(
      repository: parts.prefix(2).joined(separator: "/"), path: inner.joined(separator: "/"))
  }

  /// The files of the SAE among those of the repository; empty where none lies there.
  package func files(_ names: some Collection<String>) -> [String] {
    // A form without any other file is named by that file.
    if path.hasSuffix(".npz") { return names.contains(path) ? [path] : [] }
    let folder = path.isEmpty ? "" : path + "/"
    let present = Set(names)
    for form in SAEForm.all where form.needed.allSatisfy({ present.contains(folder + $0) }) {
      return (form.needed + form.beside).map { folder + $0 }.filter(present.contains)
    }
    return []
  }

  /// The folders of a repository in which an SAE lies, for those who named none of them.
  package static func folders(_ names: some Collection<String>) -> [String] {
    let present = Set(names)
    let weights = Set(SAEForm.all.compactMap(\.needed.last))
    let folders = names.compactMap { name -> String? in
      let parts = name.split(separator: "/")
      guard let file = parts.last, weights.contains(String(file)) else { return nil }
      let folder = parts.dropLast().joined(separator: "/")
      let location = SAELocation(repository: "", path: folder)
      return location.files(present).isEmpty ? nil : folder
    }
    return Set(folders).sorted()
  }
}

/// A form that SAEs are published in, in the order in which they are recognized.
package struct SAEForm: Sendable {
  /// The files that make it this form, the weights last.
  let needed: [String]
  /// What is read where it is there.
  let beside: [String]

  /// sparsify, dictionary_learning, SAELens and this program, Gemma Scope.
  static let all = [
    SAEForm(needed: ["cfg.json", "sae.safetensors"], beside: []),
    SAEForm(needed: ["config.json", "ae.pt"], beside: []),
    SAEForm(
      needed: ["cfg.json", "sae_weights.safetensors"],
      beside: ["sparsity.safetensors", "activation_scaler.json"]),
    SAEForm(needed: ["params.npz"], beside: []),
  ]
}
