// What the inputs ask of the Hugging Face Hub. Comes in: names and revisions. Leaves: trees that are read
// over the network, and folders of this machine. Declared apart from the client, which stands behind it.

/// Where names are looked for that are no files of this machine.
///
/// Every call may be made again for the same name: it should answer from what it learned before, so that a
/// branch that moves meanwhile changes nothing within a run.
package protocol HubDoor: Sendable {
  /// The same for names that are of use but need not be fetched: only what was fetched before is found.
  var cached: any HubDoor { get }
  /// The files of a data set at a revision, read by ranges, and the hash of its commit.
  ///
  /// Throws `MissingRevision` where the repository is there and the revision is not.
  func datasetTree(_ id: String, revision: String?) throws -> (tree: any FileTree, commit: String)
  /// Fetches files of a data set into the cache.
  ///
  /// - Returns: the folder in which they lie at their paths.
  func fetchDataset(_ id: String, revision: String?, paths: [String]) throws -> String
  /// Fetches `config.json` and weights of a model.
  ///
  /// - Returns: their folder.
  func fetchModel(_ name: String, revision: String?) throws -> String
  /// Fetches `config.json` of a model alone.
  ///
  /// - Returns: its folder.
  func describeModel(_ name: String, revision: String?) throws -> String
  /// Fetches a vocabulary and what stands beside it.
  ///
  /// - Returns: their folder.
  func fetchTokenizer(_ name: String, revision: String?) throws -> String
  /// Fetches `cfg.json` and weights of an SAE, by `repository/path`.
  ///
  /// - Returns: their folder.
  func fetchSAE(_ name: String, revision: String?) throws -> String
}

/// A revision that a repository does not have.
package struct MissingRevision: Failure, Equatable {
  package let id: String
  package let revision: String

  package init(id: String, revision: String) {
    self.id = id
    self.revision = revision
  }

  package var sentence: String { "\(id) has no revision “\(revision)”." }
  package var hint: String? { "Name a branch, a tag or a commit that it has." }
}

/// A data set whose files are not read as they are, and which the Hub has not converted.
package struct UnreadRepository: Failure {
  let address: String
  /// The name of its loading script; nil where it has none.
  let script: String?
  /// What stands against its own files.
  let failure: (any Failure)?
  /// Whether the Hub was asked for converted files.
  var isConvertedSought = true

  package var sentence: String {
    let why =
      script.map { "\(address) is made by a loading script (\($0)), which is not run." }
      ?? failure?.sentence ?? ""
    return why + (isConvertedSought ? " Nor does the Hub keep it as Parquet files." : "")
  }
  package var hint: String? {
    failure?.hint ?? "Name files of it that hold the text, as pretokenize.data_files."
  }
}
