// What somebody uploaded to a repository of the local Hub. Comes in: a repository. Leaves: its paths, without
// the file that every repository begins with.

extension LocalHub {
  /// As `paths`, without `.gitattributes`.
  package func uploadedPaths(
    in id: String, _ kind: LocalHubKind = .model, revision: String = "main"
  ) -> [String]? {
    paths(in: id, kind, revision: revision)?.filter { $0 != ".gitattributes" }
  }
}
